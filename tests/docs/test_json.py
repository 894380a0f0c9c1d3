"""The shapes of ``--json`` are those that are documented."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.docs.tables import ROOT

from unvault_cli.main import main

PAGE = (ROOT / "docs/reference/json.md").read_text("utf-8")
CLI = ROOT / "apps/cli/src/unvault_cli"
LOCAL = ROOT / "plugins/local/src/unvault_local/commands.py"


def _documented() -> dict[str, set[str]]:
    """Return the members of each shape: all words in code of its row's last cell."""
    rows = re.findall(r"^\| [^|]+ \| `(unvault\.[\w.-]+/\d+)` \| (.+) \|$", PAGE, re.M)
    return {
        schema: set(re.findall(r"`([a-z_]+)`", members)) - {"add", "edit", "null"}
        for schema, members in rows
    }


def _lists() -> dict[tuple[str, str], set[str]]:
    """Return the members of the elements of lists, by shape and list."""
    rows = re.findall(r"^\| `(\w+)` of `(unvault\.[\w.-]+/\d+)` \| (.+) \|$", PAGE, re.M)
    found = {}
    for name, schema, members in rows:
        plain = re.sub(r"\([^)]*\)", "", members)
        found[schema, name] = set(re.findall(r"`([a-z_]+)`", plain))
    return found


def test_every_shape_in_the_code_is_documented() -> None:
    source = "".join(path.read_text("utf-8") for path in CLI.rglob("*.py"))
    names = re.findall(r'(?:print_json|document)\(\s*"([\w-]+)"', source)
    local = re.findall(r'_print_json\("(\w+)"', LOCAL.read_text("utf-8"))
    wanted = {f"unvault.{name}/1" for name in names} | {f"unvault.local.{name}/1" for name in local}

    assert wanted == {*_documented(), "unvault.error/1"}
    assert "`unvault.error/1`" in PAGE


STORY: list[tuple[list[str], str | None]] = [
    (["local", "set", "db/main", "--json"], "hunter2"),
    (["local", "versions", "db/main", "--json"], None),
    (["local", "import", "more.json", "--json"], None),
    (["get", "local/db/main", "--json"], None),
    (["list", "local", "--json"], None),
    (["render", "-", "--json"], "{% vault 'local/db/main' %}"),
    (["render", "-", "--check", "--json"], "{% vault 'local/db/main' %}"),
    (["refs", "-", "--json"], "{% vault 'local/db/main' %} {% vault %}"),
    (["local", "protect", "key-file", "--json"], None),
    (["local", "remove", "db/main", "--yes", "--json"], None),
    (["credentials", "add", "local", "--name", "work", "--field", "path=w.db", "--json"], None),
    (["credentials", "list", "--json"], None),
    (["credentials", "show", "work", "--json"], None),
    (["credentials", "edit", "work", "--field", "path=v.db", "--json"], None),
    (["credentials", "test", "work", "--json"], None),
    (["credentials", "default", "work", "--json"], None),
    (["credentials", "protect", "--json"], None),
    (["credentials", "rename", "work", "home", "--json"], None),
    (["credentials", "clear", "home", "--yes", "--json"], None),
    (["credentials", "remove", "home", "--yes", "--json"], None),
    (["cache", "show", "--json"], None),
    (["cache", "ttl", "5", "--json"], None),
    (["cache", "clear", "--json"], None),
    (["providers", "show", "acme", "--json"], None),
    (["providers", "show", "acme", "--schema"], None),
    (["providers", "--json"], None),
    (["doctor", "--json"], None),
]
"""Commands, each with what is piped into it."""


def test_what_is_printed_has_the_documented_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("more.json").write_text('{"a": "b"}', "utf-8")
    documented, lists, seen = _documented(), _lists(), set()

    for arguments, piped in STORY:
        with io.TextIOWrapper(io.BytesIO((piped or "").encode())) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            main(arguments)
        printed = json.loads(capsysbinary.readouterr().out)
        seen.add(_conforms(printed, documented, lists, " ".join(arguments)))

    assert seen == set(documented)


def _conforms(
    printed: dict[str, Any],
    documented: dict[str, set[str]],
    lists: dict[tuple[str, str], set[str]],
    command: str,
) -> str:
    schema: str = printed.pop("schema")
    optional = {"tested", "output", "text", "text_base64", "value", "value_base64"}
    assert printed.keys() <= documented[schema], command
    assert documented[schema] - printed.keys() <= optional, command
    for name, value in printed.items():
        for element in value if (schema, name) in lists else ():
            known = lists[schema, name]
            # The members of an error come on top of where it is.
            extra = {"code", "message", "hint"} if name == "problems" else set()
            assert known - {"errors"} <= element.keys() <= known | extra, f"{command}: {name}"
    return schema
