"""SSO: from a token in AWS's cache, or a person who signs in, to a secret."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.apps.cli.terminals import Session
from tests.plugins.aws.using import GET, Person, add, at, keep_token, token_file, told, visit, write
from tests.servers.aws_account import allow
from tests.soak import rounds

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    FormError,
    InteractionRequired,
    Unavailable,
)
from unvault_aws import sso_device
from unvault_cli.main import main

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def app(account, sso, monkeypatch):
    """Return an account with a secret ``app``, and a person who has a role that reads it."""
    account.put("app", "canary-1")
    sso.assign(account, account.role(allow(GET), name="Reader"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", sso.address)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", sso.address)
    return account


@pytest.fixture
def config(app, sso, own_home):
    """Return the config file, with a profile of each kind."""
    return write(
        own_home / ".aws" / "config",
        f"""
        [profile dev]
        sso_session = corp
        sso_account_id = {app.number}
        sso_role_name = Reader
        region = eu-west-1

        [profile old]
        sso_start_url = {sso.start_url}
        sso_region = eu-west-1
        sso_account_id = {app.number}
        sso_role_name = Reader

        [profile admin]
        sso_session = corp
        sso_account_id = {app.number}
        sso_role_name = Admin

        [profile spaced]
        sso_session = my corp
        sso_account_id = {app.number}
        sso_role_name = Reader

        [profile lost]
        sso_session = nowhere
        sso_account_id = {app.number}
        sso_role_name = Reader

        [profile half]
        sso_session = corp

        [profile keys]
        aws_access_key_id = AKIANOBODY
        aws_secret_access_key = canary-x

        [sso-session corp]
        sso_region = eu-west-1
        sso_start_url = {sso.start_url}
        sso_registration_scopes = sso:account:access

        [sso-session my corp]
        sso_region = eu-west-1
        sso_start_url = {sso.start_url}
        """,
    )


@pytest.fixture
def dev(config, ministack):
    """Return the answers for the profile ``dev``."""
    return at(ministack.address, section="dev")


def sso_answers(ministack, section):
    return at(ministack.address, section=section)


@pytest.mark.parametrize(("section", "key"), [("dev", "corp"), ("old", None)])
@pytest.mark.parametrize("kind", ["sso", "file"])
def test_a_token_that_the_cli_kept_is_used(
    config, ministack, sso, own_home, open_unvault, section, key, kind
):
    keep_token(own_home, key or sso.start_url, sso.sign_in(refreshes=key is not None))
    before = len(sso.requests)
    unvault = open_unvault(sso_answers(ministack, section), kind=kind)

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert [seen.path.partition("?")[0] for seen in sso.requests[before:]] == [
        "/federation/credentials"
    ]
    session = unvault.credentials.test("prod")
    assert session.identity.endswith("/Reader/person@example.com")
    assert session.expires is not None


def test_without_a_credential_the_profile_that_the_environment_names_is_used(
    config, ministack, sso, own_home, open_unvault, monkeypatch
):
    keep_token(own_home, "corp", sso.sign_in())
    monkeypatch.setenv("AWS_PROFILE", "dev")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", ministack.address)

    assert open_unvault().fetch("aws/app").text() == "canary-1"


def test_a_token_near_its_end_is_refreshed_and_kept_for_the_cli(
    dev, sso, own_home, open_unvault, account
):
    sso.token_seconds = 600
    path = keep_token(own_home, "corp", sso.sign_in())
    old = json.loads(path.read_text())
    sso.token_seconds = 3600
    unvault = open_unvault(dev, kind="sso")

    assert unvault.fetch("prod/app").text() == "canary-1"
    new = json.loads(path.read_text())
    assert sso.granted("refresh_token") == 1
    assert new["accessToken"] != old["accessToken"]
    assert new["refreshToken"] != old["refreshToken"]
    assert new["clientId"] == old["clientId"]
    assert new.keys() == old.keys()
    assert datetime.fromisoformat(new["expiresAt"]) > datetime.now(UTC) + timedelta(minutes=50)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_unvault(dev, kind="sso").fetch("prod/app").text() == "canary-1"
    assert sso.granted("refresh_token") == 1


@rounds(1, 50)
def test_many_that_refresh_one_token_at_the_same_time_all_go_on(
    dev, sso, own_home, open_unvault, rounds
):
    for _ in range(rounds):
        token = sso.sign_in()
        keep_token(own_home, "corp", {**token, "expiresAt": "2020-01-01T00:00:00Z"})
        many = [open_unvault(dev, kind="sso") for _ in range(8)]
        together = threading.Barrier(len(many))

        def fetch(unvault, together=together):
            together.wait()
            return unvault.fetch("prod/app").text()

        with ThreadPoolExecutor(len(many)) as pool:
            assert [*pool.map(fetch, many)] == ["canary-1"] * len(many)
        assert sso.granted("refresh_token") == 1
        sso.forget()


def test_a_token_that_was_revoked_is_refreshed(dev, sso, own_home, open_unvault):
    keep_token(own_home, "corp", sso.sign_in())
    sso._tokens.clear()

    assert open_unvault(dev, kind="sso").fetch("prod/app").text() == "canary-1"
    assert sso.granted("refresh_token") == 1


def test_role_keys_that_ended_are_got_anew(dev, sso, own_home, open_unvault):
    keep_token(own_home, "corp", sso.sign_in())
    sso.role_seconds = 1
    unvault = open_unvault(dev, kind="sso")
    assert unvault.fetch("prod/app").text() == "canary-1"
    time.sleep(1.1)

    assert unvault.fetch("prod/app", fresh=True).text() == "canary-1"
    assert sso.count("/federation/credentials") == 2


@pytest.mark.parametrize("kept", ["nothing", "ended", "signed out", "nonsense"])
def test_where_nobody_can_be_asked_the_hint_names_the_command(
    dev, sso, own_home, open_unvault, kept
):
    if kept == "nonsense":
        keep_token(own_home, "corp", {}).write_text("[canary")
    elif kept != "nothing":
        token = sso.sign_in(refreshes=kept == "signed out")
        if kept == "ended":
            token["expiresAt"] = "2020-01-01T00:00:00UTC"
        keep_token(own_home, "corp", token)
        if kept == "signed out":
            sso.sign_out()
    unvault = open_unvault(dev, kind="sso")

    with pytest.raises(InteractionRequired, match="section 'dev'") as caught:
        unvault.fetch("prod/app")
    assert caught.value.hint == ("unvault credentials login prod (or aws sso login --profile dev)")
    assert sso.count("/device_authorization") == 0
    assert "canary" not in told(caught.value)


def test_a_person_signs_in_and_the_token_is_kept_for_the_cli(dev, sso, own_home, open_unvault):
    person = Person(visit=visit)
    sso.approves_visits = True
    unvault = open_unvault(dev, kind="sso", interaction=person)

    assert unvault.fetch("prod/app").text() == "canary-1"
    (code,) = sso.user_codes or [person.pages[0].rpartition("=")[2]]
    assert any(code in message for message in person.told)
    kept = json.loads(token_file(own_home, "corp").read_text())
    assert kept["startUrl"] == sso.start_url
    assert kept["refreshToken"]
    if os.name == "posix":
        assert stat.S_IMODE(token_file(own_home, "corp").stat().st_mode) == 0o600
    assert open_unvault(dev, kind="sso").fetch("prod/app").text() == "canary-1"
    assert len(person.pages) == 1


def test_it_waits_until_the_person_has_confirmed_it(dev, sso, open_unvault, monkeypatch):
    waits = []
    real = time.sleep
    monkeypatch.setattr(sso_device.time, "sleep", lambda s: (waits.append(s), real(0.05)))
    person = Person(visit=lambda _: threading.Timer(0.3, sso.approve).start())
    unvault = open_unvault(dev, kind="sso", interaction=person)

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert sso.interval in waits
    assert sso.interval + 5 in waits  # it was asked to wait longer


def test_a_registration_that_is_still_good_is_used_again(dev, sso, own_home, open_unvault):
    keep_token(own_home, "corp", sso.sign_in())
    sso.sign_out()
    sso.approves_visits = True
    before = sso.count("/client/register")
    person = Person(visit=visit)

    open_unvault(dev, kind="sso", interaction=person).fetch("prod/app")
    assert sso.count("/client/register") == before

    sso.sign_out()
    sso._clients.clear()  # the service forgot who that was
    open_unvault(dev, kind="sso", interaction=person).fetch("prod/app")
    assert sso.count("/client/register") == 1 + before


def test_a_person_who_refuses_is_heard(dev, sso, open_unvault):
    person = Person(visit=lambda _: sso.decline())

    with pytest.raises(AccessDenied, match="refused on the page"):
        open_unvault(dev, kind="sso", interaction=person).fetch("prod/app")


def test_a_page_that_nobody_confirms_ends(dev, sso, open_unvault):
    sso.device_seconds = 0

    with pytest.raises(InteractionRequired, match="not confirmed in time"):
        open_unvault(dev, kind="sso", interaction=Person()).fetch("prod/app")


def test_a_role_that_one_does_not_have_is_denied(config, ministack, sso, own_home, open_unvault):
    keep_token(own_home, "corp", sso.sign_in())
    unvault = open_unvault(sso_answers(ministack, "admin"), kind="sso")

    with pytest.raises(AccessDenied, match="does not have the role 'Admin'"):
        unvault.fetch("prod/app")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("spaced", "such a name has letters, digits, - and _ only"),
        ("lost", "'nowhere' that is not there"),
        ("half", "sso_account_id, sso_role_name is missing"),
        ("keys", "says nothing of signing in by SSO"),
        ("nobody", "no section 'nobody'"),
    ],
)
def test_a_profile_that_cannot_sign_in_says_why(config, ministack, open_unvault, section, words):
    unvault = open_unvault(sso_answers(ministack, section), kind="sso")

    with pytest.raises(CredentialMissing, match=words) as caught:
        unvault.fetch("prod/app")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["my profile", "dev/x", "dév", "a.b"])
def test_a_bad_session_name_is_refused_in_the_form_with_the_reason(open_unvault, name):
    with pytest.raises(FormError, match="letters, digits, - and _ only"):
        open_unvault({"section": name}, kind="sso")


def test_a_portal_that_is_not_there_is_no_reason_to_sign_in_again(
    dev, sso, own_home, open_unvault, monkeypatch
):
    keep_token(own_home, "corp", sso.sign_in())
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:9")
    unvault = open_unvault({**dev, "timeout": 1}, kind="sso", interaction=Person())

    with pytest.raises(Unavailable, match="the SSO portal in eu-west-1 cannot be reached"):
        unvault.fetch("prod/app")


def test_a_role_may_be_assumed_by_who_signed_in(dev, app, sso, own_home, open_unvault, ministack):
    sso.assign(app, app.role(allow("sts:AssumeRole"), name="Admin"))
    keep_token(own_home, "corp", sso.sign_in())
    role = app.role(allow(GET))
    answers = at(ministack.address, role_arn=role, source="base")
    unvault = open_unvault(answers, kind="assume_role")
    add(unvault, "base", sso_answers(ministack, "admin"), kind="sso")

    assert unvault.fetch("prod/app").text() == "canary-1"


def test_the_real_names_are_asked(config, app, sso, own_home, open_unvault, connect, monkeypatch):
    for variable in ("AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"):
        monkeypatch.delenv(variable)
    for variable, value in connect.environment.items():
        monkeypatch.setenv(variable, value)
    sso.token_seconds = 600
    keep_token(own_home, "corp", sso.sign_in())

    unvault = open_unvault({"section": "dev"}, kind="sso")

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert connect.hosts == [
        "oidc.eu-west-1.amazonaws.com",
        "portal.sso.eu-west-1.amazonaws.com",
        "secretsmanager.eu-west-1.amazonaws.com",
    ]


# ---------------------------------------------------------------------------------- the command


@pytest.fixture
def stored(dev, tmp_path, monkeypatch):
    """Store the profile as the credential ``corp``."""
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "unvault"))
    fields = [part for name, value in dev.items() for part in ("--field", f"{name}={value}")]
    add = ["credentials", "add", "aws", "--name", "corp", "--type", "sso", "--no-test"]
    assert main([*add, *fields]) == 0


def test_who_is_not_stored_yet_is_not_told_to_sign_in_by_name(
    dev, config, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "unvault"))
    fields = [part for name, value in dev.items() for part in ("--field", f"{name}={value}")]
    add = ["credentials", "add", "aws", "--name", "corp", "--type", "sso", *fields]

    assert main(add) == 4
    hint = capsys.readouterr().err.partition("hint: ")[2]
    assert hint.startswith("aws sso login --profile dev; or, once it is stored, unvault cred")
    assert "--no-test stores it" in hint
    assert main([*add, "--field", f"config_file_path={config}"]) == 4
    hint = capsys.readouterr().err.partition("hint: ")[2]
    assert hint.startswith(f"AWS_CONFIG_FILE={config} aws sso login --profile dev; or,")


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
