"""What a person and a script see when something goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault
from tests.fakes import GOOD, Site, lines

from unvault import errors
from unvault.errors import FormError, RenderError, UnvaultError
from unvault_cli.output import printable
from unvault_cli.report import EXIT_CODES, exit_code, report
from unvault_cli.terminal import Terminal

RAISING = GOOD + lines(
    """
    from unvault import errors

    @hookimpl
    def fetch_secret(session, request):
        kind = getattr(errors, request.path, None) or vars(__builtins__)[request.path]
        if issubclass(kind, errors.UnvaultError):
            raise kind("it did not work", hint="try again", candidates=("this", "that"))
        raise kind("canary-2718")
    """
).replace("vars(__builtins__)", "__import__('builtins').__dict__")


@pytest.fixture
def raising(site: Site) -> None:
    site.provider("raising", RAISING)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("UnvaultError", 1),
        ("UsageError", 2),
        ("NotSupported", 2),
        ("SecretNotFound", 3),
        ("FieldNotFound", 3),
        ("AuthenticationError", 4),
        ("CredentialRejected", 4),
        ("AccessDenied", 5),
        ("Unavailable", 6),
        ("Throttled", 6),
        ("ProviderError", 7),
        ("StoreLocked", 8),
        ("ValueError", 7),  # the core makes it a defect of the provider
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    unvault: Unvault, raising: None, kind: str, code: int
) -> None:
    failed = unvault("get", f"raising/{kind}")
    assert (failed.code, failed.out) == (code, b"")
    assert "Traceback" not in failed.err
    assert "canary" not in failed.err
    if kind != "ValueError":
        named = getattr(errors, kind).code
        assert failed.err == (
            f"error: it did not work [{named}]\n"
            "  provider: raising\n"
            "  credential: (ambient)\n"
            f"  reference: raising/{kind}\n"
            "  near: this, that\n"
            "  hint: try again\n"
        )


def test_every_kind_of_error_has_an_exit_code_of_its_own_tree() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    for kind in kinds:
        if issubclass(kind, UnvaultError) and kind not in (UnvaultError, RenderError):
            assert exit_code(kind("x")) == next(
                code for base, code in EXIT_CODES if issubclass(kind, base)
            )
    assert len({code for _, code in EXIT_CODES}) == len(EXIT_CODES)


def test_errors_as_json(unvault: Unvault, raising: None) -> None:
    failed = unvault("get", "raising/AccessDenied", "--json")
    assert (failed.code, failed.out) == (5, b"")
    assert failed.error == {
        "code": "access-denied",
        "message": "it did not work",
        "hint": "try again",
        "provider": "raising",
        "credential": "(ambient)",
        "reference": "raising/AccessDenied",
        "candidates": ["this", "that"],
    }
    usage = unvault("get", "--json")
    assert usage.code == 2
    assert usage.error["code"] == "usage"
    assert usage.error["hint"] == "unvault get --help"


@pytest.mark.parametrize(
    ("arguments", "guess"),
    [
        (["gett", "x"], "Did you mean get?"),
        (["locl"], "Did you mean local?"),
        (["credentials", "ad"], "Did you mean add?"),
        (["xyzzy"], "there is no command 'xyzzy'."),
    ],
)
def test_an_unknown_command_has_a_guess(unvault: Unvault, arguments: list[str], guess: str) -> None:
    failed = unvault(*arguments)
    assert failed.code == 2
    assert guess in failed.err


def test_usage(unvault: Unvault) -> None:
    assert unvault("get").code == 2
    assert unvault("get", "local/x", "--output", "xml").code == 2
    assert unvault("get", "local/x", "--nope").code == 2
    nothing = unvault()
    assert (nothing.code, nothing.out) == (2, b"")
    assert "Usage: unvault" in nothing.err
    assert unvault("credentials").code == 2


def test_what_is_typed_in_excess_is_not_repeated(unvault: Unvault) -> None:
    failed = unvault("local", "set", "db/main", "hunter2")
    assert failed.code == 2
    assert "hunter2" not in failed.err
    assert "hunter2" not in unvault("local", "set", "db/main", "hunter2", "--json").err


def test_a_defect_shows_its_place_and_not_its_message(
    unvault: Unvault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary-2718")

    monkeypatch.setattr("unvault.client.Unvault.fetch", broken)
    failed = unvault("get", "local/x")
    assert failed.code == 1
    assert failed.err.startswith("error: unexpected RuntimeError at ")
    assert failed.err.endswith("; this is a defect [defect]\n")
    assert Path(__file__).name in failed.err
    assert "canary" not in failed.err
    assert unvault("get", "local/x", "--json").error["code"] == "defect"


def test_a_forms_problems_each_have_a_line() -> None:
    from unvault_cli.report import lines as told

    problems = (errors.Problem("a", "is required"), errors.Problem("b", "is wrong"))
    error = FormError("the form: a is required; b is wrong", problems)
    assert [*told(error)] == [
        "error: the form cannot be used [invalid-form]",
        "  a is required",
        "  b is wrong",
    ]


def test_control_characters_are_written_out() -> None:
    assert printable("a\x1b[31mb\u202e\n\udcff") == "a\\x1b[31mb\\u202e\\n\\udcff"
    assert printable("zwölf ✓") == "zwölf ✓"


@pytest.mark.parametrize("arguments", [["get", "local/x"], ["cache", "show"]])
def test_the_reader_of_the_output_goes_away(
    unvault: Unvault, process: Unvault, arguments: list[str]
) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    reading, writing = os.pipe()
    os.close(reading)
    done = process(*arguments, stdout=writing)
    os.close(writing)
    assert (done.code, done.err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["get", "local/x"], ["cache", "show"]])
def test_the_output_cannot_be_written(
    unvault: Unvault, process: Unvault, arguments: list[str]
) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    with Path("/dev/full").open("wb") as full:
        done = process(*arguments, stdout=full)
    assert done.code == 1
    assert done.err == "error: cannot write the standard output: No space left on device [file]\n"


def test_a_closed_output(unvault: Unvault) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    command = f"exec {sys.executable} -m unvault_cli get local/x >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: the standard output is closed [file]\n")


def test_ctrl_c(site: Site, tmp_path: Path) -> None:
    slow = GOOD.replace(
        'return Session(client="a client")', "import slow_things; slow_things.run()"
    )
    site.provider("slow", slow)
    started = tmp_path / "started"
    source = f"import pathlib, time\ndef run():\n    pathlib.Path({str(started)!r}).touch()\n"
    site.module("slow_things", source + "    time.sleep(30)\n")
    command = [sys.executable, "-m", "unvault_cli", "get", "slow/x"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        for _ in range(500):
            if started.exists():
                break
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
    assert (child.returncode, told) == (-signal.SIGINT, "")


def test_errors_as_json_are_one_document(process: Unvault) -> None:
    failed = process("get", "nope/x", "--json")
    assert (failed.code, failed.out) == (3, b"")
    assert json.loads(failed.err)["error"]["code"] == "credential-not-found"


def test_names_that_the_output_cannot_encode(process: Unvault, tmp_path: Path) -> None:
    (tmp_path / "zwölf.http").write_text("{% vault 'local/zwölf✓' %}", "utf-8")
    found = process("refs", "zwölf.http", environ={"PYTHONIOENCODING": "cp437:strict"})
    assert found == (0, "zwölf.http:1:1: local/zwölf\\u2713\n".encode("cp437"), "")


def test_a_page_is_opened_where_there_are_windows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not Terminal().open_page("https://acme.test/1")
    monkeypatch.setenv("DISPLAY", ":0")
    assert Terminal().open_page("https://acme.test/2")
    assert not Terminal().open_page("file:///etc/passwd")
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert not Terminal().open_page("https://acme.test/3")
    assert opened == ["https://acme.test/2"]
    told = capsys.readouterr()
    assert told.out == ""
    assert "Open this page: https://acme.test/1" in told.err


def test_a_damaged_store(unvault: Unvault, prod: str, home: Path) -> None:
    (home / "data" / "unvault.db").write_bytes(b"this is no database" * 100)
    for arguments in (["credentials", "list"], ["get", "prod/x"], ["cache", "ttl"]):
        failed = unvault(*arguments)
        assert failed.code == 8, arguments
        assert str(home / "data" / "unvault.db") in failed.err


ODD = GOOD + lines(
    """
    from unvault.errors import SecretNotFound

    class Unruly(SecretNotFound):
        def describe(self):
            raise ValueError("canary-2718")

        def __getattribute__(self, name):
            if name in ("message", "hint", "candidates"):
                raise ValueError("canary-2718")
            return super().__getattribute__(name)

    @hookimpl
    def fetch_secret(session, request):
        if request.path == "unruly":
            raise Unruly("no")
        if request.path == "bytes":
            error = SecretNotFound("no", hint=b"look")
        else:
            error = SecretNotFound("no", candidates=[1, None])
        raise error
    """
)


@pytest.mark.parametrize("how", [(), ("--json",)])
@pytest.mark.parametrize("path", ["unruly", "bytes", "mixed"])
def test_an_error_that_cannot_be_told_is_told_all_the_same(
    unvault: Unvault, site: Site, path: str, how: tuple[str, ...]
) -> None:
    site.provider("odd", ODD)
    failed = unvault("get", f"odd/{path}", *how)
    assert failed.code != 0
    assert "Traceback" not in failed.err
    assert "canary" not in failed.err
    assert failed.error["message"] if how else failed.err.startswith("error: ")


class Unruly(errors.SecretNotFound):
    """An error that fails when it is looked at."""

    def describe(self) -> dict[str, object]:
        raise ValueError("canary-2718")

    @property
    def message(self) -> str:
        raise ValueError("canary-2718")


@pytest.mark.parametrize("as_json", [False, True])
def test_the_last_resort_is_its_type_and_place(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert report(Unruly("no"), as_json=as_json) != 0
    told = capsys.readouterr().err
    assert "unexpected Unruly at an unknown place; this is a defect" in told
    assert "canary" not in told


def test_what_is_no_json_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.SecretNotFound("no")
    error.candidates = (b"this", 1)  # type: ignore[assignment]
    for as_json in (False, True):
        assert report(error, as_json=as_json) == 3
        assert "this" in capsys.readouterr().err


ENDING = GOOD + lines(
    """
    import asyncio, sys

    @hookimpl
    def fetch_secret(session, request):
        kinds = {"cancelled": asyncio.CancelledError, "generator": GeneratorExit,
                 "base": BaseException, "group": BaseExceptionGroup}
        if request.path == "zero":
            sys.exit(0)
        if request.path == "text":
            sys.exit("canary-2718")
        if request.path == "group":
            raise BaseExceptionGroup("canary-2718", [GeneratorExit("canary-2718")])
        raise kinds[request.path]("canary-2718")
    """
)


@pytest.mark.parametrize("how", [(), ("--json",)])
@pytest.mark.parametrize("path", ["zero", "text", "cancelled", "generator", "base", "group"])
def test_a_provider_that_ends_the_process_makes_it_no_success(
    process: Unvault, site: Site, path: str, how: tuple[str, ...]
) -> None:
    site.provider("ending", ENDING)
    failed = process("get", f"ending/{path}", *how)
    assert failed.code not in (0, 130)
    assert failed.out == b""
    assert failed.err.startswith("{" if how else "error: ")
    assert "Traceback" not in failed.err
    assert "canary" not in failed.err


def test_what_ends_the_process_elsewhere_is_reported(
    unvault: Unvault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (SystemExit(0), GeneratorExit("canary-1"), BaseException("canary-1")):

        def end(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("unvault.client.Unvault.__init__", end)
        failed = unvault("get", "local/x")
        assert failed.code == 1
        assert f"unexpected {type(error).__name__} at " in failed.err
        assert "canary" not in failed.err


FORGING = GOOD + lines(
    """
    from unvault.errors import SecretNotFound

    @hookimpl
    def authenticate(credential, interaction):
        return Session(client=None, identity="me\\nstored the credential x\\x1b[2J")

    @hookimpl
    def fetch_secret(session, request):
        raise SecretNotFound("no\\nerror: everything is fine", candidates=("a\\nb",))
    """
)


def test_what_a_vault_says_makes_no_line_of_its_own(unvault: Unvault, site: Site) -> None:
    site.provider("forging", FORGING)
    told = unvault("get", "forging/x").err.splitlines()
    assert told[0].startswith("error: no\\nerror: everything is fine")
    assert "  near: a\\nb" in told
    told = unvault("credentials", "test", "forging").text.splitlines()
    assert told[0] == "signed in to forging as me\\nstored the credential x\\x1b[2J"
    added = unvault("credentials", "add", "forging", "--name", "mine").err
    assert "\nstored the credential x" not in added


def test_what_a_provider_tells_in_several_lines_is_indented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Terminal().tell("Open the page\nand type\n\x1b[2JABC")
    assert capsys.readouterr().err == "Open the page\n  and type\n  \\x1b[2JABC\n"


def test_the_choices_of_a_missing_argument_are_readable(unvault: Unvault) -> None:
    failed = unvault("completion")
    assert failed.code == 2
    assert "Choose from: bash, zsh, fish" in failed.err
    assert "\\t" not in failed.err
