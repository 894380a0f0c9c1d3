"""What a command loads, and what it does not: each module costs every run its time."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.fakes import GOOD, Site, lines

from unvault_cli import __version__
from unvault_cli.commands.credentials import SUMMARIES, command
from unvault_cli.root import OWN, root

ROOT = Path(__file__).parents[3]
LOADED = """
import sys
from unvault_cli.main import main
code = main(sys.argv[1:])
print("\\n".join(sys.modules), file=sys.stderr)
sys.exit(code)
"""


@cache
def bare() -> set[str]:
    """Return the modules that the interpreter loads by itself, or for a tool that watches it."""
    code = "import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


def loaded_by(*arguments: str) -> set[str]:
    """Run a command and return the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = {*done.stderr.split()}
    assert "unvault_cli.main" in names
    return names - bare()


HEAVY = {"attr", "attrs", "cattrs", "cryptography", "platformdirs", "pluggy", "rich", "sqlite3"}


def test_importing_the_command_loads_next_to_nothing() -> None:
    code = "import sys, unvault_cli.main; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if name.startswith("unvault")}
    assert ours == {"unvault_cli", "unvault_cli.interrupts", "unvault_cli.main"}


def test_version(process: Unvault) -> None:
    told = f"unvault {__version__}\n".encode()
    assert process("--version") == (0, told, "")
    assert process("--version", "get") == (0, told, "")  # by way of click
    loaded = loaded_by("--version")
    assert not loaded & {*HEAVY, "click", "importlib.metadata"}
    assert {name for name in loaded if name.startswith("unvault.")} == set()


def test_help_loads_no_command_and_no_core(process: Unvault) -> None:
    told = process("--help")
    assert told.code == 0
    for name, summary in OWN.items():
        assert f"  {name} " in told.text
        assert summary in told.text
    assert "  local " in told.text
    loaded = loaded_by("--help")
    assert not loaded & {*HEAVY, "importlib.metadata"}
    assert not [name for name in loaded if name.startswith("unvault_cli.commands.")]
    assert {name for name in loaded if name.startswith("unvault.")} == {"unvault.installed"}
    assert "unvault_local" not in loaded


def test_get_loads_what_it_needs(unvault: Unvault) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    loaded = loaded_by("get", "local/x")
    assert not loaded & {"rich", "cattrs", "acme_provider", "unvault.health", "unvault_cli.report"}
    assert "unvault_local" in loaded
    assert "unvault_local.commands" not in loaded


def test_providers_imports_no_provider(site: Site) -> None:
    site.provider("another")
    for _ in range(2):  # when their verdicts are found out, and when they are remembered
        loaded = loaded_by("providers")
        assert not loaded & {"unvault_local", "acme_provider", "provider_another", "rich"}


def sdks() -> set[str]:
    """Return the SDKs that the core must not import, as the settings of import-linter name them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    [plain] = [each for each in contracts if each["id"] == "core-plain"]
    return {*plain["forbidden_modules"]} - {"click"}  # which the command is made of


def test_providers_in_a_process_of_its_own_imports_none_of_them_and_no_sdk(tmp_path: Path) -> None:
    installed = {entry.module for entry in entry_points(group="unvault.providers")}
    assert {"unvault_local.plugin", "unvault_hashicorp.plugin"} <= installed
    unwanted = {name.partition(".")[0] for name in installed} | sdks()
    command = Path(sys.executable).with_name("unvault")
    for remembered in (False, True):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", str(command), "providers"],
            env={**os.environ, "UNVAULT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "hashicorp" in done.stdout
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "unvault.health" in imported
        assert not {name for name in imported if name.partition(".")[0] in unwanted}
        assert ("subprocess" in imported) is not remembered  # by which each is looked at


def test_the_help_of_a_group_shows_what_the_commands_say_of_themselves() -> None:
    import click

    for group, summaries in ((root, OWN), (command, SUMMARIES)):
        context = click.Context(group)
        for name, summary in summaries.items():
            found = group.get_command(context, name)
            assert found is not None
            assert found.name == name
            assert found.get_short_help_str(200) == summary


def test_every_command_has_a_help(process: Unvault, unvault: Unvault) -> None:
    for name in OWN:
        assert "Usage: unvault" in unvault(name, "-h").text
    for name in SUMMARIES:
        assert unvault("credentials", name, "--help").code == 0


def test_no_command_writes_before_there_is_something_to_keep(unvault: Unvault, home: Path) -> None:
    for arguments in (
        ["credentials", "list"],
        ["credentials", "protect"],
        ["credentials", "default"],
        ["credentials", "clear", "--all"],
        ["cache", "show"],
        ["cache", "ttl"],
        ["list", "local"],
        ["render", "-"],
        ["providers", "show", "acme"],
        ["doctor"],
    ):
        assert unvault(*arguments).code == 0, arguments
    assert not home.exists()


def test_a_distribution_brings_a_command(site: Site, process: Unvault) -> None:
    info = site.distribution("dist-hello")
    (info / "entry_points.txt").write_text("[unvault.commands]\nhello = hello_command:command\n")
    site.module(
        "hello_command",
        lines(
            """
            import click
            from unvault.errors import AccessDenied

            @click.command()
            @click.argument("what")
            @click.pass_obj
            def command(vault, what):
                click.echo(f"{type(vault).__name__} {vault.interaction} {what}")
                if what == "fail":
                    raise AccessDenied("not you")
                return 3
            """
        ),
    )
    assert process("hello", "world") == (0, b"Unvault None world\n", "")
    failed = process("hello", "fail")
    assert (failed.code, failed.err) == (5, "error: not you [access-denied]\n")
    told = process("--help")
    assert "hello        From dist-hello.\n" in told.text
    assert process("hello", "x", environ={"UNVAULT_BLOCK": "hello"}).code == 7


def test_a_blocked_provider_takes_all_commands_of_its_distribution_along(
    site: Site, process: Unvault
) -> None:
    info = site.distribution("dist-two")
    (info / "entry_points.txt").write_text(
        "[unvault.providers]\nvault-x = nowhere\n[unvault.commands]\nxtool = x_command:command\n"
    )
    site.module(
        "x_command",
        "import click\n\n@click.command()\ndef command():\n    click.echo('ran')\n",
    )
    assert process("xtool").out == b"ran\n"
    blocked = process("xtool", environ={"UNVAULT_BLOCK": "vault-x"})
    assert (blocked.code, blocked.out) == (7, b"")
    assert "'vault-x' is blocked, and so are its commands" in blocked.err


def test_a_damaged_distribution_takes_no_command_away(site: Site, process: Unvault) -> None:
    info = site.distribution("dist-damaged")
    (info / "entry_points.txt").write_text("[unvault.commands]\nno equals sign\n")
    unnamed = site.distribution("dist-unnamed")
    (unnamed / "entry_points.txt").write_text("[unvault.commands]\nunnamed = nowhere:command\n")
    (unnamed / "METADATA").write_bytes(b"Summary: \xff\n")
    told = process("--help")
    assert "  local " in told.text
    assert "From a distribution without metadata." in told.text
    assert process("local", "--help").code == 0
    assert "local" in process("providers").text
    assert process("unnamed").code == 7


@pytest.mark.parametrize(
    ("source", "why"),
    [("raise RuntimeError('no luck')", "RuntimeError: no luck"), ("command = 3", "int")],
)
def test_a_command_that_cannot_be_loaded(
    site: Site, process: Unvault, source: str, why: str
) -> None:
    info = site.distribution("dist-broken")
    (info / "entry_points.txt").write_text("[unvault.commands]\nbroken = broken_command:command\n")
    site.module("broken_command", source)
    failed = process("broken")
    assert failed.code == 7
    assert why in failed.err
    assert "dist-broken" in failed.err
    assert process("--help").code == 0


def test_two_distributions_bring_one_command(site: Site, process: Unvault) -> None:
    for name in ("dist-one", "dist-two"):
        info = site.distribution(name)
        (info / "entry_points.txt").write_text("[unvault.commands]\ntwice = nowhere:command\n")
    failed = process("twice")
    assert failed.code == 7
    assert "dist-one and dist-two" in failed.err


def test_extensions_are_enabled_by_name(site: Site, process: Unvault) -> None:
    site.provider("good", GOOD)
    site.extension(
        "noting",
        lines(
            """
            import sys
            from unvault.hookspecs import hookimpl

            @hookimpl(wrapper=True)
            def fetch_secret(request):
                print("fetching", request.path, file=sys.stderr)
                return (yield)
            """
        ),
    )
    assert process("get", "good/x") == (0, b"value of x", "")
    enabled = process("get", "good/x", environ={"UNVAULT_EXTENSIONS": " noting ,"})
    assert enabled == (0, b"value of x", "fetching x\n")
    unknown = process("get", "good/x", environ={"UNVAULT_EXTENSIONS": "nope"})
    assert unknown.code == 7
    assert "nope" in unknown.err
