"""What got in people's way once, and does no more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.apps.cli.forms import HOUSE
from tests.apps.cli.terminals import Session
from tests.apps.cli.test_demo import demo
from tests.fakes import GOOD, Site

from unvault.checking import check_answer
from unvault.errors import WrongFormat
from unvault.forms import Choice, Field, Kind
from unvault.secret import Secret

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

Terminal = Callable[..., Session]

NOISY = (
    "import sys\nprint('noise at import')\n"
    + GOOD.replace(
        "    return Secret(", "    print('noise'); sys.stdout.flush()\n    return Secret("
    )
    + "\n\n@hookimpl\ndef close_session(session):\n    print('noise at the end')\n"
)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    sessions: list[Session] = []

    def start(*arguments: str, **options: str) -> Session:
        sessions.append(Session(*arguments, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.child.close(force=True)


@pytest.fixture
def noisy(site: Site) -> None:
    site.provider("noisy", NOISY)


def closed(*arguments: str) -> tuple[int, str]:
    """Run a command whose standard output is closed."""
    line = f'exec {sys.executable} -m unvault_cli "$@" >&-'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("given", ["acme.json", "./acme.json"])
def test_a_path_as_an_option_is_stored_whole(
    unvault: Unvault, acme_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    added = unvault(
        *("credentials", "add", "acme", "--name", "a", "--field", f"file={given}"),
        *("--field-file", "token=-", "--json"),
        stdin=TOKEN.encode(),
    )
    assert added.json["answers"]["file"] == str(acme_file)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert unvault("credentials", "test", "a").code == 0
    edited = unvault("credentials", "edit", "a", "--field", "file=../acme.json", "--json")
    assert edited.json["answers"]["file"] == str(tmp_path / "sub" / ".." / "acme.json")
    monkeypatch.chdir(tmp_path)
    assert unvault("credentials", "test", "a").code == 0


def test_the_home_folder_and_paths_of_the_environment_stay_as_they_are(
    unvault: Unvault, acme_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ("credentials", "add", "acme", "--no-test", "--json")
    token = ("--field-file", "token=-")
    made = unvault(*add, "--name", "a", "--field", "file=~/x.json", *token, stdin=b"t")
    assert made.json["answers"]["file"] == "~/x.json"
    monkeypatch.setenv("UNVAULT_ACME_FILE", "acme.json")
    monkeypatch.setenv("UNVAULT_ACME_TOKEN", TOKEN)
    made = unvault(*add, "--name", "b", "--from-env")
    assert made.json["answers"]["file"] == "acme.json"


def test_a_path_that_is_typed_is_stored_whole(
    terminal: Terminal, unvault: Unvault, acme_file: Path
) -> None:
    session = terminal("credentials", "add", "acme", "--name", "a")
    session.answer("File: ", "acme.json")
    session.hidden("Token (not shown): ", TOKEN)
    session.answer("Region [eu]: ", "")
    assert session.end() == 0
    shown = unvault("credentials", "show", "a", "--json").json
    assert shown["answers"]["file"] == str(acme_file)


def test_what_a_provider_prints_is_no_result(process: Unvault, noisy: None) -> None:
    got = process("get", "noisy/x")
    assert (got.code, got.out) == (0, b"value of x")
    assert "noise at import\n" in got.err
    assert "noise\n" in got.err
    document = process("get", "noisy/x", "--json")
    assert document.json["value"] == "value of x"
    rendered = process("render", stdin=b"<{% vault 'noisy/x' %}>")
    assert rendered.out == b"<value of x>"
    for arguments in (["providers"], ["providers", "show", "noisy"], ["credentials", "default"]):
        assert process(*arguments, "--json").json["schema"].startswith("unvault.")
    assert b"noise" not in process("doctor", "--json").out
    assert process("get", "--help").out.startswith(b"Usage: ")


def test_what_a_command_prints_at_its_import_is_no_result(process: Unvault, site: Site) -> None:
    info = site.distribution("dist-loud")
    (info / "entry_points.txt").write_text("[unvault.commands]\nloud = loud:command\n", "utf-8")
    site.module(
        "loud",
        "import click\nprint('noise')\n"
        "@click.command()\ndef command():\n    click.echo('result')\n",
    )
    assert process("loud") == (0, b"result\n", "noise\n")


def test_the_document_names_the_file_that_has_the_value(unvault: Unvault, tmp_path: Path) -> None:
    unvault("local", "set", "db", stdin=b'{"a": 1}')
    target = tmp_path / "out"
    get = ("get", "local/db", "--json", "--out-file", str(target))
    told = unvault(*get).json
    assert target.read_bytes() == b'{"a": 1}'
    assert told["output"] == str(target)
    assert set(told) == {
        *("schema", "reference", "output", "version", "created", "expires", "content_type", "tags")
    }
    unvault(*get, "--output", "json")
    assert target.read_bytes() == b'{"a":1}\n'
    assert unvault("get", "local/db", "--json", "--out-file", "-").json["value"] == '{"a": 1}'


def test_the_reference_that_is_told_can_be_pasted(unvault: Unvault) -> None:
    added = unvault("credentials", "add", "local", "--name", "my #1", "--no-test")
    assert "stored the credential my #1: my%20%231/… refers to it\n" in added.err


def test_a_wrong_name_is_a_problem_like_others(unvault: Unvault, prod: str) -> None:
    refused = unvault("credentials", "add", "acme", "--name", prod, "--no-test")
    assert refused.code == 2
    line = "  --name cannot be used: there is a credential called 'prod' already"
    assert line in refused.err.splitlines()


def test_edit_without_options_and_without_a_person(unvault: Unvault, prod: str) -> None:
    before = unvault("credentials", "show", prod, "--json").out
    for options in ([], ["--no-test"]):
        refused = unvault("credentials", "edit", prod, *options)
        assert refused.code == 2
        assert "--field, --field-file, --from-env or --type" in refused.err
        assert "changed the credential" not in refused.err
    assert unvault("credentials", "show", prod, "--json").out == before
    assert unvault("credentials", "edit", prod, "--type", "token").code == 0


def test_unset_of_what_is_not_there(
    unvault: Unvault, prod: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = unvault("credentials", "default", "--unset", "acmee")
    assert refused.code == 7
    assert "installed providers: acme, aws, azure, gcp, hashicorp, local" in refused.err
    assert "[provider-not-found]" in refused.err
    assert "now means" not in refused.err
    unvault("credentials", "default", prod)
    assert unvault("credentials", "default", "--unset", "acme").code == 0


def test_unset_of_a_provider_that_is_gone(
    unvault: Unvault, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.provider("gone", GOOD)
    assert unvault("credentials", "add", "gone", "--name", "g", "--default").code == 0
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(site.folder)])
    assert unvault("providers", "show", "gone").code == 7
    assert unvault("credentials", "default", "--unset", "gone").code == 0
    assert unvault("credentials", "default", "--json").json["defaults"] == []


def test_clear_of_some_and_of_all(unvault: Unvault, prod: str) -> None:
    refused = unvault("credentials", "clear", prod, "--all", "--yes")
    assert refused.code == 2
    assert "not both" in refused.err
    assert unvault("get", "prod/db/main").code == 0


@pytest.mark.parametrize(("typed", "flag"), [("y", True), ("Y ", True), ("n", False)])
def test_a_flag_is_y_or_n(typed: str, *, flag: bool) -> None:
    assert check_answer(Field("secure", kind=Kind.FLAG), typed) is flag


def test_a_choice_in_another_case() -> None:
    choices = [Choice("eu", aliases=("Europe",)), Choice("US"), Choice("a"), Choice("A")]
    field = Field("region", kind=Kind.CHOICE, choices=choices)
    answers = [check_answer(field, typed) for typed in ("EU", "europe", "us", "A", "a")]
    assert answers == ["eu", "eu", "US", "A", "a"]
    odd = Field("odd", kind=Kind.CHOICE, choices=[Choice("Ab"), Choice("aB")])
    with pytest.raises(ValueError, match="must be one of Ab, aB"):
        check_answer(odd, "ab")


def test_json_that_is_nested_too_deeply_is_not_called_no_json() -> None:
    with pytest.raises(WrongFormat, match="nested too deeply") as caught:
        Secret(b"[" * 100_000 + b"]" * 100_000).json()
    assert caught.value.__context__ is None
    with pytest.raises(WrongFormat, match="is not JSON"):
        Secret(b"[").json()


def test_what_the_demo_says_last_works(tmp_path: Path) -> None:
    last = demo(tmp_path).stdout.strip().splitlines()[-2:]
    assert last[0].startswith("The demo's vault was temporary")
    command = last[1].removeprefix("Go on with: ")
    done = subprocess.run(
        ["sh", "-c", command], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"Usage: unvault")


def test_refs_goes_on_after_a_file_that_cannot_be_read(unvault: Unvault) -> None:
    text = b"{% vault 'local/x' %}{% vault %}"
    found = unvault("refs", "nofile", "-", stdin=text)
    assert (found.code, found.text) == (1, "(standard input):1:1: local/x\n")
    assert "error: cannot read nofile: No such file or directory [file]\n" in found.err
    assert "(standard input):1:22: " in found.err
    document = unvault("refs", "nofile", "-", "--json", stdin=text)
    assert document.code == 1
    unread, wrong = document.json["problems"]
    assert (unread["file"], unread["line"], unread["code"]) == ("nofile", None, "file")
    assert wrong["line"] == 1
    assert unvault("refs", "-", stdin=text).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["providers"],
        ["providers", "--json"],
        ["--help"],
        ["--version"],
        ["cache", "show"],
        ["local", "versions", "x"],
        ["completion", "bash"],
        ["render", "t"],
    ],
)
def test_no_result_is_lost_where_the_output_is_closed(
    unvault: Unvault, tmp_path: Path, arguments: list[str]
) -> None:
    unvault("local", "set", "x", stdin=b"x")
    (tmp_path / "t").write_text("text")
    code, err = closed(*arguments)
    assert code == 1
    assert "the standard output is closed" in err
    assert "Traceback" not in err


def test_a_closed_output_is_no_matter_where_there_is_no_result(unvault: Unvault, prod: str) -> None:
    assert closed("credentials", "default", prod) == (0, "acme/… now means prod\n")


def test_usage_errors_have_their_code(unvault: Unvault) -> None:
    assert unvault("get").err.startswith("error: Missing argument 'REF'. [usage]\n")
    assert unvault("render", "nofile").err.endswith("No such file or directory [file]\n")


def test_a_time_stays_on_one_line(terminal: Terminal, unvault: Unvault) -> None:
    unvault("local", "set", "a/rather/long/name/of/a/secret", stdin=b"x")
    created = unvault("list", "local", "--json").json["secrets"][0]["created"]
    session = terminal("list", "local", NO_COLOR="1", COLUMNS="60")
    assert session.end() == 0
    assert created in session.shown


def test_a_failed_sign_in_loses_no_answer(
    terminal: Terminal, unvault: Unvault, acme_file: Path
) -> None:
    session = terminal("credentials", "add", "acme", "--name", "a")
    session.answer("File: ", str(acme_file))
    session.hidden("Token (not shown): ", "wrong-canary")
    session.answer("Region [eu]: ", "us")
    session.child.expect_exact("Acme refused the token [credential-rejected]")
    session.answer("Change the answers and try again? [Y/n]: ", "")
    session.answer(f"File [{acme_file}]: ", "")
    session.hidden("Token (not shown; empty keeps the present one): ", TOKEN)
    session.answer("Region [us]: ", "")
    session.child.expect_exact("signed in as acme us")
    assert session.end() == 0
    assert "canary" not in session.shown
    assert unvault("get", "a/db/us").text == "howdy"


def test_who_does_not_try_again_has_the_error(terminal: Terminal, site: Site, home: Path) -> None:
    site.provider("house", HOUSE)
    session = terminal("credentials", "add", "house", "--name", "h", "--type", "password")
    session.answer("User: ", "me")
    session.hidden("Password (not shown): ", "wrong-canary")
    session.answer("Port [8200]: ", "1")
    session.hidden("PIN (not shown, optional): ", "1234")
    session.answer("Change the answers and try again? [Y/n]: ", "n")
    assert session.end() == 4
    assert "the house refused the password [credential-rejected]" in session.shown
    assert "nothing was stored" in session.shown
    assert "canary" not in session.shown
    assert not home.exists()


def test_the_answer_no_is_130(terminal: Terminal, prod: str) -> None:
    session = terminal("credentials", "remove", prod)
    session.answer("[y/N]: ", "n")
    assert session.end() == 130
    pages = Path(__file__).parents[3]
    for page in ("apps/cli/README.md", "docs/reference/errors.md"):
        assert "the answer no" in (pages / page).read_text("utf-8")


def test_json_of_local_is_on_one_line_on_a_terminal_too(
    terminal: Terminal, unvault: Unvault
) -> None:
    unvault("local", "set", "x", stdin=b"x")
    session = terminal("local", "versions", "x", "--json")
    assert session.end() == 0
    assert json.loads(session.shown)["name"] == "x"
    assert session.shown.count("\n") == 1
    page = Path(__file__).parents[3] / "docs/reference/json.md"
    assert "`unvault local` prints one line there as well" in page.read_text("utf-8")
