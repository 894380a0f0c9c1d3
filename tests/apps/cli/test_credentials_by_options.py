"""Adding and editing credentials by options: as a script does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.apps.cli.forms import HOUSE
from tests.fakes import Site

from unvault_cli.answering import REFUSED

ADD = ("credentials", "add")
EDIT = ("credentials", "edit")


@pytest.fixture
def house(site: Site) -> None:
    site.provider("house", HOUSE)


def nothing_in(home: Path) -> bool:
    return not [each for each in home.rglob("*") if each.is_file() and "cache" not in each.parts]


def test_add_by_options(unvault: Unvault, prod: str) -> None:
    assert unvault("get", f"{prod}/db/main?version=1").text == "first"
    assert unvault("get", f"{prod}/db/main#user").text == "app"


def test_add_says_what_it_did(unvault: Unvault, acme_file: Path) -> None:
    added = unvault(
        *ADD,
        *("acme", "--name", "prod", "--default", "--json", "--type", "token"),
        *("--field", f"file={acme_file}", "--field", "region=us", "--field-file", "token=-"),
        stdin=f"{TOKEN}\r\n".encode(),
    )
    assert added.code == 0
    assert added.err.splitlines() == [
        "signing in to acme …",
        "signed in as acme us",
        "stored the credential prod: prod/… refers to it",
    ]
    document = added.json
    assert document["schema"] == "unvault.credential/1"
    assert document["name"] == "prod"
    assert document["id"].startswith("cloudCred_")
    assert (document["provider"], document["type"]) == ("acme", "token")
    assert document["default"] is True
    assert document["answers"] == {"file": str(acme_file), "region": "us"}
    assert document["hidden"] == ["token"]
    assert document["tested"] == {"identity": "acme us", "expires": None, "details": {}}
    assert TOKEN not in added.text + added.err
    assert unvault("get", "acme/db/us").text == "howdy"


def test_everything_wrong_is_listed_together(unvault: Unvault, home: Path, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xffcanary")
    failed = unvault(
        *(*ADD, "acme", "--field", "token=canary-1", "--field", "regin=eu"),
        *("--field", "region=mars", "--field", "canary-2", "--field-file", "file=/nowhere/at/all"),
        *("--field-file", f"name={tmp_path / 'binary'}", "--field", "region=eu"),
    )
    assert (failed.code, failed.out) == (2, b"")
    assert failed.err.splitlines()[0] == "error: the Acme credential cannot be used [invalid-form]"
    for line in (
        "  --name is required",
        f"  token {REFUSED.format(name='token')}",
        "  --field is written NAME=VALUE",
        "  file has no answer: cannot read /nowhere/at/all: No such file or directory",
        "  name is not text: the file is not UTF-8",
        "  region is given twice",
    ):
        assert line in failed.err.splitlines()
    assert "  regin " in failed.err
    assert "region?" in failed.err
    assert "canary" not in failed.err
    assert nothing_in(home)


def test_wrong_and_missing_fields_as_json(unvault: Unvault) -> None:
    failed = unvault(*ADD, "acme", "--name", "x", "--field", "region=mars", "--json")
    assert failed.code == 2
    assert failed.error["code"] == "invalid-form"
    assert {(each["field"], each["message"]) for each in failed.error["problems"]} == {
        ("file", "is required"),
        ("token", "is required"),
        ("region", "must be one of eu, us"),
    }


def test_nobody_can_be_asked(unvault: Unvault, home: Path) -> None:
    assert unvault(*ADD).code == 2
    named = unvault(*ADD, "--name", "x")
    assert (named.code, named.out) == (2, b"")
    assert "name the provider" in named.err
    assert unvault(*ADD, "nope", "--name", "x").code == 7
    assert unvault(*ADD, "acme", "--name", "x", "--type", "magic").code == 2
    assert nothing_in(home)


@pytest.mark.parametrize("name", ["acme", " x", "a\tb", "prod"])
def test_a_name_that_cannot_be_is_refused_before_signing_in(
    unvault: Unvault, prod: str, name: str
) -> None:
    failed = unvault(*ADD, "acme", "--name", name)
    assert failed.code == 2
    assert "  --name " in failed.err
    assert "  file is required" in failed.err
    assert "signing in" not in failed.err


def test_a_failed_sign_in_stores_nothing(unvault: Unvault, acme_file: Path, home: Path) -> None:
    options = (*ADD, "acme", "--name", "x", "--field", f"file={acme_file}")
    failed = unvault(*options, "--field-file", "token=-", stdin=b"wrong-canary\n")
    assert (failed.code, failed.out) == (4, b"")
    assert "error: Acme refused the token [credential-rejected]" in failed.err
    assert "  credential: x\n" in failed.err
    assert "nothing was stored; --no-test stores it without signing in" in failed.err
    assert "canary" not in failed.err
    assert nothing_in(home)
    stored = unvault(*options, "--field-file", "token=-", "--no-test", "--json", stdin=b"wrong\n")
    assert stored.code == 0
    assert stored.json["tested"] is None
    assert unvault("credentials", "test", "x").code == 4


def test_from_the_environment(
    unvault: Unvault, acme_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = unvault(*ADD, "acme", "--name", "x", "--from-env")
    assert nothing.code == 4
    assert "providers show acme" in nothing.err
    monkeypatch.setenv("UNVAULT_ACME_TOKEN", TOKEN)
    part = unvault(*ADD, "acme", "--name", "x", "--from-env", "--field", "bad=1")
    assert part.code == 2
    assert "  file is required" in part.err
    assert "UNVAULT_ACME_TOKEN" in part.err
    monkeypatch.setenv("UNVAULT_ACME_FILE", str(acme_file))
    options = ("--from-env", "--field", "region=us", "--json")
    added = unvault(*ADD, "acme", "--name", "x", *options)
    assert added.code == 0, added.err
    assert added.json["answers"] == {"file": str(acme_file), "region": "us"}


def test_the_standard_input_answers_once(unvault: Unvault, house: None) -> None:
    failed = unvault(
        *(*ADD, "house", "--name", "h", "--field", "user=me"),
        *("--field-file", "password=-", "--field-file", "pin=-"),
        stdin=b"1234",
    )
    assert failed.code == 2
    assert "  pin has no answer: the standard input can be read once" in failed.err


def test_one_line_end_is_taken_off_a_file(unvault: Unvault, house: None, tmp_path: Path) -> None:
    (tmp_path / "pin").write_bytes(b"1234\r\n")
    options = (*ADD, "house", "--name", "h", "--field", "user=me", "--field-file", "password=-")
    assert unvault(*options, "--field-file", f"pin={tmp_path / 'pin'}", stdin=b"p\n").code == 0
    (tmp_path / "pin").write_bytes(b"1234\n\n")
    failed = unvault(*options, "--field-file", f"pin={tmp_path / 'pin'}", stdin=b"p\n")
    assert failed.code == 2
    assert "  pin has the wrong form: four digits" in failed.err


def test_edit(unvault: Unvault, prod: str) -> None:
    edited = unvault(*EDIT, prod, "--field", "region=us", "--json")
    assert edited.code == 0, edited.err
    assert edited.json["answers"]["region"] == "us"
    assert edited.json["hidden"] == ["token"]
    assert edited.json["tested"]["identity"] == "acme us"
    assert unvault("get", "prod/db/us").text == "howdy"


def test_a_failed_edit_changes_nothing(unvault: Unvault, prod: str) -> None:
    failed = unvault(*EDIT, prod, "--field-file", "token=-", stdin=b"wrong")
    assert failed.code == 4
    assert "nothing was stored" in failed.err
    refused = unvault(*EDIT, prod, "--field", "token=canary", "--field", "file=")
    assert refused.code == 2
    assert "  file is required" in refused.err
    assert "  token is a secret" in refused.err
    assert "canary" not in refused.err
    assert unvault("credentials", "test", prod).code == 0
    assert unvault(*EDIT, "nope", "--field", "a=b").code == 3


def test_edit_takes_an_optional_answer_away(unvault: Unvault, house: None) -> None:
    options = ("--type", "theirMethod", "--field", "address=https://x.test", "--no-test", "--json")
    more = ("--field", "method=key", "--field", "key_id=k", "--field", "note=n")
    added = unvault(*ADD, "house", "--name", "h", *options, *more)
    assert added.code == 0, added.err
    assert added.json["answers"]["secure"] is True
    edited = unvault(*EDIT, "h", "--field", "note=", "--no-test", "--json").json
    assert "note" not in edited["answers"]
    assert edited["answers"]["key_id"] == "k"
    # an answer that has no place any more goes by itself
    edited = unvault(*EDIT, "h", "--field", "method=none", "--no-test", "--json").json
    assert set(edited["answers"]) == {"url", "secure", "method"}


def test_edit_to_another_type(unvault: Unvault, house: None) -> None:
    options = ("--type", "method", "--field", "url=https://x.test", "--field", "note=n")
    assert unvault(*ADD, "house", "--name", "h", *options).code == 0
    changed = unvault(
        *(*EDIT, "h", "--type", "password", "--field", "user=me", "--field-file", "password=-"),
        "--json",
        stdin=b"open sesame",
    )
    assert changed.code == 0, changed.err
    assert changed.json["type"] == "password"
    assert changed.json["answers"] == {"user": "me", "port": 8200}
    assert changed.json["hidden"] == ["password"]


def test_a_secret_in_place_of_a_file_is_not_repeated(unvault: Unvault, acme_file: Path) -> None:
    """Not even where a secret field's name is misspelt."""
    for given in (f"token={TOKEN}", f"tokn={TOKEN}"):
        failed = unvault(
            *("credentials", "add", "acme", "--name", "prod"),
            *("--field", f"file={acme_file}", "--field-file", given),
        )
        assert failed.code == 2
        assert "has no answer: cannot read the file: No such file" in failed.err
        assert TOKEN not in failed.err + failed.text
    plain = unvault("credentials", "add", "acme", "--name", "x", "--field-file", "region=nowhere")
    assert "cannot read nowhere: No such file" in plain.err
