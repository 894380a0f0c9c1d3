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
from tests.plugins.aws.using import GET, Person, add, at, keep_token, token_file, told, visit
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

pytestmark = pytest.mark.usefixtures("quiet_log")


def sso_answers(ministack, section):
    return at(ministack.address, section=section)


@pytest.mark.parametrize(("section", "key"), [("dev", "corp"), ("old", None)])
@pytest.mark.parametrize("kind", ["sso", "file"])
def test_a_token_that_the_cli_kept_is_used(
    sso_config, ministack, sso, own_home, open_unvault, section, key, kind
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
    sso_config, ministack, sso, own_home, open_unvault, monkeypatch
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


@rounds(1, 25)
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


def test_a_role_that_one_does_not_have_is_denied(
    sso_config, ministack, sso, own_home, open_unvault
):
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
def test_a_profile_that_cannot_sign_in_says_why(
    sso_config, ministack, open_unvault, section, words
):
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


def test_a_role_may_be_assumed_by_who_signed_in(
    dev, sso_app, sso, own_home, open_unvault, ministack
):
    sso.assign(sso_app, sso_app.role(allow("sts:AssumeRole"), name="Admin"))
    keep_token(own_home, "corp", sso.sign_in())
    role = sso_app.role(allow(GET))
    answers = at(ministack.address, role_arn=role, source="base")
    unvault = open_unvault(answers, kind="assume_role")
    add(unvault, "base", sso_answers(ministack, "admin"), kind="sso")

    assert unvault.fetch("prod/app").text() == "canary-1"


def test_the_real_names_are_asked(
    sso_config, sso_app, sso, own_home, open_unvault, connect, monkeypatch
):
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
