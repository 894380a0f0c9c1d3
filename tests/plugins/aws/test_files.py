"""Profiles of the AWS files: which files, which section, and when they are read again."""

from __future__ import annotations

import os
import sys

import pytest
from tests.plugins.aws.using import GET, Person, add, at, by_keys, reader, write
from tests.servers.aws_account import allow

from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    CredentialRejected,
    InteractionRequired,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def app(account):
    """Return an account with a secret ``app``, whose value is as old as the keys."""
    account.put("app", "canary-1")
    return account


@pytest.fixture
def custom(tmp_path):
    """Return the paths of files in another place than the usual one."""
    return tmp_path / "own" / "credentials", tmp_path / "own" / "config"


def by_file(ministack, custom, **answers):
    files = {"file_path": str(custom[0]), "config_file_path": str(custom[1])}
    return at(ministack.address, **files, **answers)


def test_a_section_of_another_file_and_no_variable_is_touched(
    app, ministack, custom, open_unvault, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-x")
    write(custom[0], reader(app).for_file("work"))
    answers = {"section": "work", "file_path": str(custom[0])}
    before = dict(os.environ)

    unvault = open_unvault(at(ministack.address, **answers), kind="file")

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert dict(os.environ) == before


def test_two_credentials_have_files_of_their_own(app, new_account, ministack, custom, open_unvault):
    other = new_account()
    other.put("app", "canary-2")
    unvault = open_unvault()
    for name, each in (("first", app), ("second", other)):
        file = write(custom[0].with_name(name), reader(each).for_file())
        add(unvault, name, at(ministack.address, file_path=str(file)), kind="file")

    found = unvault.fetch_many(["first/app", "second/app"])

    assert [each.text() for each in found] == ["canary-1", "canary-2"]


def test_the_region_may_stand_in_the_profile(app, ministack, custom, open_unvault):
    write(custom[0], reader(app).for_file("work"))
    write(custom[1], "[profile work]\nregion = eu-west-1\n")
    answers = by_file(ministack, custom, section="work")
    del answers["region"]

    assert open_unvault(answers, kind="file").fetch("prod/app").text() == "canary-1"


@pytest.mark.parametrize("how", ["in place", "replaced", "same length"])
def test_a_changed_file_is_read_before_the_next_fetch(app, ministack, custom, open_unvault, how):
    old = app.user(allow(GET), name="old")
    write(custom[0], old.for_file())
    write(custom[1], "")
    unvault = open_unvault(by_file(ministack, custom), kind="file")
    assert unvault.fetch("prod/app").text() == "canary-1"
    app.disable(old, "old")
    times = custom[0].stat()

    new = reader(app).for_file()
    if how == "replaced":
        write(custom[0].with_name("draft"), new).replace(custom[0])
    else:
        write(custom[0], new)
    if how == "same length":
        assert len(new) == len(old.for_file())
        os.utime(custom[0], ns=(times.st_atime_ns, times.st_mtime_ns))

    assert unvault.fetch("prod/app", fresh=True).text() == "canary-1"
    assert [each.text() for each in unvault.fetch_many(["prod/app"] * 2)] == ["canary-1"] * 2


def test_with_enable_cache_the_files_are_read_once(app, ministack, custom, open_unvault):
    old = app.user(allow(GET), name="old")
    write(custom[0], old.for_file())
    write(custom[1], "")
    unvault = open_unvault(by_file(ministack, custom, enable_cache=True), kind="file")
    assert unvault.fetch("prod/app").text() == "canary-1"

    write(custom[0], "[default]\n")
    assert unvault.fetch("prod/app", fresh=True).text() == "canary-1"
    app.disable(old, "old")
    with pytest.raises(CredentialRejected, match="does not accept the keys"):
        unvault.fetch("prod/app", fresh=True)


def test_a_file_that_comes_later_is_seen_by_who_found_nothing_else(
    app, ministack, own_home, open_unvault, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    unvault = open_unvault()
    with pytest.raises(CredentialMissing):
        unvault.fetch("aws/app")

    write(own_home / ".aws" / "credentials", reader(app).for_file())

    assert unvault.fetch("aws/app").text() == "canary-1"


@pytest.mark.parametrize(
    ("content", "section", "words"),
    [
        (None, "work", r"cannot be read: No such file"),
        ("[default]\naws_access_key_id = x\n", "work", r"no section 'work'"),
        ("[work]\naws_access_key_id = x\n", "work", r"aws_secret_access_key is missing"),
        ("[work]\nregion = eu-west-1\n", "work", r"has no keys, nor a way to some"),
        ("canary in no section", "work", r"no file of AWS's kind"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    ministack, custom, open_unvault, content, section, words
):
    if content is not None:
        write(custom[0], content)
        write(custom[1], "")
    unvault = open_unvault(by_file(ministack, custom, section=section), kind="file")

    with pytest.raises(CredentialMissing, match=words) as caught:
        unvault.fetch("prod/app")
    assert "canary" not in str(caught.value)


def test_a_section_that_is_not_there_is_told_with_those_that_are(ministack, custom, open_unvault):
    write(custom[0], "[work]\n[home]\n")
    write(custom[1], "")
    unvault = open_unvault(by_file(ministack, custom, section="wrok"), kind="file")

    with pytest.raises(CredentialMissing) as caught:
        unvault.fetch("prod/app")
    assert caught.value.candidates == ("work",)
    assert caught.value.hint == "the sections are: home, work"
    assert str(custom[0]) in caught.value.message


def test_a_profile_that_the_environment_names_and_is_not_there(open_unvault, own_home, monkeypatch):
    write(own_home / ".aws" / "config", "[profile work]\n[profile home]\n")
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(CredentialMissing, match="no section 'nobody'") as caught:
        open_unvault().fetch("aws/app")
    assert caught.value.hint == "the sections are: home, work"


def test_a_region_alone_is_a_profile_and_the_hint_says_how_else_to_say_it(
    app, open_unvault, monkeypatch
):
    for name, value in reader(app).for_environment().items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CredentialMissing, match="no section 'default'") as caught:
        open_unvault(environ={"UNVAULT_AWS_REGION": "eu-west-1"}).fetch("aws/app")
    assert "AWS_DEFAULT_REGION" in str(caught.value.hint)


def test_other_keys_need_the_profile_that_the_environment_names(
    app, ministack, open_unvault, monkeypatch
):
    """The SDK reads its settings, such as the CA, from that profile."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(CredentialMissing, match="no profile 'nobody'"):
        open_unvault(by_keys(reader(app), ministack.address)).fetch("prod/app")


@pytest.fixture
def role_profile(app, ministack, custom):
    """Return what writes a profile that assumes a role by means of another one."""

    def made(*more: str):
        base = app.user(allow("sts:AssumeRole"))
        write(custom[0], base.for_file("base"))
        lines = [
            "[profile work]",
            f"role_arn = {app.role(allow(GET))}",
            "source_profile = base",
            "region = eu-west-1",
            "services = here",
            *more,
            "[services here]",
            "sts =",
            f"  endpoint_url = {ministack.address}",
        ]
        custom[1].write_text("\n".join(lines) + "\n")
        return by_file(ministack, custom, section="work")

    return made


def test_a_profile_may_assume_a_role(role_profile, open_unvault):
    unvault = open_unvault(role_profile(), kind="file")

    assert unvault.fetch("prod/app").text() == "canary-1"
    assert unvault.credentials.test("prod").expires is not None


def test_a_role_that_the_profile_may_not_assume_is_told(app, role_profile, custom, open_unvault):
    answers = role_profile()
    stranger = app.user(allow(GET))
    write(custom[0], stranger.for_file("base"))

    with pytest.raises(AccessDenied, match="may not be assumed") as caught:
        open_unvault(answers, kind="file").fetch("prod/app")
    assert "sts:AssumeRole" in str(caught.value.hint)


def test_keys_that_a_profile_starts_from_and_are_wrong_are_told(role_profile, custom, open_unvault):
    answers = role_profile()
    write(custom[0], "[base]\naws_access_key_id=AKIANOBODY\naws_secret_access_key=canary\n")

    with pytest.raises(CredentialRejected, match="does not accept the keys"):
        open_unvault(answers, kind="file").fetch("prod/app")


def test_the_code_of_an_mfa_device_is_asked_of_a_person_only(
    role_profile, open_unvault, monkeypatch
):
    monkeypatch.setattr("getpass.getpass", lambda *_: pytest.fail("it asked the terminal"))
    answers = role_profile("mfa_serial = arn:aws:iam::123456789012:mfa/me")
    with pytest.raises(InteractionRequired, match="MFA"):
        open_unvault(answers, kind="file").fetch("prod/app")

    person = Person()
    asked = open_unvault(answers, kind="file", interaction=person)
    assert asked.fetch("prod/app").text() == "canary-1"
    assert len(person.asked) == 1
    assert "mfa/me" in person.asked[0]


@pytest.mark.skipif(os.name != "posix", reason="a program that is a script")
def test_a_program_may_give_the_keys_and_is_not_waited_for_for_ever(
    app, ministack, custom, open_unvault, monkeypatch
):
    keys = reader(app)
    program = write(
        custom[0].with_name("give"),
        f"""\
        #!{sys.executable}
        import json, sys, time
        time.sleep(float(sys.argv[1]))
        print(json.dumps({{
            "Version": 1, "AccessKeyId": "{keys.access_key}",
            "SecretAccessKey": "{keys.secret_key}"
        }}))
        """,
    )
    program.chmod(0o700)
    write(custom[0], "")
    write(
        custom[1],
        f"[profile quick]\ncredential_process = {program} 0\n"
        f"[profile slow]\ncredential_process = {program} 60\n"
        "[profile broken]\ncredential_process = false\n",
    )
    unvault = open_unvault(by_file(ministack, custom, section="quick"), kind="file")
    assert unvault.fetch("prod/app").text() == "canary-1"
    monkeypatch.setattr("unvault_aws.programs._SECONDS", 0.1)
    for section, kind in (("slow", CredentialMissing), ("broken", CredentialRejected)):
        add(unvault, section, by_file(ministack, custom, section=section), kind="file")
        with pytest.raises(kind):
            unvault.fetch(f"{section}/app")
