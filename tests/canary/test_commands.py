"""Every command there is, by text and as JSON: a canary shows where it was asked for only."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest
from tests.apps.cli.conftest import Unvault
from tests.canary.canaries import NAMES, PASSPHRASE, TOKEN, VALUE
from tests.canary.conftest import Place
from tests.canary.scenarios import SCENARIOS, TYPED_BY_MISTAKE, Path, Scenario, commands

COMMANDS = [*commands()]
EVERY = [
    pytest.param(path, scenario, as_json, id=f"{' '.join(path)} {number}{' json' * as_json}")
    for path in COMMANDS
    for number, scenario in enumerate(SCENARIOS.get(path, ()))
    for as_json in (False, True)
    if scenario.has_json or not as_json
]


def test_every_command_has_a_scenario() -> None:
    """A new command fails here until somebody has said where its secrets may show."""
    assert {*COMMANDS} - {*SCENARIOS} == set()
    assert {*SCENARIOS} - {*COMMANDS} <= {("run",)}


@pytest.mark.parametrize(("path", "scenario", "as_json"), EVERY)
def test_a_canary_shows_where_it_was_asked_for_only(
    place: Place,
    unvault: Unvault,
    logged: Callable[[], str],
    path: Path,
    scenario: Scenario,
    *,
    as_json: bool,
) -> None:
    files = {f"{{{file.name}}}": str(file) for file in place.inputs.iterdir()}
    files["{inputs}"] = str(place.inputs)
    arguments = [filled(argument, files) for argument in scenario.arguments]
    typed = place.canaries[scenario.typed].encode() if scenario.typed else b""
    done = unvault(*path, *arguments, *(["--json"] if as_json else []), stdin=typed)
    assert done.code == scenario.code, done.err
    assert place.canaries.found(done.out) == ([scenario.asked] if scenario.asked else [])
    assert place.canaries.found(done.err) == []
    assert place.canaries.found(logged()) == []
    assert place.left() == []


def filled(argument: str, files: dict[str, str]) -> str:
    for name, path in files.items():
        argument = argument.replace(name, path)
    return argument


@pytest.mark.parametrize(("arguments", "code"), TYPED_BY_MISTAKE, ids=lambda each: str(each)[:60])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_typed_by_mistake_is_not_repeated(
    place: Place, unvault: Unvault, arguments: Sequence[str], code: int, as_json: bool
) -> None:
    given = [each.replace("{canary}", place.canaries[VALUE]) for each in arguments]
    failed = unvault(*given, *(["--json"] if as_json else []), stdin=b"other")
    assert failed.code == code, failed.err
    assert place.canaries.found(failed.out + failed.err.encode()) == []
    assert place.left() == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    "line",
    [
        "unvault get mine/{canary}",
        "unvault get {canary}",
        "unvault {canary}",
        "unvault list mine {canary}",
        "unvault local set fresh {canary}",
        "unvault credentials protect {canary}",
        "unvault credentials show {canary}",
        "unvault credentials add nest --field token={canary}",
        "unvault get mine/value ",
        "unvault broken ",
    ],
)
def test_completion_signs_in_nowhere_and_repeats_nothing(
    place: Place, unvault: Unvault, monkeypatch: pytest.MonkeyPatch, shell: str, line: str
) -> None:
    before = place.log
    line = line.replace("{canary}", place.canaries[VALUE])
    monkeypatch.setenv("_UNVAULT_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv(
        "COMP_CWORD", line.split(" ")[-1] if shell == "fish" else str(line.count(" "))
    )
    done = unvault()
    assert place.canaries.found(done.out + done.err.encode()) == []
    assert (done.err, place.log) == ("", before)
    assert place.left() == []


def test_a_command_that_cannot_be_loaded_completes_nothing_in_silence(
    place: Place, unvault: Unvault, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = place.inputs / "site" / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[unvault.commands]\nbroken = nothing_here\n", "utf-8")
    failed = unvault("broken")
    assert (failed.code, failed.out) == (7, b"")
    assert "No module named" in failed.err
    monkeypatch.setenv("_UNVAULT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "unvault broken ")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert unvault() == (1, b"", "")


def test_all_kinds_of_secrets_were_there_to_be_found(place: Place) -> None:
    """What the tests above search for is really in use: in files, or in the environment."""
    read = b"".join(path.read_bytes() for path in place.inputs.glob("*") if path.is_file())
    around = "\n".join(os.environ.values())
    assert place.canaries.found(read + around.encode()) == sorted(NAMES)


def test_what_is_stored_is_in_no_file_in_the_clear_and_comes_out_again(
    place: Place, unvault: Unvault
) -> None:
    """Change everything that is stored, some of it several times, and look at every file."""
    steps: Sequence[tuple[Sequence[str], str]] = (
        (["credentials", "protect", "passphrase"], ""),
        (["credentials", "edit", "mine", "--field-file", "token=-"], TOKEN),
        (["credentials", "add", "nest", "--name", "a", "--field-file", "token=-"], TOKEN),
        (["credentials", "test", "a"], ""),
        (["credentials", "remove", "a", "--yes"], ""),
        (["local", "protect", "passphrase"], PASSPHRASE),
        (["local", "set", "big"], VALUE),
        (["local", "remove", "big", "--yes"], ""),
    )
    for arguments, typed in steps:
        done = unvault(*arguments, stdin=place.canaries[typed].encode() if typed else b"")
        assert done.code == 0, (arguments, done.err)
        assert place.left() == [], arguments
    assert unvault("get", "local/value").out.decode() == place.canaries[VALUE]
    assert unvault("get", "mine/value").out.decode() == place.canaries[VALUE]
