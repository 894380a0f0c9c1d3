"""The command as a person meets it: on a real (pseudo-)terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.apps.cli.forms import GUESTS, HOUSE
from tests.apps.cli.terminals import Session
from tests.fakes import GOOD, Site

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def terminal() -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def start(*arguments: str, **options: str) -> Session:
        sessions.append(Session(*arguments, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.child.close(force=True)


Terminal = Callable[..., Session]


@pytest.fixture
def house(site: Site) -> None:
    site.provider("house", HOUSE)


def test_add_asks_for_everything(
    terminal: Terminal, unvault: Unvault, acme_file: Path, home: Path
) -> None:
    session = terminal("credentials", "add")
    session.child.expect_exact("1  acme       acme-provider")
    session.child.expect_exact("2  aws        unvault-aws")
    session.child.expect_exact("3  azure      unvault-azure")
    session.child.expect_exact("4  gcp        unvault-gcp")
    session.child.expect_exact("5  hashicorp  unvault-hashicorp")
    session.child.expect_exact("6  local      unvault-local")
    session.answer("Provider: ", "9")
    session.child.expect_exact("Provider is one of the numbers or names above.")
    session.answer("Provider: ", "1")
    session.answer("Name, as references are to call it: ", "acme")
    session.child.expect_exact("that is a provider's id")
    session.answer("Name, as references are to call it: ", "prod")
    session.child.expect_exact("The file Acme gave you.")
    session.answer("File: ", "")
    session.child.expect_exact("File is required.")
    session.answer("File: ", str(acme_file))
    session.child.expect_exact("The token that opens it.")
    session.hidden("Token (not shown): ", TOKEN)
    session.child.expect_exact("1  eu  Europe")
    session.child.expect_exact("2  us  United States")
    session.answer("Region [eu]: ", "mars")
    session.child.expect_exact("Region must be one of eu, us.")
    session.answer("Region [eu]: ", "2")
    session.child.expect_exact("signed in as acme us")
    session.child.expect_exact("stored the credential prod")
    assert session.end() == 0
    assert TOKEN not in session.shown
    assert unvault("get", "prod/db/us").text == "howdy"


def test_a_credential_is_called_after_the_account_that_signing_in_tells(
    terminal: Terminal, unvault: Unvault, site: Site
) -> None:
    site.provider("guests", GUESTS)
    for name in ("ann@example.com", "second"):
        session = terminal("credentials", "add", "guests")
        session.answer("Type [guest]: ", "1")
        session.answer("Door: ", "front")
        if name == "second":
            session.child.expect_exact("there is a credential called 'ann@example.com' already.")
            session.answer("Name, as references are to call it: ", name)
        session.child.expect_exact(f"stored the credential {name}")
        assert session.end() == 0
    for more in (["--name", "third"], ["--no-test"]):
        session = terminal("credentials", "add", "guests", "--field", "door=back", *more)
        if "--no-test" in more:
            session.answer("Name, as references are to call it: ", "fourth")
        assert session.end() == 0
    session = terminal("credentials", "add", "guests", "--type", "key")
    session.answer("Name, as references are to call it: ", "fifth")
    session.answer("Door: ", "front")
    assert session.end() == 0
    found = unvault("credentials", "list", "--json").json["credentials"]
    named = {row["name"] for row in found}
    assert named == {"ann@example.com", "second", "third", "fourth", "fifth"}


def test_add_asks_only_for_what_is_missing(
    terminal: Terminal, unvault: Unvault, acme_file: Path
) -> None:
    given = ("--name", "prod", "--field", f"file={acme_file}", "--default", "--json")
    session = terminal("credentials", "add", "acme", *given)
    session.hidden("Token (not shown): ", TOKEN)
    assert session.end() == 0
    assert "Region" not in session.shown
    assert '"schema": "unvault.credential/1"' in session.shown
    assert TOKEN not in session.shown
    assert unvault("get", "acme/db/main#user").text == "app"


def test_types_flags_and_fields_that_depend_on_others(
    terminal: Terminal, unvault: Unvault, house: None
) -> None:
    session = terminal("credentials", "add", "house", "--name", "h")
    session.child.expect_exact("House: A house with doors.")
    session.child.expect_exact("1  password  User and password")
    session.child.expect_exact("2  method    A method")
    session.answer("Type [password]: ", "method")
    session.answer("Address: ", "ftp://x.test")
    session.child.expect_exact("Address must be an address that starts with https://")
    session.answer("Address: ", "https://x.test")
    session.answer("Secure (yes/no) [yes]: ", "perhaps")
    session.child.expect_exact("Secure must be yes or no")
    session.answer("Secure (yes/no) [yes]: ", "no")
    session.child.expect_exact("2  key   A key")
    session.answer("Method [none]: ", "key")
    session.answer("Key: ", "k1")
    session.answer("Note (optional): ", "")
    assert session.end() == 0
    assert unvault("credentials", "show", "h", "--json").json["answers"] == {
        "url": "https://x.test",
        "secure": False,
        "method": "key",
        "key_id": "k1",
    }


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Provider: ", "c"),
        ("Name, as references are to call it: ", "d"),
        ("File: ", "c"),
        ("Token (not shown): ", "c"),
        ("Token (not shown): ", "d"),
        ("Region [eu]: ", "d"),
    ],
)
def test_who_stops_leaves_nothing_behind(
    terminal: Terminal, acme_file: Path, home: Path, question: str, key: str
) -> None:
    session = terminal("credentials", "add")
    for asked, line in (
        ("Provider: ", "acme"),
        ("Name, as references are to call it: ", "prod"),
        ("File: ", str(acme_file)),
        ("Token (not shown): ", TOKEN),
        ("Region [eu]: ", ""),
    ):
        if asked == question:
            session.press(asked, key)
            break
        (session.hidden if "not shown" in asked else session.answer)(asked, line)
    assert session.end() == 130
    assert session.shown.endswith("\nAborted. Nothing was stored.\n")
    assert "Traceback" not in session.shown
    assert not home.exists()


def test_a_failed_sign_in_stores_nothing(terminal: Terminal, acme_file: Path, home: Path) -> None:
    session = terminal("credentials", "add", "acme", "--name", "x", "--field", f"file={acme_file}")
    session.hidden("Token (not shown): ", "wrong-canary")
    assert session.end() == 4
    assert "Acme refused the token [credential-rejected]" in session.shown
    assert "--no-test stores it without signing in" in session.shown
    assert "canary" not in session.shown
    assert not home.exists()


def test_wrong_options_are_said_before_anything_is_asked(terminal: Terminal, home: Path) -> None:
    session = terminal("credentials", "add", "acme", "--name", "x", "--field", "token=canary")
    assert session.end() == 2
    assert "token is a secret" in session.shown
    assert "canary" not in session.shown


def test_edit_offers_the_present_answers(
    terminal: Terminal, unvault: Unvault, prod: str, acme_file: Path
) -> None:
    session = terminal("credentials", "edit", prod)
    session.answer(f"File [{acme_file}]: ", "")
    session.hidden("Token (not shown; empty keeps the present one): ", "")
    session.answer("Region [eu]: ", "us")
    session.child.expect_exact("signed in as acme us")
    assert session.end() == 0
    assert TOKEN not in session.shown
    assert unvault("get", "prod/db/us").text == "howdy"


def test_edit_stopped_changes_nothing(terminal: Terminal, unvault: Unvault, prod: str) -> None:
    before = unvault("credentials", "show", prod, "--json").out
    session = terminal("credentials", "edit", prod)
    session.press("File [", "c")
    assert session.end() == 130
    assert unvault("credentials", "show", prod, "--json").out == before


def test_remove_and_clear_ask(terminal: Terminal, unvault: Unvault, prod: str) -> None:
    session = terminal("credentials", "remove", prod)
    session.answer("Remove the credential prod for acme for good? [y/N]: ", "")
    assert session.end() == 130
    assert "Aborted. Nothing was changed." in session.shown
    session = terminal("credentials", "clear", prod)
    session.answer("Forget the answers of prod for good? [y/N]: ", "y")
    assert session.end() == 0
    session = terminal("credentials", "remove", prod)
    session.answer("? [y/N]: ", "yes")
    assert session.end() == 0
    assert unvault("credentials", "list", "--json").json["credentials"] == []


def test_protect_by_a_passphrase(
    terminal: Terminal, unvault: Unvault, prod: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = terminal("credentials", "protect", "passphrase")
    session.hidden("new passphrase of the credential store: ", "")
    session.child.expect_exact("It must not be empty.")
    session.hidden("new passphrase of the credential store: ", "one canary")
    session.hidden("The same again: ", "two canary")
    session.child.expect_exact("The two are not the same.")
    session.hidden("new passphrase of the credential store: ", "my canary")
    session.hidden("The same again: ", "my canary")
    session.child.expect_exact("passphrase: without the passphrase nobody can read")
    assert session.end() == 0
    session = terminal("credentials", "show", prod)
    session.hidden("passphrase of the credential store: ", "no canary")
    assert session.end() == 8
    session = terminal("get", "prod/db/main#user")
    session.press("passphrase of the credential store: ", "d")
    assert session.end() == 4
    assert "canary" not in session.shown
    nobody = unvault("credentials", "show", prod)
    assert nobody.code == 8
    assert "UNVAULT_PASSPHRASE" in nobody.err
    assert unvault("credentials", "list").code == 0
    monkeypatch.setenv("UNVAULT_PASSPHRASE", "my canary")
    assert unvault("get", "prod/db/main#user").text == "app"


def test_a_line_end_on_a_terminal_only(terminal: Terminal, unvault: Unvault) -> None:
    unvault("local", "set", "x", stdin=b"hunter2")
    session = terminal("get", "local/x")
    assert session.end() == 0
    assert session.shown == "hunter2\n"
    session = terminal("get", "local/x", "--output", "bytes")
    assert session.end() == 0
    assert session.shown == "hunter2"


def test_tables_and_documents_on_a_terminal(terminal: Terminal, unvault: Unvault) -> None:
    session = terminal("providers", NO_COLOR="1")
    assert session.end() == 0
    assert "acme-provider" in session.shown
    session = terminal("cache", "show", "--json")
    assert session.end() == 0
    assert session.shown.startswith('{\n  "schema": "unvault.cache/1",\n')
    assert json.loads(session.shown)["minutes"] == 30


def test_render_does_not_wait_for_a_person(terminal: Terminal) -> None:
    session = terminal("render")
    assert session.end() == 2
    assert "name a file, or pipe a text in" in session.shown


def test_a_question_while_the_output_is_piped(
    terminal: Terminal, unvault: Unvault, site: Site, tmp_path: Path
) -> None:
    asking = GOOD.replace(
        'def authenticate(credential):\n    return Session(client="a client")',
        "def authenticate(credential, interaction):\n"
        '    interaction.tell("Look \\x1b[31mthere")\n'
        '    opened = interaction.open_page("https://acme.test/code")\n'
        '    name = interaction.ask("Your name")\n'
        '    code = interaction.ask("Code", hidden=True)\n'
        "    return Session(client=(name, code, opened))",
    ).replace('f"value of {request.path}"', "repr(session.client)")
    site.provider("asking", asking)
    line = f"{sys.executable} -m unvault_cli get asking/x > {tmp_path / 'out'}"
    session = terminal(line=line, DISPLAY="", WAYLAND_DISPLAY="", BROWSER="")
    session.child.expect_exact("Look \\x1b[31mthere")
    session.child.expect_exact("Open this page: https://acme.test/code")
    session.answer("Your name: ", "Ada")
    session.hidden("Code: ", "canary")
    assert session.end() == 0
    assert "canary" not in session.shown
    assert (tmp_path / "out").read_text() == "('Ada', 'canary', False)"
    nobody = unvault("get", "asking/x")
    assert nobody.code == 7  # this one does not ask whether somebody is there


NEEDS_A_PERSON = """
from unvault.errors import InteractionRequired


@hookimpl
def authenticate(credential, interaction):
    where = pathlib.Path(os.environ["UNVAULT_HOME"]) / "signed-in"
    if not where.exists():
        if interaction is None:
            raise InteractionRequired(
                "a person has to sign in", hint="unvault credentials login asking"
            )
        interaction.tell("The code is ABCD")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(interaction.ask("Done"))
    return Session(client=None, identity=f"a person who said {where.read_text()}")
"""


def test_a_person_signs_in_once_and_commands_without_one_go_on_with_it(
    terminal: Terminal, unvault: Unvault, site: Site
) -> None:
    lines = GOOD.partition("@hookimpl\ndef authenticate")
    rest = lines[2].partition("@hookimpl")[2]
    site.provider("asking", f"import os, pathlib\n{lines[0]}{NEEDS_A_PERSON}\n\n@hookimpl{rest}")
    failed = unvault("credentials", "login", "asking")
    assert failed.code == 4
    assert "[interaction-required]" in failed.err
    hint = "run it on a terminal, where somebody can answer: unvault credentials login asking"
    assert f"hint: {hint}" in failed.err
    assert "hint: unvault credentials login asking" in unvault("get", "asking/x").err

    session = terminal("credentials", "login", "asking")
    session.child.expect_exact("The code is ABCD")
    session.answer("Done: ", "yes")
    assert session.end() == 0
    assert "signed in to asking as a person who said yes" in session.shown

    document = unvault("credentials", "login", "asking", "--json").json
    assert document["schema"] == "unvault.sign-in/1"
    assert document["identity"] == "a person who said yes"


def test_input_that_is_no_terminal_is_not_asked(unvault: Unvault, home: Path) -> None:
    command = [sys.executable, "-m", "unvault_cli", "credentials", "add"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert not home.exists()
