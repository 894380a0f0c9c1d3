"""What every command is run with, and where its canaries may show: where they were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import click
from tests.canary.canaries import PASSPHRASE, VALUE

from unvault_cli.root import PROGRAM, root

Path = tuple[str, ...]


class Scenario(NamedTuple):
    """One run of a command. ``{name}`` in an argument is a file that the test wrote."""

    arguments: Sequence[str] = ()
    asked: str | None = None
    """The canary that the standard output is for."""
    typed: str = ""
    """The canary that is piped in."""
    code: int = 0
    has_json: bool = True


INTO = "{inputs}/made"
"""A file that was asked for, and may hold what it was asked for."""

SCENARIOS: Mapping[Path, Sequence[Scenario]] = {
    ("get",): [
        Scenario(["mine/value"], asked=VALUE),
        Scenario(["nest/json#password"], asked=VALUE),
        Scenario(["local/value"], asked=VALUE),
        Scenario(["mine/value", "--out-file", INTO]),
        Scenario(["mine/json#user"], code=3),
        Scenario(["mine/value#user"], code=2),
        Scenario(["mine/binary"], code=2, has_json=False),
        Scenario(["mine/valve"], code=3),
        Scenario(["mine/value?n=x"], code=2),
        Scenario(["acme/db"], code=2),
        Scenario(["mine/raw"], code=7),
    ],
    ("list",): [
        Scenario(["mine"]),
        Scenario(["local"]),
        Scenario(["mine", "raw"], code=7),
        Scenario(["acme"], code=2),
    ],
    ("render",): [
        Scenario(["{request.txt}"], asked=VALUE),
        Scenario(["{request.txt}", "-o", INTO]),
        Scenario(["{request.txt}", "--check"]),
        Scenario(["{wrong.txt}"], code=3),
    ],
    ("refs",): [Scenario(["{request.txt}"]), Scenario(["{values.json}"])],
    ("providers",): [Scenario()],
    ("providers", "show"): [Scenario(["nest"]), Scenario(["nest", "--schema"])],
    ("credentials", "list"): [Scenario()],
    ("credentials", "add"): [
        Scenario(["nest", "--name", "new", "--field-file", "token={token}"]),
        Scenario(["nest", "--name", "new", "--from-env", "--default"]),
        Scenario(["nest", "--name", "new", "--field-file", "token=-"], typed=VALUE, code=4),
        Scenario(["nest", "--name", "new", "--field-file", "token=-", "--no-test"], typed=VALUE),
        Scenario(["nest", "--name", "new", "--field-file", "tree={token}"], code=2),
        Scenario(["acme", "--name", "new", "--from-env"], code=2),
    ],
    ("credentials", "show"): [Scenario(["mine"])],
    ("credentials", "edit"): [
        Scenario(["mine", "--field", "tree=fir"]),
        Scenario(["mine", "--field-file", "token=-"], typed=VALUE, code=4),
        Scenario(["mine", "--field-file", "token=-", "--no-test"], typed=VALUE),
    ],
    ("credentials", "rename"): [Scenario(["mine", "yours"])],
    ("credentials", "remove"): [Scenario(["mine", "--yes"])],
    ("credentials", "test"): [Scenario(["mine"]), Scenario(["nest"]), Scenario(["acme"], code=2)],
    ("credentials", "login"): [Scenario(["mine"]), Scenario(["nest"]), Scenario(["acme"], code=2)],
    ("credentials", "clear"): [Scenario(["mine", "--yes"])],
    ("credentials", "default"): [Scenario(["mine"]), Scenario(["--unset", "nest"])],
    ("credentials", "protect"): [
        Scenario(),
        Scenario(["key-file"]),
        Scenario(["passphrase"]),
        Scenario(["keyring"], code=8),
    ],
    ("cache", "show"): [Scenario()],
    ("cache", "ttl"): [Scenario(["10"])],
    ("cache", "clear"): [Scenario()],
    ("doctor",): [Scenario()],
    ("completion",): [Scenario([shell], has_json=False) for shell in ("bash", "zsh", "fish")],
    ("local", "set"): [
        Scenario(["fresh"], typed=VALUE),
        Scenario(["fresh", "--file", "{value}"]),
    ],
    ("local", "remove"): [
        Scenario(["value", "--yes"]),
        Scenario(["value", "--version", "1", "--yes"]),
    ],
    ("local", "versions"): [Scenario(["value"])],
    ("local", "import"): [
        Scenario(["{values.json}"]),
        Scenario(["{value}", "--format", "json"], code=2),
        Scenario(["{value}", "--format", "env"], code=2),
    ],
    ("local", "protect"): [Scenario(["passphrase"], typed=PASSPHRASE), Scenario(["key-file"])],
    # Its program has the value, which is what it is for; what that prints is masked.
    ("run",): [
        Scenario(["--set", "PW=mine/value", "--", "sh", "-c", 'echo "$PW"'], has_json=False),
        Scenario(["--set", "PW=mine/raw", "--", "sh", "-c", "true"], code=7, has_json=False),
    ],
}
"""The scenarios of each command."""

TYPED_BY_MISTAKE: Sequence[tuple[Sequence[str], int]] = (
    (["local", "set", "fresh", "{canary}"], 2),
    (["local", "set", "fresh", "--file", "{canary}"], 2),
    (["local", "set", "fresh", "--value={canary}"], 2),
    (["local", "protect", "{canary}"], 2),
    (["local", "protect", "passphrase", "{canary}"], 2),
    (["local", "remove", "value", "--version", "{canary}"], 2),
    (["credentials", "add", "nest", "--name", "new", "--field", "token={canary}"], 2),
    (["credentials", "add", "nest", "--name", "new", "--field", "{canary}"], 2),
    (["credentials", "add", "nest", "--name", "new", "--field", "tree={canary}"], 2),
    (["credentials", "add", "nest", "--name", "new", "--field-file", "token={canary}"], 2),
    (["credentials", "add", "nest", "--name", "new", "--token={canary}"], 2),
    (["credentials", "add", "nest", "{canary}", "--name", "new"], 2),
    (["credentials", "edit", "mine", "--field", "token={canary}"], 2),
    (["credentials", "edit", "mine", "{canary}"], 2),
    (["credentials", "protect", "{canary}"], 2),
    (["credentials", "protect", "passphrase", "{canary}"], 2),
    (["cache", "ttl", "{canary}"], 2),
    (["completion", "{canary}"], 2),
)
"""Command lines with a secret in them that does not belong there."""


def commands() -> Iterator[Path]:
    """Return every command there is, as the words that call it."""
    yield from _below(root, click.Context(root, info_name=PROGRAM), ())


def _below(group: click.Group, context: click.Context, path: Path) -> Iterator[Path]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            yield (*path, name)
            continue
        if command.invoke_without_command:
            yield (*path, name)
        yield from _below(command, click.Context(command, context, name), (*path, name))
