from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault

NAME = "{% vault 'local/db/main' %}"


def insomnia(lookup: dict[str, object]) -> str:
    encoded = base64.b64encode(json.dumps(lookup).encode()).decode()
    return f"{{% vault 'local', 'cloudCred_1b2c', 'b64::{encoded}::46b' %}}"


@pytest.fixture(autouse=True)
def stored(unvault: Unvault) -> None:
    unvault("local", "set", "db/main", stdin=b"hunter2")
    unvault("local", "set", "db", stdin=b'{"password": "s3cret"}')
    unvault("local", "set", "bin", stdin=b"\xff")


LOOKUP = insomnia({"secretName": "db", "secretKey": "password"})
AROUND = (
    "\ufeffGET {{ _.base_url }}/x HTTP/1.1\r\n"
    "A: {% if x %}{{ y|e }}{% endif %} ${HOME:-`id`} $(id) {# note #}\r\n"
    "B: <1>\r\nC: <2>\r\n{% raw %}{% vault 'local/db/main' %}{% endraw %}\r\nlast: <1>"
).encode() + b" \xff\xfe"


def test_only_the_tags_change_byte_for_byte(process: Unvault, tmp_path: Path) -> None:
    file = tmp_path / "request.http"
    file.write_bytes(AROUND.replace(b"<1>", NAME.encode()).replace(b"<2>", LOOKUP.encode()))
    rendered = process("render", "request.http")
    assert rendered.code == 0, rendered.err
    assert rendered.out == AROUND.replace(b"<1>", b"hunter2").replace(b"<2>", b"s3cret")
    assert rendered.err == ""


def test_from_the_standard_input(unvault: Unvault) -> None:
    text = f"{NAME}\r\n\xff".encode("latin-1")
    assert unvault("render", stdin=text).out == b"hunter2\r\n\xff"
    assert unvault("render", "-", stdin=text).out == b"hunter2\r\n\xff"


def test_into_a_file_which_may_be_the_same(unvault: Unvault, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"x {NAME}")
    assert unvault("render", str(file), "-o", str(tmp_path / "b.txt")) == (0, b"", "")
    assert (tmp_path / "b.txt").read_text() == "x hunter2"
    assert stat.S_IMODE((tmp_path / "b.txt").stat().st_mode) == 0o600
    assert unvault("render", str(file), "-o", str(file)).code == 0
    assert file.read_text() == "x hunter2"


def test_one_bad_tag_writes_nothing_and_all_are_listed(unvault: Unvault, tmp_path: Path) -> None:
    bad = "{% vault 'local/nope' %}"
    (tmp_path / "r.http").write_text(f"ok {NAME}\n  {bad}\nok {LOOKUP} {{% vault 'x' %}}\n")
    target = tmp_path / "out.http"
    target.write_text("old")
    failed = unvault("render", "r.http", "-o", str(target))
    assert (failed.code, failed.out) == (1, b"")  # the two that failed have different exit codes
    assert target.read_text() == "old"
    lines = failed.err.splitlines()
    assert lines[0].startswith("r.http:2:3: there is no secret 'nope'")
    assert lines[0].endswith("[secret-not-found]")
    assert lines[1].startswith("  hint: ")
    column = len(f"ok {LOOKUP} ") + 1
    assert any(line.startswith(f"r.http:3:{column}: not a reference") for line in lines)
    assert lines[-2].startswith("error: 2 of 4 vault tags cannot be replaced")
    assert lines[-2].endswith("[render-failed]")
    assert "hunter2" not in failed.err
    assert "s3cret" not in failed.err


@pytest.mark.parametrize(
    ("tag", "code"),
    [("local/nope", 3), ("nonsense", 2), ("web/x", 7), ("acme/x", 4), ("local/bin", 2)],
)
def test_the_exit_code_that_all_bad_tags_share(unvault: Unvault, tag: str, code: int) -> None:
    text = f"{{% vault '{tag}' %}} {{% vault '{tag}' %}}".encode()
    failed = unvault("render", stdin=text)
    assert failed.code == code
    assert failed.err.startswith("(standard input):1:1: ")


def test_errors_as_json(unvault: Unvault) -> None:
    failed = unvault("render", "--json", stdin=b"\n{% vault 'local/nope' %}")
    assert failed.error["code"] == "render-failed"
    assert failed.error["source"] == "(standard input)"
    (problem,) = failed.error["problems"]
    assert (problem["line"], problem["column"]) == (2, 1)
    assert problem["code"] == "secret-not-found"


def test_check_writes_nothing(unvault: Unvault, tmp_path: Path) -> None:
    (tmp_path / "r.http").write_text(f"{NAME} {NAME} {LOOKUP}")
    checked = unvault("render", "r.http", "--check")
    assert checked.text == "3 vault tags, 2 references: every one can be replaced\n"
    assert unvault("render", "--check", stdin=b"nothing").text == "no vault tags\n"
    assert unvault("render", "--check", stdin=b"{% vault 'local/nope' %}").code == 3
    document = unvault("render", "r.http", "--check", "--json").json
    assert document == {
        "schema": "unvault.render/1",
        "source": "r.http",
        "tags": 3,
        "references": 2,
    }
    assert unvault("render", "r.http", "--check", "-o", "x").code == 2
    assert not (tmp_path / "x").exists()


def test_the_json_document(unvault: Unvault, tmp_path: Path) -> None:
    assert unvault("render", "--json", stdin=NAME.encode()).json["text"] == "hunter2"
    assert unvault("render", "--json", stdin=b"\xff").json["text_base64"] == "/w=="
    written = unvault("render", "--json", "-o", "out.txt", stdin=NAME.encode()).json
    assert written["output"] == "out.txt"
    assert "hunter2" not in json.dumps(written)


def test_files_that_cannot_be_used(unvault: Unvault, tmp_path: Path) -> None:
    missing = unvault("render", "nope.http")
    assert missing == (1, b"", "error: cannot read nope.http: No such file or directory [file]\n")
    assert unvault("render", ".").code == 2
    unwritable = unvault("render", "-o", "no/such/folder", stdin=b"x")
    assert unwritable.code == 1
    assert "there is no folder" in unwritable.err
    wide = unvault("render", stdin="x".encode("utf-16"))
    assert wide.code == 1
    assert "UTF-16" in wide.err
    as_json = unvault("render", "nope.http", "--json")
    assert as_json.error["code"] == "file"


def test_refs(unvault: Unvault, tmp_path: Path) -> None:
    (tmp_path / "a.http").write_text(f"x\n y {NAME} {LOOKUP}")
    (tmp_path / "b.http").write_text("\ufeff{% vault 'local/db' %}")
    found = unvault("refs", "a.http", "b.http")
    assert found == (
        0,
        b"a.http:2:4: local/db/main\na.http:2:32: local/db#password\nb.http:1:1: local/db\n",
        "",
    )
    assert unvault("refs", "-", stdin=NAME.encode()).text == "(standard input):1:1: local/db/main\n"


def test_refs_is_offline_and_reports_what_is_wrong(unvault: Unvault, tmp_path: Path) -> None:
    (tmp_path / "a.http").write_text("{% vault 'gone/x' %}\n{% vault 'nonsense' %}")
    (tmp_path / "wide.http").write_text("x", "utf-16")
    found = unvault("refs", "a.http", "wide.http")
    assert (found.code, found.text) == (2, "a.http:1:1: gone/x\n")
    assert found.err.startswith("a.http:2:1: not a reference")
    assert "wide.http:1:1: " in found.err
    document = unvault("refs", "a.http", "--json")
    assert document.code == 2
    assert document.json["schema"] == "unvault.refs/1"
    assert document.json["references"] == [
        {"file": "a.http", "line": 1, "column": 1, "reference": "gone/x"}
    ]
    (problem,) = document.json["problems"]
    assert (problem["line"], problem["code"]) == (2, "invalid-reference")
    assert unvault("refs", "nope.http").code == 1
    assert unvault("refs").code == 2


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are POSIX's")
def test_a_target_that_is_no_file_of_ones_own_is_refused(unvault: Unvault, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tags")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").chmod(0o622)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for name, why in (("a", "symbolic links"), ("pipe", "a pipe that others can use")):
        failed = unvault("render", "text", "-o", name)
        assert (failed.code, failed.out) == (1, b"")
        assert why in failed.err
        assert "unexpected" not in failed.err
    assert os.read(reader, 99) == b""
    os.close(reader)
