"""A person at a real browser: from the command, or an application, through to a secret."""

from __future__ import annotations

import os
import subprocess
import sys

import pexpect
import pytest
from tests.plugins.azure.using import Person

from unvault.errors import AccessDenied

SCOPES = {"https://vault.azure.net/user_impersonation", "offline_access", "openid", "profile"}
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture(autouse=True)
def secret(vault):
    vault.put("api-key", "canary-1")


@pytest.fixture
def ours(entra):
    """Return the answers for an application that asks for consent."""
    app = entra.app("ours", public=True)
    return {"client_id": app.client_id, "tenant_id": entra.tenant.id}


@pytest.fixture
def windows(ann, sign_in_at):
    """Return Ann at a browser with windows; what they show in the end is in ``seen``."""
    person = Person(lambda page: sign_in_at(page, ann))
    yield person
    person.join()


@pytest.mark.usefixtures("quiet_log")
def test_sign_in_and_consent_lead_to_a_secret_in_one_window(
    open_unvault, windows, ours, entra, profile
):
    unvault = open_unvault(ours, interaction=windows)
    assert unvault.fetch("prod/app/api-key").text() == "canary-1"
    windows.join()
    assert len(entra.opened) == 1
    assert len(profile.tabs) == 1
    assert entra.opened[0]["code_challenge_method"] == "S256"
    assert set(entra.opened[0]["scope"].split()) == SCOPES
    assert [set(each) for each in entra.scopes] == [SCOPES]
    assert entra.consents == 1
    (window,) = windows.seen
    assert "You are signed in" in window.run("document.body.innerText")
    assert "canary" not in window.run("location.href")
    assert "code=" not in window.run("location.href")


def test_consent_that_is_declined_is_an_error_and_shown_in_the_window(
    open_unvault, ours, ann, sign_in_at
):
    person = Person(lambda page: sign_in_at(page, ann, accept=False))
    unvault = open_unvault(ours, interaction=person)
    with pytest.raises(AccessDenied, match="declined"):
        unvault.credentials.test("prod")
    person.join()
    assert "did not work" in person.seen[0].run("document.body.innerText")


class Command:
    """The command, in a home of its own.

    Args:
        home: The home.
        variables: More of its environment.
    """

    def __init__(self, home, variables):
        self.environ = {**os.environ, "UNVAULT_HOME": str(home), "TERM": "xterm", **variables}
        self.home = home

    def run(self, *arguments):
        command = [sys.executable, "-m", "unvault_cli", *arguments]
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )

    def at_terminal(self, *arguments):
        command = [sys.executable, "-m", "unvault_cli", *arguments]
        return pexpect.spawn(
            command[0],
            command[1:],
            env=self.environ,
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 400),
        )


@pytest.fixture
def command(tmp_path, doorbell, azure):
    return Command(tmp_path / "unvault", {**azure.environment, **doorbell.environment})


@pytest.fixture
def signed_in(command, doorbell, ann, visit):
    """Return the command, with which Ann signed in, who named nothing."""
    adding = command.at_terminal("credentials", "add", "azure", "--type", "browser")
    for _ in range(7):
        adding.expect(r"(Tenant|Client id|Redirect port|Wait|Cloud|Authority|Allowed hosts).*: ")
        adding.sendline("")
    adding.expect("Timeout.*: ")
    adding.sendline("")
    adding.expect_exact("Waiting for the page")
    visit(ann, doorbell.wait())
    adding.expect_exact(f"stored the credential {ann.name}: ann@contoso.example/… refers to it")
    adding.expect(pexpect.EOF)
    adding.close()
    assert adding.exitstatus == 0
    return command


def test_the_command_signs_in_once_and_other_commands_go_on_with_it(
    signed_in, entra, ann, doorbell, visit
):
    reference = f"{ann.name}/app/api-key"
    got = signed_in.run("get", reference)
    assert (got.stdout, got.stderr, got.returncode) == ("canary-1", "", 0)
    entra.ahead = 3700
    assert signed_in.run("get", reference).stdout == "canary-1"
    assert entra.granted("refresh") == 1
    entra.revoke(ann)
    entra.ahead = 7400
    refused = signed_in.run("get", reference)
    assert (refused.stdout, refused.returncode != 0) == ("", True)
    assert f"unvault credentials login {ann.name}" in refused.stderr
    assert len(entra.opened) == len(doorbell.pages) == 1

    again = signed_in.at_terminal("credentials", "login", ann.name)
    again.expect_exact("Waiting for the page")
    visit(ann, doorbell.wait(2))
    again.expect_exact(f"signed in to azure as {ann.name}")
    again.expect(pexpect.EOF)
    assert signed_in.run("get", reference).stdout == "canary-1"
    assert len(entra.opened) == 2


def test_nothing_that_was_handed_out_is_in_a_file_or_said(signed_in, entra, ann, own_home):
    said = [
        signed_in.run(*each)
        for each in (
            ("credentials", "show", ann.name, "--json"),
            ("credentials", "test", ann.name),
            ("get", f"{ann.name}/app/none"),
            ("list", ann.name, "app/"),
            ("doctor",),
        )
    ]
    text = "".join(each.stdout + each.stderr for each in said)
    issued = [each for each in entra.issued if len(each) > 8]
    assert len(issued) > 4
    assert [each for each in issued if each in text] == []
    files = [
        each for top in (signed_in.home, own_home) for each in top.rglob("*") if each.is_file()
    ]
    assert files
    for file in files:
        content = file.read_bytes()
        assert [each for each in issued if each.encode() in content] == [], file


def test_signing_out_leaves_nothing_to_go_on_with(signed_in, ann, entra):
    assert signed_in.run("credentials", "clear", ann.name, "--yes").returncode == 0
    asked = len(entra.requests)
    refused = signed_in.run("get", f"{ann.name}/app/api-key")
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert len(entra.requests) == asked
