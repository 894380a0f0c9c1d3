from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.fakes import GOOD, Site


@pytest.fixture
def stored(unvault: Unvault) -> None:
    for name, value in {
        "db/main": b"hunter2",
        "db": b'{ "password": "p\\u00e4ss wort",\n "n": 1.10, "a": {"b": ["deep"]} }',
        "bin": b"\xff\x00\r\n",
        "lines": "zwölf\r\n\n".encode(),
        "empty": b"",
        "number": b"12345",
        "bracket": b"[not json",
    }.items():
        assert unvault("local", "set", name, stdin=value).code == 0


def test_the_value_and_nothing_else(unvault: Unvault, stored: None) -> None:
    assert unvault("get", "local/db/main") == (0, b"hunter2", "")
    assert unvault("get", "unvault://local/db/main").out == b"hunter2"
    assert unvault("get", "local/lines").out == "zwölf\r\n\n".encode()
    assert unvault("get", "local/empty") == (0, b"", "")


def test_a_process_writes_exactly_these_bytes(process: Unvault) -> None:
    assert process("local", "set", "db/main", stdin=b"hunter2\n\xff").code == 0
    assert process("get", "local/db/main", "--output", "bytes") == (0, b"hunter2\n\xff", "")


def test_fields_of_a_json_secret(unvault: Unvault, stored: None) -> None:
    assert unvault("get", "local/db#password").text == "päss wort"
    assert unvault("get", "local/db#/a/b/0").text == "deep"
    assert unvault("get", "local/db#n").text == "1.10"
    wrong = unvault("get", "local/db#pasword")
    assert wrong.code == 3
    assert "password, n, a" in wrong.err
    assert "wort" not in wrong.err


def test_versions(unvault: Unvault, stored: None) -> None:
    unvault("local", "set", "db/main", stdin=b"second")
    assert unvault("get", "local/db/main").text == "second"
    assert unvault("get", "local/db/main?version=1").text == "hunter2"
    assert unvault("get", "local/db/main?version=7").code == 3
    wrong = unvault("get", "local/db/main?vers=1")
    assert wrong.code == 2
    assert "version" in wrong.err


def test_a_missing_secret_has_its_exit_code_and_near_names(unvault: Unvault, stored: None) -> None:
    missing = unvault("get", "local/db/mian")
    assert (missing.code, missing.out) == (3, b"")
    assert "error: there is no secret 'db/mian'" in missing.err
    assert "[secret-not-found]" in missing.err
    assert "  provider: local\n" in missing.err
    assert "  reference: local/db/mian\n" in missing.err
    assert missing.err.count("db/main") == 1
    assert "near names are: db/main" in missing.err
    assert "  hint: " in missing.err
    assert "hunter2" not in missing.err


def test_binary_is_no_text(unvault: Unvault, stored: None) -> None:
    refused = unvault("get", "local/bin")
    assert (refused.code, refused.out) == (2, b"")
    assert "--output bytes" in refused.err
    assert unvault("get", "local/bin", "--output", "bytes").out == b"\xff\x00\r\n"


def test_output_json(unvault: Unvault, stored: None) -> None:
    def as_json(reference: str) -> bytes:
        return unvault("get", reference, "--output", "json").out

    found = as_json("local/db")
    assert found == b'{"password":"p\\u00e4ss wort","n":1.10,"a":{"b":["deep"]}}\n'
    assert as_json("local/number") == b'"12345"\n'
    assert json.loads(as_json("local/bracket")) == "[not json"
    assert json.loads(as_json("local/lines")) == "zwölf\r\n\n"
    assert unvault("get", "local/bin", "--output", "json").code == 2


def test_the_json_document(unvault: Unvault, stored: None) -> None:
    found = unvault("get", "local/db/main", "--json")
    created = found.json["created"]
    assert found.json == {
        "schema": "unvault.secret/1",
        "reference": "local/db/main",
        "value": "hunter2",
        "version": "1",
        "created": created,
        "expires": None,
        "content_type": "text/plain",
        "tags": {},
    }
    assert created.endswith("+00:00")
    assert found.out.count(b"\n") == 1
    assert unvault("get", "local/bin", "--json").json["value_base64"] == "/wANCg=="


def test_out_file_is_for_its_owner_only(unvault: Unvault, stored: None, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o644)
    assert unvault("get", "local/db/main", "--out-file", str(target)) == (0, b"", "")
    assert target.read_bytes() == b"hunter2"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert unvault("get", "local/bin", "--output", "bytes", "--out-file", str(target)).code == 0
    assert target.read_bytes() == b"\xff\x00\r\n"


def test_a_dash_is_the_standard_output(unvault: Unvault, stored: None, tmp_path: Path) -> None:
    assert unvault("get", "local/db/main", "--out-file", "-").text == "hunter2"
    assert unvault("render", "-o", "-", stdin=b"{% vault 'local/db/main' %}").text == "hunter2"
    assert not (tmp_path / "-").exists()


def test_out_file_in_a_folder_that_is_not_there(
    unvault: Unvault, stored: None, tmp_path: Path
) -> None:
    target = tmp_path / "no" / "out.txt"
    failed = unvault("get", "local/db/main", "--out-file", str(target))
    assert failed.code == 1
    why = f"there is no folder {target.parent}"
    assert failed.err == f"error: cannot write {target}: {why} [file]\n"
    assert not target.parent.exists()


def test_a_failed_fetch_leaves_the_out_file_alone(
    unvault: Unvault, stored: None, tmp_path: Path
) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    assert unvault("get", "local/nope", "--out-file", str(target)).code == 3
    assert target.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == ["out.txt"]


def test_list_leaves_out_columns_without_anything_in_them(unvault: Unvault, site: Site) -> None:
    listed = """
@hookimpl
def list_secrets(session, prefix):
    return [SecretInfo("a"), SecretInfo("b", note="disabled")]
"""
    site.provider("few", f"from unvault.model import SecretInfo\n{GOOD}{listed}")

    assert unvault("list", "few").text.splitlines() == [
        "REFERENCE  NOTE",
        "few/a",
        "few/b      disabled",
    ]


def test_list(unvault: Unvault, stored: None) -> None:
    unvault("local", "set", "a b/c#d", stdin=b"x")
    listed = unvault("list", "local")
    assert listed.text.splitlines()[0].split() == ["REFERENCE", "VERSION", "CREATED"]
    first = [line.split()[0] for line in listed.text.splitlines()[1:]]
    assert first[0] == "local/a%20b/c%23d"
    assert unvault("get", first[0]).text == "x"
    document = unvault("list", "local", "db", "--json").json
    assert document["schema"] == "unvault.secrets/1"
    assert (document["credential"], document["prefix"]) == ("local", "db")
    assert [row["reference"] for row in document["secrets"]] == ["local/db", "local/db/main"]
    assert set(document["secrets"][0]) == {
        *("reference", "path", "version", "created", "content_type", "tags", "note")
    }
    nothing = unvault("list", "local", "zzz")
    assert (nothing.code, nothing.out) == (0, b"")
    assert "there are no secrets that start with 'zzz'" in nothing.err
