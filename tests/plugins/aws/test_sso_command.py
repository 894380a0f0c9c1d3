"""Signing in by SSO with the command: what it says where nobody can be asked, and on a terminal."""

from __future__ import annotations

import os

import pytest
from tests.apps.cli.terminals import Session

from unvault.errors import InteractionRequired
from unvault_cli.main import main

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def stored(dev, tmp_path, monkeypatch):
    """Store the profile as the credential ``corp``."""
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "unvault"))
    fields = [part for name, value in dev.items() for part in ("--field", f"{name}={value}")]
    add = ["credentials", "add", "aws", "--name", "corp", "--type", "sso", "--no-test"]
    assert main([*add, *fields]) == 0


def test_who_is_not_stored_yet_is_not_told_to_sign_in_by_name(
    dev, sso_config, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "unvault"))
    fields = [part for name, value in dev.items() for part in ("--field", f"{name}={value}")]
    add = ["credentials", "add", "aws", "--name", "corp", "--type", "sso", *fields]

    assert main(add) == 4
    hint = capsys.readouterr().err.partition("hint: ")[2]
    assert hint.startswith("aws sso login --profile dev; or, once it is stored, unvault cred")
    assert "--no-test stores it" in hint
    assert main([*add, "--field", f"config_file_path={sso_config}"]) == 4
    hint = capsys.readouterr().err.partition("hint: ")[2]
    assert hint.startswith(f"AWS_CONFIG_FILE={sso_config} aws sso login --profile dev; or,")


def test_a_draft_of_the_environment_is_signed_in_to_by_the_providers_id(dev, open_unvault):
    told = {f"UNVAULT_AWS_{name.upper()}": value for name, value in dev.items()}
    unvault = open_unvault(environ={"UNVAULT_AWS_TYPE": "sso", **told})
    draft = unvault.credentials.draft_from_environment("aws", name="corp")

    with pytest.raises(InteractionRequired) as caught:
        unvault.credentials.test(draft)
    assert str(caught.value.hint).startswith("unvault credentials login aws (or aws sso login")


def test_a_draft_without_a_name_has_no_command_of_ours(dev, open_unvault):
    unvault = open_unvault()

    with pytest.raises(InteractionRequired) as caught:
        unvault.credentials.test(unvault.credentials.draft("aws", "sso", dev))
    assert caught.value.hint == "aws sso login --profile dev"


def test_login_without_a_terminal_says_that_it_needs_one(stored, capsys):
    assert main(["credentials", "login", "corp"]) == 4
    assert (
        "hint: run it on a terminal, where somebody can answer: unvault credentials login corp"
        " (or aws sso login --profile dev)"
    ) in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal of its own")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_command_signs_a_person_in_and_others_go_on(stored, sso, capsys):
    assert main(["get", "corp/app"]) == 4
    shown = capsys.readouterr().err
    assert "[interaction-required]" in shown
    assert "hint: unvault credentials login corp" in shown

    session = Session("credentials", "login", "corp", DISPLAY="", BROWSER="")
    session.child.expect_exact("Open this page: ")
    session.child.expect_exact("Waiting for the page")
    sso.approve()
    assert session.end() == 0, session.shown
    assert "/Reader/person@example.com" in session.shown

    capsys.readouterr()
    assert main(["get", "corp/app"]) == 0
    assert capsys.readouterr().out == "canary-1"
