"""The vault itself: versions, sealing, and what its errors say."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unvault.errors import (
    InvalidName,
    InvalidSetting,
    SecretDeleted,
    SecretNotFound,
    StoreLocked,
    StoreUnreadable,
    UsageError,
    VersionNotFound,
)
from unvault.protection import KeyFile, Passphrase
from unvault.secret import Secret
from unvault.suggestions import nearest
from unvault_local.limits import LARGEST_VALUE, LONGEST_NAME
from unvault_local.vault import Imported, LocalVault

CANARY = b"hunter2-and-nobody-may-see-it"

NAMES = (
    st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1)
    .map(str.strip)
    .filter(lambda name: name and name.isprintable())
)


@pytest.fixture
def vault(tmp_path):
    return LocalVault(tmp_path / "data" / "local.db", [KeyFile(tmp_path / "config" / "key")])


def change(vault, statement, *values):
    with closing(sqlite3.connect(vault.path)) as connection, connection:
        connection.execute(statement, values)


class TestVersions:
    def test_each_set_makes_the_next_version(self, vault):
        assert [vault.set("db/main", value) for value in (b"one", b"two", b"two")] == [1, 2, 3]
        assert vault.get("db/main").reveal() == b"two"
        assert vault.get("db/main", 1).reveal() == b"one"

    def test_a_secret_tells_its_version_time_and_type(self, vault):
        before = datetime.now(UTC).replace(microsecond=0)
        vault.set("db/main", b'{"password": "x"}')
        secret = vault.get("db/main")
        assert (secret.version, secret.content_type) == ("1", "application/json")
        assert secret.created is not None
        assert before <= secret.created <= datetime.now(UTC)

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (b"", "text/plain"),
            (b"hunter2", "text/plain"),
            (b"42", "text/plain"),
            (b"{% raw %}", "text/plain"),
            (b'{"limit": NaN}', "text/plain"),
            (b"[" * 100_000, "text/plain"),
            (b' {"a": [1.10]}\n', "application/json"),
            (b"[]", "application/json"),
            (b"\xff\x00", "application/octet-stream"),
        ],
    )
    def test_the_content_type_is_determined_when_it_is_stored(self, vault, value, kind):
        vault.set("x", value)
        assert vault.get("x").content_type == kind
        assert vault.get("x").reveal() == value

    def test_a_version_that_never_was(self, vault):
        vault.set("db/main", b"one")
        vault.set("db/main", b"two")
        for number in (0, -1, 3, 10**30):
            with pytest.raises(VersionNotFound, match="the versions there are: 2, 1") as raised:
                vault.get("db/main", number)
            assert raised.value.candidates == ("2", "1")

    def test_a_removed_version_is_known_as_removed_and_its_number_stays_taken(self, vault):
        vault.set("db/main", b"one")
        vault.set("db/main", b"two")
        vault.remove("db/main", 2)
        with pytest.raises(SecretDeleted, match=r"version 2 .* is removed; .*: 1"):
            vault.get("db/main", 2)
        assert vault.get("db/main").reveal() == b"one"
        assert vault.set("db/main", b"three") == 3
        assert [info.note for info in vault.versions("db/main")] == [None, "removed", None]

    def test_all_versions_removed_one_by_one(self, vault):
        vault.set("db/main", b"one")
        vault.remove("db/main", 1)
        with pytest.raises(SecretDeleted, match="every version"):
            vault.get("db/main")
        with pytest.raises(SecretDeleted):
            vault.remove("db/main", 1)
        (info,) = vault.browse()
        assert (info.path, info.version, info.note) == ("db/main", None, "removed")
        assert vault.set("db/main", b"two") == 2

    def test_a_secret_removed_as_a_whole_is_forgotten(self, vault):
        vault.set("db/main", b"one")
        vault.set("db/main", b"two")
        vault.remove("db/main")
        with pytest.raises(SecretNotFound) as raised:
            vault.versions("db/main")
        assert type(raised.value) is SecretNotFound
        assert vault.browse() == []
        assert vault.set("db/main", b"three") == 1

    def test_removing_what_is_not_there(self, vault):
        with pytest.raises(SecretNotFound):
            vault.remove("db/main")
        assert not vault.path.exists()
        vault.set("db/main", b"one")
        with pytest.raises(SecretNotFound, match="db/mian"):
            vault.remove("db/mian")
        with pytest.raises(VersionNotFound):
            vault.remove("db/main", 7)
        assert vault.get("db/main").reveal() == b"one"

    def test_a_removed_value_is_gone_from_the_file(self, vault):
        vault.set("db/main", b"one")
        with closing(sqlite3.connect(vault.path)) as connection:
            (sealed,) = connection.execute("SELECT value FROM version").fetchone()
        assert sealed in vault.path.read_bytes()
        vault.remove("db/main", 1)
        assert sealed not in vault.path.read_bytes()


class TestBrowsing:
    def test_by_name_each_as_its_newest_version(self, vault):
        for name in ("web/b", "db/main", "web/a", "web/a"):
            vault.set(name, b"x")
        vault.set("web/b", b"[]")
        vault.set("web/b", b"gone")
        vault.remove("web/b", 3)
        found = [(info.path, info.version, info.content_type) for info in vault.browse("web/")]
        assert found == [("web/a", "2", "text/plain"), ("web/b", "2", "application/json")]
        assert [info.path for info in vault.browse()] == ["db/main", "web/a", "web/b"]

    def test_a_prefix_is_no_pattern(self, vault):
        vault.set("a_c", b"x")
        vault.set("abc", b"x")
        assert [info.path for info in vault.browse("a_")] == ["a_c"]
        assert vault.browse("%") == []
        assert vault.browse("\ud800") == []

    def test_a_vault_never_written_to(self, vault):
        assert vault.browse() == []
        vault.unlock()
        with pytest.raises(SecretNotFound) as raised:
            vault.get("db/main")
        assert raised.value.hint == "store it: unvault local set db/main"
        assert not vault.path.parent.exists()


class TestMissing:
    def test_near_names_are_listed(self, vault):
        for name in ("db/main", "db/replica", "mail"):
            vault.set(name, CANARY)
        with pytest.raises(SecretNotFound, match=r"db/mian.*near names are: db/main") as raised:
            vault.get("db/mian")
        assert raised.value.candidates[0] == "db/main"
        assert "mail" not in raised.value.candidates

    def test_the_hint_is_a_command_that_can_be_pasted(self, tmp_path):
        vault = LocalVault(None, command="unvault local --credential mine")
        with pytest.raises(SecretNotFound) as raised:
            vault.get("it's here")
        assert raised.value.hint == (
            """store it: unvault local --credential mine set 'it'"'"'s here'"""
        )

    @pytest.mark.parametrize("name", ["\ud800", "a\0b", "", " ", "x" * 5000])
    def test_a_name_nothing_can_have(self, vault, name):
        vault.set("db/main", b"x")
        with pytest.raises(SecretNotFound):
            vault.get(name)


class TestLimits:
    @pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "a\tb", "a\0b", "\u00a0", "\ud800"])
    def test_names_that_are_refused(self, vault, name):
        with pytest.raises(InvalidName, match="a secret cannot be called"):
            vault.set(name, b"x")
        with pytest.raises(InvalidName):
            vault.import_all({"good": b"x", name: b"x"})
        assert vault.browse() == []

    def test_the_longest_name(self, vault):
        vault.set("é" * LONGEST_NAME, b"x")
        with pytest.raises(InvalidName, match=f"longer than {LONGEST_NAME}") as raised:
            vault.set("é" * (LONGEST_NAME + 1), b"x")
        assert len(raised.value.message) < 200

    def test_the_largest_value(self, vault):
        vault.set("big", b"\xff" * LARGEST_VALUE)
        assert len(vault.get("big").reveal()) == LARGEST_VALUE
        with pytest.raises(UsageError, match="too large"):
            vault.set("big", b"\xff" * (LARGEST_VALUE + 1))
        assert len(vault.versions("big")) == 1


class TestImporting:
    def test_counts(self, vault):
        vault.set("same", b"x")
        vault.set("other", b"x")
        vault.set("gone", b"x")
        vault.remove("gone", 1)
        done = vault.import_all({"same": b"x", "other": b"y", "new": b"z", "gone": b"x"})
        assert done == Imported(new=2, changed=1, unchanged=1)
        assert [len(vault.versions(name)) for name in ("same", "other", "gone")] == [1, 2, 2]

    def test_only_the_newest_value_counts_as_the_same(self, vault):
        vault.set("x", b"old")
        vault.set("x", b"new")
        assert vault.import_all({"x": b"old"}) == Imported(new=0, changed=1, unchanged=0)

    def test_all_or_nothing(self, vault):
        vault.set("damaged", b"x")
        change(vault, "UPDATE version SET value = x'00'")
        with pytest.raises(StoreUnreadable):
            vault.import_all({"first": b"1", "damaged": b"2"})
        assert [info.path for info in vault.browse()] == ["damaged"]

    def test_nothing_to_import_writes_nothing(self, vault):
        assert vault.import_all({}) == Imported(0, 0, 0)
        assert not vault.path.exists()


class TestSealing:
    def test_no_value_is_in_the_file(self, vault):
        vault.set("db/main", CANARY)
        assert CANARY not in vault.path.read_bytes()
        assert b"db/main" in vault.path.read_bytes()  # names are in the clear: SECURITY.md says so

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE version SET name = 'taken' WHERE name = 'db/main' AND number = 2",
            "UPDATE version SET number = 7 WHERE name = 'db/main' AND number = 2",
            "UPDATE version SET created = '1999-01-01T00:00:00+00:00'",
            "UPDATE version SET content_type = 'text/html'",
            "UPDATE version SET value = (SELECT value FROM version WHERE name = 'other')",
            "UPDATE version SET value = (SELECT value FROM version WHERE number = 1)",
            "UPDATE version SET value = x''",
            "UPDATE version SET value = zeroblob(64)",
        ],
    )
    def test_a_row_that_was_moved_or_changed_does_not_open(self, vault, told, statement):
        vault.set("db/main", CANARY)
        vault.set("db/main", CANARY[::-1])
        vault.set("other", b"other")
        change(vault, statement)
        name = "taken" if "taken" in statement else "db/main"
        with pytest.raises(StoreUnreadable, match="changed or moved") as raised:
            vault.get(name)
        assert CANARY.decode() not in told(raised.value)

    def test_one_damaged_value_does_not_harm_the_others(self, vault):
        vault.set("bad", b"x")
        vault.set("good", b"y")
        change(vault, "UPDATE version SET value = x'00' WHERE name = 'bad'")
        bad, good, missing = vault.get_many([("bad", None), ("good", None), ("none", None)])
        assert isinstance(bad, StoreUnreadable)
        assert isinstance(good, Secret)
        assert isinstance(missing, SecretNotFound)

    def test_another_vaults_rows_do_not_open(self, vault, tmp_path):
        other = LocalVault(tmp_path / "other.db", [KeyFile(tmp_path / "config" / "key")])
        vault.set("x", b"mine")
        other.set("x", b"theirs")
        with closing(sqlite3.connect(other.path)) as connection:
            (sealed,) = connection.execute("SELECT value FROM version").fetchone()
        change(vault, "UPDATE version SET value = ?", sealed)
        with pytest.raises(StoreUnreadable):
            vault.get("x")

    @pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"not a database at all" * 99])
    def test_a_file_that_is_no_vault(self, vault, content):
        vault.path.parent.mkdir()
        vault.path.write_bytes(content)
        for act in (vault.unlock, vault.browse, lambda: vault.set("x", b"y")):
            with pytest.raises(StoreUnreadable):
                act()
        assert vault.path.read_bytes() == content

    def test_a_credential_store_is_no_vault(self, vault):
        from unvault.sqlite_store import SqliteStore

        SqliteStore(vault.path, [KeyFile(vault.path.parent / "key")]).change_setting("a", 1)
        with pytest.raises(StoreUnreadable, match="not a local vault"):
            vault.unlock()

    @pytest.mark.skipif(sys.platform == "win32", reason="the folder's access list decides there")
    def test_only_the_owner_can_read_the_files(self, vault, tmp_path):
        vault.set("x", b"y")
        for path in (vault.path, tmp_path / "config" / "key"):
            assert path.stat().st_mode & 0o077 == 0

    def test_no_error_says_a_value(self, vault, told):
        vault.set("db/main", CANARY)
        vault.set("db/main", CANARY + b"2")
        vault.remove("db/main", 1)
        attempts = [
            lambda: vault.get("db/mian"),
            lambda: vault.get("db/main", 1),
            lambda: vault.get("db/main", 9),
            lambda: vault.set("", CANARY),
            lambda: vault.set("big", CANARY * 50_000),
            lambda: vault.import_all({"a": CANARY, " b": CANARY}),
            lambda: vault.remove("db/main", 9),
            lambda: vault.get("db/main").json(),
        ]
        for attempt in attempts:
            with pytest.raises(Exception) as raised:  # noqa: PT011  # any error, whatever it is
                attempt()
            assert CANARY.decode() not in told(raised.value)


class TestProtection:
    def passphrases(self, *answers):
        asked = iter(answers)
        return Passphrase(lambda what: next(asked), cost=2**10)

    def test_a_passphrase_and_back_to_the_key_file(self, vault, tmp_path):
        key = KeyFile(tmp_path / "config" / "key")
        vault = LocalVault(vault.path, [key, self.passphrases("horse")])
        vault.set("x", b"y")
        assert vault.protection().name == "key-file"
        vault.protect("passphrase")
        assert vault.protection().name == "passphrase"

        wrong = LocalVault(vault.path, [key, self.passphrases("mule")])
        with pytest.raises(StoreLocked, match="the passphrase does not open"):
            wrong.unlock()
        right = LocalVault(vault.path, [key, self.passphrases("horse")])
        assert right.get("x").reveal() == b"y"
        right.protect("key-file")
        assert LocalVault(vault.path, [key]).get("x").reveal() == b"y"

    def test_the_passphrase_is_asked_for_once(self, vault):
        LocalVault(vault.path, [self.passphrases("horse")]).set("x", b"y")
        once = LocalVault(vault.path, [self.passphrases("horse")])
        once.unlock()
        once.set("x", b"z")
        assert once.get("x").reveal() == b"z"

    def test_closing_forgets_the_key(self, vault):
        LocalVault(vault.path, [self.passphrases("horse")]).set("x", b"y")
        closed = LocalVault(vault.path, [self.passphrases("horse", "mule")])
        closed.unlock()
        closed.close()
        with pytest.raises(StoreLocked):
            closed.get("x")

    def test_closing_keeps_a_vault_in_memory(self):
        vault = LocalVault(None)
        vault.set("x", b"y")
        vault.close()
        assert vault.get("x").reveal() == b"y"

    def test_browsing_needs_no_key(self, vault, tmp_path):
        vault.set("x", b"y")
        (tmp_path / "config" / "key").unlink()
        stranger = LocalVault(vault.path, [KeyFile(tmp_path / "config" / "key")])
        assert [info.path for info in stranger.browse()] == ["x"]
        with pytest.raises(StoreLocked, match="missing"):
            stranger.get("x")

    def test_an_unknown_protection(self, vault):
        with pytest.raises(InvalidSetting, match="wishes"):
            vault.protect("wishes")


class TestTogether:
    def test_two_processes_write_at_once(self, vault, tmp_path):
        program = (
            "import sys; from pathlib import Path; from unvault.protection import KeyFile;"
            "from unvault_local.vault import LocalVault;"
            "vault = LocalVault(Path(sys.argv[1]), [KeyFile(Path(sys.argv[2]))]);"
            "sys.stdin.read();"
            "[vault.set('shared', f'{sys.argv[3]}-{n}'.encode()) for n in range(20)];"
            "vault.import_all({f'{sys.argv[3]}/{n}': b'x' for n in range(20)})"
        )
        command = [sys.executable, "-c", program, str(vault.path), str(tmp_path / "config" / "key")]
        running = [
            subprocess.Popen([*command, who], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            for who in ("one", "two")
        ]
        for process in running:
            process.stdin.close()  # the start: both have imported by then, or soon will have
        for process in running:
            error = process.stderr.read()
            process.stderr.close()
            assert process.wait(60) == 0, error.decode()
        numbers = range(1, 41)
        assert [int(info.version) for info in vault.versions("shared")] == list(numbers)
        values = {vault.get("shared", number).text() for number in numbers}
        assert values == {f"{who}-{n}" for who in ("one", "two") for n in range(20)}
        assert len(vault.browse("one/")) == len(vault.browse("two/")) == 20

    @pytest.mark.parametrize("in_memory", [True, False])
    def test_threads_share_a_vault(self, vault, in_memory):
        shared = LocalVault(None) if in_memory else vault
        shared.set("x", b"0")
        wrong = []

        def work():
            try:
                for _ in range(10):
                    shared.set("x", b"1")
                    assert shared.get("x").reveal() == b"1" or shared.get("x").version == "1"
            except BaseException as error:  # noqa: BLE001  # told to the test below
                wrong.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        assert len(shared.versions("x")) == 41


class TestRoundTrip:
    @settings(deadline=None, database=None, max_examples=50)
    @given(st.dictionaries(NAMES, st.binary(max_size=200) | st.text().map(str.encode), min_size=1))
    def test_names_and_values(self, secrets):
        vault = LocalVault(None)
        for name, value in secrets.items():
            vault.set(name, value)
        assert {info.path: vault.get(info.path).reveal() for info in vault.browse()} == secrets
        assert vault.import_all(secrets).unchanged == len(secrets)

    def test_every_printable_character(self, vault):
        printable = [chr(code) for code in range(sys.maxunicode) if chr(code).isprintable()]
        starts = range(0, len(printable), 1000)
        names = ["".join(printable[at : at + 1000]).strip() for at in starts]
        vault.import_all({name: name.encode() for name in names})
        assert {info.path for info in vault.browse()} == set(names)
        assert all(vault.get(name).text() == name for name in names)

    @pytest.mark.parametrize("value", [b"", b"\0", bytes(range(256)) * 256, b"a" * 65536])
    def test_sizes(self, vault, value):
        vault.set("x", value)
        assert vault.get("x").reveal() == value


class TestForgedFiles:
    def forge(self, vault, statement, *values):
        """Change what the table's own rules would refuse."""
        with closing(sqlite3.connect(vault.path)) as connection, connection:
            (table,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'version'")
            connection.execute("PRAGMA writable_schema = ON")
            schema = "UPDATE sqlite_master SET sql = ? WHERE name = 'version'"
            connection.execute(schema, (table[0].removesuffix(" STRICT"),))
            connection.commit()
        with closing(sqlite3.connect(vault.path)) as connection, connection:
            connection.execute(statement, values)
            connection.commit()
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(schema, table)

    def test_a_time_that_is_none(self, vault):
        vault.set("x", CANARY)
        change(vault, "UPDATE version SET created = ?", "yesterday")
        for look in (vault.browse, lambda: vault.versions("x"), lambda: vault.get("x")):
            with pytest.raises(StoreUnreadable) as caught:
                look()
            assert "yesterday" not in caught.value.message

    @pytest.mark.parametrize("value", ["text", "", 7])
    def test_a_value_of_another_type(self, vault, value):
        vault.set("x", CANARY)
        self.forge(vault, "UPDATE version SET value = ?", value)
        with pytest.raises(StoreUnreadable):
            vault.get("x")
        (outcome,) = vault.get_many([("x", None)])
        assert isinstance(outcome, StoreUnreadable)

    @pytest.mark.parametrize("column", ["name", "created", "content_type"])
    def test_bytes_in_place_of_text(self, vault, column):
        vault.set("x", CANARY)
        self.forge(vault, f"UPDATE version SET {column} = ?", b"x")  # noqa: S608  # as above
        with pytest.raises(StoreUnreadable):
            vault.browse()

    def test_bytes_for_a_name_when_near_names_are_looked_for(self, vault):
        vault.set("x", CANARY)
        vault.set("y", CANARY)
        self.forge(vault, "UPDATE version SET name = ? WHERE name = 'x'", b"x")
        for look in (
            lambda: vault.versions("x"),
            lambda: vault.get("x"),
            lambda: vault.remove("x"),
        ):
            with pytest.raises(StoreUnreadable, match="is damaged"):
                look()

    @pytest.mark.parametrize(
        ("column", "value"),
        [("number", b"x"), ("number", 2**63 - 1), ("value", "text"), ("created", b"x")],
    )
    def test_it_is_damage_too_for_what_writes(self, vault, column, value):
        vault.set("x", CANARY)
        self.forge(vault, f"UPDATE version SET {column} = ?", value)  # noqa: S608  # as above
        before = vault.path.read_bytes()
        with pytest.raises(StoreUnreadable) as caught:
            vault.import_all({"x": CANARY, "y": CANARY})
        assert str(vault.path) in caught.value.message
        if column == "number":
            with pytest.raises(StoreUnreadable, match="is damaged"):
                vault.set("x", CANARY)
        assert vault.path.read_bytes() == before

    def test_what_is_no_text(self, vault):
        vault.set("x", CANARY)
        change(vault, "UPDATE version SET content_type = CAST(x'ff' AS TEXT)")
        with pytest.raises(StoreUnreadable, match="is damaged"):
            vault.browse()

    def test_a_trigger(self, vault):
        vault.set("x", CANARY)
        change(
            vault,
            "CREATE TRIGGER spy AFTER INSERT ON version BEGIN DELETE FROM version; END",
        )
        with pytest.raises(StoreUnreadable, match="is damaged"):
            vault.set("y", CANARY)


class TestManyMisses:
    def test_only_the_first_few_are_told_near_names(self, vault, monkeypatch):
        asked = []

        def counted(name, known):
            known = [*known]
            if known:
                asked.append(name)
            return nearest(name, known)

        monkeypatch.setattr("unvault_local.vault.nearest", counted)
        vault.import_all({f"db/{number}": b"x" for number in range(20)})
        outcomes = vault.get_many([(f"db/x{number}", None) for number in range(60)])
        assert all(isinstance(each, SecretNotFound) for each in outcomes)
        assert asked == ["db/x0", "db/x1", "db/x2"]
        assert [bool(each.candidates) for each in outcomes[:4]] == [True, True, True, False]

    def test_what_is_there_does_not_count(self, vault):
        vault.set("db/main", b"x")
        wanted = [("db/main", None)] * 10 + [("db/mian", None)]
        assert vault.get_many(wanted)[-1].candidates == ("db/main",)
