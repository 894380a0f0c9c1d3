"""``unvault local``, with a real `Unvault` behind it."""

import getpass
import io
import json
import os
import sqlite3
import sys
import warnings
from functools import partial

import pytest
from click.testing import CliRunner

from unvault.client import Unvault
from unvault.errors import (
    InteractionRequired,
    InvalidName,
    SecretDeleted,
    SecretNotFound,
    StoreLocked,
    UsageError,
    VersionNotFound,
)
from unvault.protection import Passphrase
from unvault_local import commands, plugin

CANARY = "hunter2-and-nobody-may-see-it"


class Command:
    """Runs ``unvault local`` in this process."""

    def __init__(self, **options):
        self.options = options

    def __call__(self, *arguments, input=None, fails=None):
        with Unvault(plugins={"local": plugin}, discover=False, **self.options) as unvault:
            result = CliRunner().invoke(commands.local, arguments, input=input, obj=unvault)
        if fails is None:
            assert result.exception is None, result.output
        else:
            assert isinstance(result.exception, fails)
        return result

    def json(self, *arguments, input=None):
        return json.loads(self(*arguments, "--json", input=input).stdout)

    def fetch(self, reference):
        with Unvault(plugins={"local": plugin}, discover=False, **self.options) as unvault:
            return unvault.fetch(reference).reveal()


@pytest.fixture
def run(home):
    return Command()


class TestSet:
    @pytest.mark.parametrize(
        "value", [b"hunter2", b"", b"\0\xff\r\n\x1a", b"a" * 65536, b" x \n\n"]
    )
    def test_what_is_piped_is_stored_byte_for_byte(self, run, value):
        result = run("set", "db/main", input=value)
        assert run.fetch("local/db/main") == value
        assert result.stdout == ""
        assert "stored version 1 of db/main" in result.stderr

    def test_a_file(self, run, home):
        (home / "value").write_bytes(b"\xffvalue")
        run("set", "db/main", "--file", str(home / "value"), input="not this")
        assert run.fetch("local/db/main") == b"\xffvalue"

    @pytest.mark.parametrize(
        ("value", "noted"),
        [
            (b"x\n", "line end"),
            (b"x\r\n", "line end"),
            (b"\n", "line end"),
            (b"", "empty"),
            (b"x", None),
            (b"several\nlines\n", None),
        ],
    )
    def test_a_likely_mistake_is_noted(self, run, value, noted):
        told = run("set", "x", input=value).stderr
        assert (noted in told) if noted else ("note" not in told)

    @pytest.mark.parametrize(
        ("value", "stored"), [(b"x\n", b"x"), (b"x\r\n", b"x"), (b"x\n\n", b"x\n"), (b"x", b"x")]
    )
    def test_strip_takes_one_line_end_off(self, run, value, stored):
        run("set", "x", "--strip", input=value)
        assert run.fetch("local/x") == stored

    def test_json(self, run):
        run("set", "x", input="1")
        told = run.json("set", "x", input="2")
        assert told == {"schema": "unvault.local.set/1", "name": "x", "version": 2}

    def test_a_value_is_never_an_argument(self, run):
        result = run("set", "x", CANARY, fails=SystemExit)
        assert result.exit_code == 2

    def test_a_bad_name_is_refused_before_a_value_is_asked_for(self, run):
        run("set", " x", input="y", fails=InvalidName)

    def test_too_large(self, run):
        run("set", "x", input=b"x" * (2**20 + 1), fails=UsageError)

    def test_the_value_is_never_printed(self, run):
        for options in ((), ("--json",), ("--strip",)):
            result = run("set", "x", *options, input=CANARY + "\n")
            assert CANARY not in result.output

    def test_a_value_in_place_of_a_file_is_not_repeated(self, run, told):
        result = run("set", "x", "--file", CANARY, fails=UsageError)
        assert "No such file" in result.exception.message
        assert CANARY not in result.output
        assert CANARY not in str(result.exception)
        assert result.exception.__context__ is None

    def test_a_folder_is_no_file(self, run, home):
        result = run("set", "x", "--file", str(home), fails=UsageError)
        assert "directory" in result.exception.message


class TestRemove:
    def test_a_secret(self, run):
        run("set", "x", input="1")
        run("set", "x", input="2")
        assert "x and all its versions (2)" in run("remove", "x", "--yes").stderr
        run("versions", "x", fails=SecretNotFound)

    def test_a_version(self, run):
        run("set", "x", input="1")
        run("set", "x", input="2")
        told = run.json("remove", "x", "--version", "2", "--yes")
        assert told == {"schema": "unvault.local.remove/1", "name": "x", "version": 2}
        assert run.fetch("local/x") == b"1"
        run("remove", "x", "--version", "2", "--yes", fails=SecretDeleted)
        run("remove", "x", "--version", "3", "--yes", fails=VersionNotFound)

    def test_without_a_terminal_it_needs_yes(self, run):
        run("set", "x", input="1")
        result = run("remove", "x", input="y\n", fails=UsageError)
        assert result.exception.hint == "add --yes"
        assert run.fetch("local/x") == b"1"

    def test_what_is_not_there_is_said_before_anything_is_asked(self, run):
        run("remove", "x", fails=SecretNotFound)


class TestVersions:
    def test_a_table(self, run):
        run("set", "x", input="1")
        run("set", "x", input='{"a": 1}')
        run("remove", "x", "--version", "1", "--yes")
        first, second = run("versions", "x").stdout.splitlines()
        assert first == "1  removed"
        assert second.startswith("2  20")
        assert second.endswith("  application/json")

    def test_json(self, run):
        run("set", "x", input="1")
        run("set", "x", input="2")
        run("remove", "x", "--version", "1", "--yes")
        told = run.json("versions", "x")
        removed, kept = told.pop("versions")
        assert told == {"schema": "unvault.local.versions/1", "name": "x"}
        assert removed == {"version": 1, "created": None, "content_type": None, "removed": True}
        assert (kept["version"], kept["removed"]) == (2, False)


class TestImport:
    def test_json(self, run, home):
        (home / "all.json").write_text('{"a": "x", "b": {"password": "y"}}')
        run("set", "app/a", input="x")
        told = run.json("import", str(home / "all.json"), "--prefix", "app/")
        assert told == {"schema": "unvault.local.import/1", "new": 1, "changed": 0, "unchanged": 1}
        assert run.fetch("local/app/b#password") == b"y"

    @pytest.mark.parametrize("name", [".env", ".env.local", "prod.env"])
    def test_env(self, run, home, name):
        (home / name).write_text(f"A=${{HOME}}\nB='{CANARY}'\n")
        result = run("import", str(home / name))
        assert result.stderr == "2 new, 0 changed, 0 unchanged\n"
        assert CANARY not in result.output
        assert run.fetch("local/A") == b"${HOME}"

    def test_from_a_pipe(self, run):
        run("import", "-", "--format", "json", input='{"a": "x"}')
        assert run.fetch("local/a") == b"x"

    def test_the_format_has_to_be_known(self, run, home):
        (home / "all.txt").write_text("A=1")
        result = run("import", str(home / "all.txt"), fails=UsageError)
        assert result.exception.hint == "add --format json or --format env"
        run("import", str(home / "all.txt"), "--format", "env")

    def test_all_or_nothing(self, run, home, told):
        (home / "all.json").write_text(json.dumps({"good": CANARY, " bad": CANARY}))
        result = run("import", str(home / "all.json"), fails=InvalidName)
        assert CANARY not in told(result.exception)
        run("versions", "good", fails=SecretNotFound)


class TestProtect:
    def test_without_a_choice_it_shows_the_present_one(self, run):
        assert "nothing is stored yet" in run("protect").stderr
        assert run.json("protect")["protection"] is None
        run("set", "a", input="x")
        assert "protected by key-file" in run("protect").stderr
        assert run.json("protect")["protection"] == "key-file"

    def test_by_a_passphrase_and_back(self, run, monkeypatch):
        monkeypatch.setattr("unvault_local.opening.Passphrase", partial(Passphrase, cost=2**10))
        run("set", "x", input="1")
        told = run.json("protect", "passphrase", input="horse\n")
        assert told["schema"] == "unvault.local.protect/1"
        assert told["protection"] == "passphrase"
        assert "horse" not in json.dumps(told)

        run("set", "x", input="2", fails=InteractionRequired)
        Command(environ={"UNVAULT_LOCAL_PASSPHRASE": "mule"})(
            "set", "x", input="2", fails=StoreLocked
        )
        knowing = Command(environ={"UNVAULT_LOCAL_PASSPHRASE": "horse"})
        knowing("set", "x", input="2")
        knowing("protect", "passphrase", input="pony")
        knowing("set", "x", input="3", fails=StoreLocked)
        knowing = Command(environ={"UNVAULT_LOCAL_PASSPHRASE": "pony"})
        assert "key-file" in knowing("protect", "key-file").stderr
        assert run.fetch("local/x") == b"2"

    def test_by_the_keyring(self, run, monkeypatch):
        keyring = pytest.importorskip("keyring")
        held = {}
        monkeypatch.setattr(keyring, "get_password", lambda *place: held.get(place))
        monkeypatch.setattr(keyring, "set_password", lambda *row: held.update({row[:2]: row[2]}))
        run("set", "x", input="1")
        run("protect", "keyring")
        assert run.fetch("local/x") == b"1"
        held.clear()
        run("set", "x", input="2", fails=StoreLocked)

    @pytest.mark.parametrize("given", [b"", b"\n", b"caf\xe9\n"])
    def test_no_passphrase(self, run, given):
        run("set", "x", input="1")
        run("protect", "passphrase", input=given, fails=InteractionRequired)
        assert run.fetch("local/x") == b"1"


class TestCredential:
    def test_a_vault_of_its_own(self, run, home):
        with Unvault(plugins={"local": plugin}, discover=False) as unvault:
            draft = unvault.credentials.draft(
                "local", answers={"path": str(home / "team.db")}, name="team"
            )
            unvault.credentials.add(draft)
        run("--credential", "team", "set", "x", input="theirs")
        assert run.fetch("team/x") == b"theirs"
        result = run("versions", "x", fails=SecretNotFound)
        assert result.exception.hint == "store it: unvault local set x"
        result = run("--credential", "team", "versions", "y", fails=SecretNotFound)
        assert result.exception.hint == "store it: unvault local --credential team set y"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
class TestTerminal:
    PROGRAM = (
        "from unvault.client import Unvault; from unvault_local import commands, plugin;"
        "commands.local(obj=Unvault(plugins={'local': plugin}, discover=False))"
    )

    @pytest.fixture
    def spawn(self, home):
        import pexpect

        def start(*arguments):
            command = ["-c", self.PROGRAM, *arguments]
            return pexpect.spawn(
                sys.executable, command, env=dict(os.environ), encoding="utf-8", timeout=30
            )

        return start

    def finish(self, child):
        import pexpect

        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus

    def test_a_value_is_typed_twice_and_unseen(self, run, spawn):
        child = spawn("set", "x")
        child.logfile_read = seen = io.StringIO()
        for question in ("Value: ", "Repeat for confirmation: "):
            child.expect_exact(question)
            child.sendline(CANARY)
        assert self.finish(child) == 0
        assert "stored version 1 of x" in seen.getvalue()
        assert CANARY not in seen.getvalue()
        assert run.fetch("local/x") == CANARY.encode()

    def test_a_new_passphrase_is_typed_twice_and_unseen(self, run, spawn):
        child = spawn("protect", "passphrase")
        child.logfile_read = seen = io.StringIO()
        for question in ("New passphrase: ", "Repeat for confirmation: "):
            child.expect_exact(question)
            child.sendline("correct horse")
        assert self.finish(child) == 0
        assert "horse" not in seen.getvalue()
        Command(environ={"UNVAULT_LOCAL_PASSPHRASE": "correct horse"})("set", "x", input="1")

    def test_what_is_not_the_same_twice_is_asked_for_again(self, run, spawn):
        child = spawn("set", "x")
        for question, typed in (
            ("Value: ", ""),
            ("It must not be empty.", None),
            ("Value: ", "one"),
            ("Repeat for confirmation: ", "two"),
            ("The two are not the same.", None),
            ("Value: ", "one"),
            ("Repeat for confirmation: ", "one"),
        ):
            child.expect_exact(question)
            if typed is not None:
                assert child.waitnoecho(timeout=30)
                child.sendline(typed)
        assert self.finish(child) == 0
        assert run.fetch("local/x") == b"one"

    def test_what_is_not_utf8_is_asked_for_again(self, run, spawn):
        child = spawn("set", "x")
        child.logfile_read = seen = io.StringIO()
        child.expect_exact("Value: ")
        assert child.waitnoecho(timeout=30)
        os.write(child.child_fd, b"caf\xe9\n")
        child.expect_exact("That cannot be read: the terminal does not send UTF-8.")
        for question in ("Value: ", "Repeat for confirmation: "):
            child.expect_exact(question)
            assert child.waitnoecho(timeout=30)
            child.sendline("café")
        assert self.finish(child) == 0
        assert "caf" not in seen.getvalue()
        assert run.fetch("local/x") == "café".encode()

    @pytest.mark.parametrize("how", ["cannot hide", "ended"])
    def test_where_nothing_can_be_typed_unseen_nothing_is_asked(self, run, monkeypatch, how):
        def refuse(prompt):
            if how == "ended":
                raise EOFError
            warnings.warn("canary", getpass.GetPassWarning, stacklevel=2)

        monkeypatch.setattr(getpass, "getpass", refuse)
        monkeypatch.setattr(commands, "on_terminal", lambda: True)
        failed = run("set", "x", fails=InteractionRequired)
        assert how in failed.exception.message
        run("versions", "x", fails=SecretNotFound)

    def test_ctrl_c_stores_nothing(self, run, spawn, home):
        child = spawn("set", "x")
        child.expect("Value: ")
        child.sendintr()
        assert self.finish(child) == 1
        assert not (home / "data").exists()

    @pytest.mark.parametrize(("answer", "left"), [("y", False), ("n", True)])
    def test_removing_asks(self, run, spawn, answer, left):
        run("set", "x", input="1")
        child = spawn("remove", "x")
        child.expect(r"Remove x and all its versions \(1\) for good\? \[y/N\]: ")
        child.sendline(answer)
        assert self.finish(child) == (1 if left else 0)
        run("versions", "x", fails=None if left else SecretNotFound)


def test_what_is_in_the_file_cannot_command_the_terminal(run, home):
    run("set", "x", input="1")
    with sqlite3.connect(home / "data" / "local.db") as connection:
        connection.execute("UPDATE version SET content_type = ?", ("a\x1b[2J\nb\u202e",))
    told = run("versions", "x").stdout
    assert told.endswith("a\\x1b[2J\\nb\\u202e\n")
    assert told.count("\n") == 1
