from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from unvault import credential_rows, sqlite_file
from unvault.errors import CredentialNotFound, InvalidName, StoreUnreadable, UnvaultError
from unvault.model import Credential, Origin
from unvault.protection import KeyFile, Passphrase
from unvault.sealed import Layout, SealedDatabase
from unvault.sqlite_store import SqliteStore
from unvault.store import LONGEST_NAME

CANARY = "canary-0be77e"
ANSWERS = {"token": CANARY, "port": 8200, "verify": True}
Told = Callable[[BaseException], str]

printable = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=60
).filter(lambda name: name == name.strip() and name.isprintable())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "credentials.db"


@pytest.fixture
def store(path: Path) -> SqliteStore:
    return opened(path)


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path, [KeyFile(path.parent.parent / "config" / "key")])


@contextmanager
def behind_its_back(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    with connection:
        yield connection
    connection.close()


def got(store: SqliteStore, name: str) -> Credential:
    credential = store.get(name)
    assert credential is not None
    return credential


# --------------------------------------------------------------------------------- one credential


def test_what_is_added_is_there_for_the_next_process(store: SqliteStore, path: Path) -> None:
    added = store.add("prod/db", "acme", "token", ANSWERS)
    for each in (store, opened(path)):
        found = got(each, "prod/db")
        assert found == added
        assert dict(found.answers) == ANSWERS
        assert (found.provider, found.type, found.revision) == ("acme", "token", 1)
        assert found.origin is Origin.STORED
        assert dict(found.kept) == {}
        assert type(found.answers["verify"]) is bool
        assert got(each, added.id) == added


def test_nothing_there_is_no_error_and_writes_no_file(store: SqliteStore, tmp_path: Path) -> None:
    assert store.get("prod") is None
    assert store.list() == []
    assert store.settings() == {}
    assert store.protection() is None
    assert list(tmp_path.iterdir()) == []


def test_the_list_is_sorted_and_tells_everything_but_the_answers(store: SqliteStore) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=2)
    for name in ("b", "a", "c"):
        store.add(name, "acme", "token", ANSWERS)
    store.replace("b", None, {})
    rows = store.list()
    assert [row.name for row in rows] == ["a", "b", "c"]
    assert [(row.type, row.revision) for row in rows] == [("token", 1), (None, 2), ("token", 1)]
    for row in rows:
        assert begin <= row.created <= row.updated <= datetime.now(UTC)
        assert row.id == got(store, row.name).id
    assert CANARY not in repr(rows)


def test_a_list_needs_no_key(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.add("prod", "acme", "token", ANSWERS)
    store.change_setting("cache_minutes", 5)
    (tmp_path / "config" / "key").unlink()

    def nobody(what: str) -> str:
        pytest.fail(f"asked for the {what}")

    for other in (opened(path), SqliteStore(path, []), SqliteStore(path, [Passphrase(nobody)])):
        assert [row.name for row in other.list()] == ["prod"]
        assert other.settings() == {"cache_minutes": 5}


def test_answers_are_not_in_the_file(store: SqliteStore, path: Path) -> None:
    store.add("prod", "acme", "token", {"visible_field": CANARY})
    store.keep(got(store, "prod"), {"refresh": CANARY + "-kept"})
    store.rename("prod", "other")
    store.replace("other", "token", {"visible_field": CANARY * 1000})
    content = path.read_bytes()
    for trace in (CANARY, "visible_field", "refresh", CANARY.encode().hex()):
        assert trace.encode() not in content
    assert b"acme" in content


def test_an_id_never_changes_and_the_revision_grows(store: SqliteStore) -> None:
    first = store.add("prod", "acme", "token", ANSWERS)
    renamed = store.rename("prod", "live")
    replaced = store.replace("live", "token", {"token": "new"})
    signed_out = store.replace("live", None, {})
    assert {first.id, renamed.id, replaced.id, signed_out.id} == {first.id}
    assert [each.revision for each in (first, renamed, replaced, signed_out)] == [1, 2, 3, 4]
    assert store.get("prod") is None
    assert got(store, "live") == signed_out
    assert (signed_out.type, dict(signed_out.answers)) == (None, {})


def test_an_id_never_comes_again(store: SqliteStore) -> None:
    first = store.add("prod", "acme", "token", ANSWERS)
    store.remove("prod")
    second = store.add("prod", "acme", "token", ANSWERS)
    assert first.id != second.id
    assert store.get(first.id) is None


def test_an_id_does_where_a_name_does(store: SqliteStore) -> None:
    added = store.add("prod", "acme", "token", ANSWERS)
    store.rename(added.id, "live")
    store.replace(added.id, "token", {})
    assert got(store, "live").revision == 3
    store.remove(added.id)
    assert store.list() == []


def test_a_name_goes_before_an_id(store: SqliteStore) -> None:
    first = store.add("prod", "acme", "token", {"token": "first"})
    second = store.add(first.id, "acme", "token", {"token": "second"})
    assert got(store, first.id) == second
    assert got(store, "prod") == first


def test_removing_one_leaves_the_others(store: SqliteStore) -> None:
    for name in "abc":
        store.add(name, "acme", "token", {"token": name})
    store.remove("b")
    assert [row.name for row in store.list()] == ["a", "c"]
    assert dict(got(store, "c").answers) == {"token": "c"}


def test_what_is_removed_is_nowhere_in_the_file(store: SqliteStore, path: Path) -> None:
    store.add("removed-name", "acme", "token", ANSWERS)
    with behind_its_back(path) as connection:
        sealed = connection.execute("SELECT answers FROM credential").fetchone()[0]
    assert sealed in path.read_bytes()
    store.remove("removed-name")
    content = path.read_bytes()
    assert sealed[:16] not in content
    assert b"removed-name" not in content


# ------------------------------------------------------------------------------------ keeping on


def test_what_a_sign_in_renewed_is_kept(store: SqliteStore, path: Path) -> None:
    added = store.add("prod", "acme", "token", ANSWERS)
    store.keep(added, {"refresh": "1"})
    store.keep(added, {"refresh": "2"})
    found = got(opened(path), "prod")
    assert dict(found.kept) == {"refresh": "2"}
    assert (dict(found.answers), found.revision) == (ANSWERS, 1)


def test_but_not_after_a_change(store: SqliteStore) -> None:
    added = store.add("prod", "acme", "token", ANSWERS)
    store.keep(added, {"refresh": "early"})
    store.replace("prod", "token", {"token": "another account"})
    store.keep(added, {"refresh": "late"})
    assert dict(got(store, "prod").kept) == {}
    store.rename("prod", "live")
    store.keep(added, {"refresh": "later"})
    assert dict(got(store, "live").kept) == {}


def test_renaming_keeps_what_was_kept(store: SqliteStore) -> None:
    store.keep(store.add("prod", "acme", "token", ANSWERS), {"refresh": "1"})
    assert dict(store.rename("prod", "live").kept) == {"refresh": "1"}


def test_what_is_kept_never_goes_to_another_credential(store: SqliteStore) -> None:
    """Neither to one that took the name, nor to one that is called like the id."""
    gone = store.add("prod", "acme", "token", ANSWERS)
    store.remove("prod")
    store.add("prod", "acme", "token", {"token": "other"})
    store.add(gone.id, "acme", "token", {"token": "third"})
    store.keep(gone, {"refresh": CANARY})
    assert [dict(got(store, row.name).kept) for row in store.list()] == [{}, {}]


# ----------------------------------------------------------------------------------------- names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(printable)
@example('it\'s "quoted" %_\\;--')
@example("名" * LONGEST_NAME)
@example("a/b?c#d=e&f")
def test_any_printable_name_will_do(store: SqliteStore, name: str) -> None:
    added = store.add(name, "acme", "token", {"name": name})
    assert got(store, name) == added
    assert [row.name for row in store.list()] == [name]
    store.remove(name)
    assert store.get(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        (" prod", "white space around it"),
        ("prod ", "white space around it"),
        ("prod\n", "white space around it"),
        ("a\nb", "cannot be printed"),
        ("a\x00b", "cannot be printed"),
        ("a\x1b[31mb", "cannot be printed"),
        ("a\u202eb", "cannot be printed"),
        ("a\ud800", "cannot be printed"),
        ("n" * 256, "is longer than 255"),
    ],
)
def test_a_name_that_does_not_do_is_refused_and_writes_no_file(
    name: str, why: str, store: SqliteStore, tmp_path: Path
) -> None:
    with pytest.raises(InvalidName, match=why):
        store.add(name, "acme", "token", ANSWERS)
    assert list(tmp_path.iterdir()) == []
    store.add("prod", "acme", "token", ANSWERS)
    with pytest.raises(InvalidName, match=why):
        store.rename("prod", name)
    assert [row.name for row in store.list()] == ["prod"]


def test_a_name_that_is_taken_is_refused_and_nothing_changes(
    store: SqliteStore, told: Told
) -> None:
    store.add("prod", "acme", "token", {"token": "first"})
    store.add("test", "acme", "token", {"token": "second"})
    for use in (
        lambda: store.add("prod", "acme", "token", ANSWERS),
        lambda: store.rename("test", "prod"),
    ):
        with pytest.raises(InvalidName, match="called 'prod' already") as caught:
            use()
        assert caught.value.credential == "prod"
        assert CANARY not in told(caught.value)
    assert dict(got(store, "prod").answers) == {"token": "first"}
    assert got(store, "test").revision == 1


def test_a_credential_may_be_renamed_to_its_own_name(store: SqliteStore) -> None:
    store.add("prod", "acme", "token", ANSWERS)
    assert dict(store.rename("prod", "prod").answers) == ANSWERS


USES: dict[str, Callable[[SqliteStore, str], object]] = {
    "replace": lambda store, name: store.replace(name, "token", ANSWERS),
    "rename": lambda store, name: store.rename(name, "new"),
    "remove": lambda store, name: store.remove(name),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_name_that_is_not_there_is_told_those_near(
    use: Callable[[SqliteStore, str], object], store: SqliteStore, told: Told
) -> None:
    for name in ("production", "prod-db", "zzz"):
        store.add(name, "acme", "token", ANSWERS)
    for name in ("prod-bd", "nothing\ud800", "é\x00", ""):
        assert store.get(name) is None
        with pytest.raises(CredentialNotFound) as caught:
            use(store, name)
        assert caught.value.candidates
        assert CANARY not in told(caught.value)
    with pytest.raises(CredentialNotFound) as caught:
        use(store, "prod-bd")
    assert caught.value.candidates[0] == "prod-db"
    assert [row.revision for row in store.list()] == [1, 1, 1]


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_looking_for_what_is_not_there_writes_no_file(
    use: Callable[[SqliteStore, str], object], store: SqliteStore, tmp_path: Path
) -> None:
    with pytest.raises(CredentialNotFound):
        use(store, "prod")
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------- answers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), st.text() | st.booleans() | st.integers(), max_size=5))
@example({"long": "x" * 65536})
@example({"wide": "😀é\x00\r\n\u2028" * 9000})
@example({"empty": ""})
@example({"half": "\ud800"})
@example({})
def test_answers_come_back_as_they_are(store: SqliteStore, answers: dict[str, Any]) -> None:
    if store.get("prod") is None:
        store.add("prod", "acme", "token", {})
    store.keep(store.replace("prod", "token", answers), answers)
    found = got(store, "prod")
    for part in (found.answers, found.kept):
        assert dict(part) == answers
        assert [type(value) for value in part.values()] == [type(v) for v in answers.values()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.booleans() | st.integers() | st.text(),
)
def test_settings_come_back_as_they_are(store: SqliteStore, name: str, value: object) -> None:
    store.change_setting(name, value)
    expected = {} if value is None else {name: value}
    assert {k: v for k, v in store.settings().items() if k == name} == expected


# -------------------------------------------------------------------------------- tampered files

MOVES = {
    "another name": "UPDATE credential SET name = 'moved' WHERE name = 'one'",
    "another's answers": "UPDATE credential SET answers ="
    " (SELECT answers FROM credential WHERE name = 'two') WHERE name = 'one'",
    "kept as answers": "UPDATE credential SET answers = kept WHERE name = 'one'",
    "answers as kept": "UPDATE credential SET kept = answers WHERE name = 'one'",
    "another provider": "UPDATE credential SET provider = 'evil' WHERE name = 'one'",
    "another type": "UPDATE credential SET type = 'evil' WHERE name = 'one'",
    "no type": "UPDATE credential SET type = NULL WHERE name = 'one'",
    "another id": "UPDATE credential SET id = 'cloudCred_x' WHERE name = 'one'",
    "another revision": "UPDATE credential SET revision = 2 WHERE name = 'one'",
    "empty": "UPDATE credential SET answers = x'' WHERE name = 'one'",
    "short": "UPDATE credential SET answers = x'00112233445566778899aabb' WHERE name = 'one'",
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_row_that_was_moved_or_changed_does_not_decrypt(
    move: str, store: SqliteStore, path: Path, told: Told
) -> None:
    for name in ("one", "two"):
        store.add(name, "acme", "token", {"token": f"{CANARY} {name}"})
    assert got(store, "one")
    with behind_its_back(path) as connection:
        assert connection.execute(move).rowcount == 1
    name = "moved" if "'moved'" in move else "one"
    with pytest.raises(StoreUnreadable, match="changed or moved") as caught:
        opened(path).get(name)
    assert caught.value.credential == name
    assert CANARY not in told(caught.value)
    assert got(store, "two")
    store.remove(name)  # the way out that the hint names


def test_an_older_revision_cannot_be_put_back_as_the_newer(store: SqliteStore, path: Path) -> None:
    store.add("one", "acme", "token", {"token": "revoked"})
    with behind_its_back(path) as connection:
        old = connection.execute("SELECT answers FROM credential").fetchone()
    store.replace("one", "token", {"token": "new"})
    with behind_its_back(path) as connection:
        connection.execute("UPDATE credential SET answers = ?", old)
    with pytest.raises(StoreUnreadable):
        store.get("one")


def test_a_row_of_another_store_does_not_decrypt(store: SqliteStore, path: Path) -> None:
    store.add("one", "acme", "token", ANSWERS)
    other = opened(path.with_name("other.db"))  # with the same key file
    other.add("two", "acme", "token", ANSWERS)
    with behind_its_back(path) as connection:
        row = connection.execute("SELECT * FROM credential").fetchone()
    with behind_its_back(path.with_name("other.db")) as connection:
        connection.execute("INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with pytest.raises(StoreUnreadable):
        other.get("one")


def test_another_kind_of_file_of_unvault_is_no_store(path: Path) -> None:
    layout = Layout("local vault", 0x12345678, ("CREATE TABLE credential (name TEXT)",))
    key_file = KeyFile(path.parent.parent / "config" / "key")
    with SealedDatabase(path, layout, [key_file]).writing():
        pass
    before = path.read_bytes()
    for use in (SqliteStore.list, lambda store: store.add("one", "acme", "token", ANSWERS)):
        with pytest.raises(StoreUnreadable, match="is not a credential store of unvault") as caught:
            use(opened(path))
        assert str(path) in caught.value.message
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE credential SET created = 'yesterday'",
        "UPDATE credential SET updated = ''",
        "UPDATE credential SET name = CAST(x'ff' AS TEXT)",
        "UPDATE setting SET value = 'not json'",
    ],
)
def test_a_damaged_listing_is_told(change: str, store: SqliteStore, path: Path) -> None:
    store.add("one", "acme", "token", ANSWERS)
    store.change_setting("cache_minutes", 5)
    with behind_its_back(path) as connection:
        connection.execute(change)
    before = path.read_bytes()
    use = SqliteStore.settings if "setting" in change else SqliteStore.list
    with pytest.raises(StoreUnreadable) as caught:
        use(opened(path))
    assert str(path) in caught.value.message
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_only_our_errors_are_raised(
    seed: int, store: SqliteStore, path: Path, told: Told
) -> None:
    for name in ("one", "two"):
        store.keep(store.add(name, "acme", "token", ANSWERS), ANSWERS)
    store.change_setting("cache_minutes", 5)
    good = path.read_bytes()
    used = [place for place, byte in enumerate(good) if byte]
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    refused = 0
    for _ in range(60):
        bad = bytearray(good)
        for place in chance.sample(used, chance.choice([1, 1, 3, 30])):
            bad[place] ^= chance.randrange(1, 256)
        path.write_bytes(bad)
        for use in (SqliteStore.list, SqliteStore.settings, lambda s: s.get("one")):
            try:
                use(opened(path))
            except UnvaultError as error:
                refused += 1
                assert CANARY not in told(error)
        assert path.read_bytes() == bad
    assert refused


# ------------------------------------------------------------------------------------ protection


def test_the_protection_is_changed_and_the_answers_stay(path: Path) -> None:
    ways = [KeyFile(path.parent.parent / "config" / "key"), Passphrase(lambda _: "x", cost=2**4)]
    store = SqliteStore(path, ways)
    store.add("prod", "acme", "token", ANSWERS)
    with behind_its_back(path) as connection:
        before = connection.execute("SELECT * FROM credential").fetchall()
        record = json.loads(connection.execute("SELECT record FROM envelope").fetchone()[0])
    store.protect("passphrase")
    with behind_its_back(path) as connection:
        assert connection.execute("SELECT * FROM credential").fetchall() == before
    assert record["wrapped"].encode() not in path.read_bytes()
    ways[0].path.unlink()  # type: ignore[union-attr]
    assert dict(got(SqliteStore(path, ways), "prod").answers) == ANSWERS


# ---------------------------------------------------------------------------------------- memory


def test_in_memory_it_does_the_same_and_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    store = SqliteStore()
    assert store.list() == []
    assert store.get("prod") is None
    added = store.add("prod", "acme", "token", ANSWERS)
    store.keep(added, {"refresh": "1"})
    assert dict(got(store, "prod").kept) == {"refresh": "1"}
    with pytest.raises(InvalidName):
        store.add("prod", "acme", "token", {})
    store.rename("prod", "live")
    store.change_setting("cache_minutes", 5)
    assert store.settings() == {"cache_minutes": 5}
    assert store.protection() is not None
    assert [row.name for row in store.list()] == ["live"]
    assert attrs.evolve(added, name="live", revision=2).id == got(store, "live").id
    assert list(tmp_path.iterdir()) == []
    assert SqliteStore().list() == []


# --------------------------------------------------------------------------------- many processes

ADD = """
import sys
from pathlib import Path
from unvault.protection import KeyFile
from unvault.sqlite_store import SqliteStore
folder, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for line in sys.stdin:
    path = folder / line.strip()
    store = SqliteStore(path, [KeyFile(path.with_suffix(".key"))])
    for n in range(times):
        store.add(f"{name}-{n}", "acme", "token", {"who": f"{name}-{n}"})
        assert store.get(f"{name}-{n}").answers["who"] == f"{name}-{n}"
    print(len(store.list()), flush=True)
"""


@contextmanager
def processes(folder: Path, number: int, times: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes that add to the store whose name they are given, all at the same time."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, str(folder), f"p{n}", str(times)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(number)
    ]
    try:
        for each in running:
            assert each.stdout
            assert each.stdout.readline() == "ready\n"
        yield running
    finally:
        ends = [each.communicate(timeout=60) for each in running]
        assert [(each.returncode, end[1]) for each, end in zip(running, ends, strict=True)] == [
            (0, "")
        ] * number


def tell(running: list[subprocess.Popen[str]], name: str) -> None:
    for each in running:
        assert each.stdin
        each.stdin.write(name + "\n")
        each.stdin.flush()


def answered(running: list[subprocess.Popen[str]]) -> list[str]:
    return [each.stdout.readline() for each in running if each.stdout]


@pytest.mark.parametrize(
    ("number", "times"), [(4, 25), pytest.param(20, 50, marks=pytest.mark.soak)]
)
def test_processes_add_at_the_same_time(number: int, times: int, tmp_path: Path) -> None:
    with processes(tmp_path, number, times) as running:
        tell(running, "one.db")
        counts = answered(running)
    assert max(map(int, counts)) == number * times
    path = tmp_path / "one.db"
    store = SqliteStore(path, [KeyFile(path.with_suffix(".key"))])
    rows = store.list()
    assert len(rows) == len({row.id for row in rows}) == number * times
    assert all(got(store, row.name).answers["who"] == row.name for row in rows)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.db", "one.key"]


def test_the_first_write_is_a_race_that_all_survive(tmp_path: Path) -> None:
    """Each of many stores is made by one of four processes, while a fifth looks on."""
    looks = 0
    with processes(tmp_path, 4, 1) as running:
        for attempt in range(12):
            path = tmp_path / f"{attempt}.db"
            store = SqliteStore(path, [KeyFile(path.with_suffix(".key"))])
            tell(running, path.name)
            while len(store.list()) < 4:
                looks += path.exists()
                assert all(each.poll() is None for each in running)
            assert {got(store, row.name).answers["who"] for row in store.list()} == {
                f"p{n}-0" for n in range(4)
            }
            answered(running)
    assert looks
    assert len(list(tmp_path.iterdir())) == 24


# -------------------------------------------------------------------------------- forged files


@pytest.mark.parametrize("look", ["list", "find", "get", "replace"])
def test_signed_out_is_no_type_without_a_name(look: str, store: SqliteStore, path: Path) -> None:
    """Whoever can write the file can turn the one into the other, and must be noticed."""
    store.add("prod", "acme", "token", ANSWERS)
    store.replace("prod", None, {})
    with behind_its_back(path) as connection:
        connection.execute("UPDATE credential SET type = ''")
    uses: dict[str, Callable[[], object]] = {
        "list": store.list,
        "find": lambda: store.find("prod"),
        "get": lambda: store.get("prod"),
        "replace": lambda: store.replace("prod", "token", ANSWERS),
    }
    with pytest.raises(StoreUnreadable):
        uses[look]()


def test_being_signed_out_and_every_type_are_bound_differently() -> None:
    credential = Credential(provider="acme", name="prod", id="id", revision=1)
    places = {
        credential_rows.place(attrs.evolve(credential, type=kind)) for kind in (None, "", "token")
    }
    assert len(places) == 3


def test_a_setting_that_is_nested_without_end_is_damage(store: SqliteStore, path: Path) -> None:
    store.change_setting("cache_minutes", 5)
    with behind_its_back(path) as connection:
        connection.execute("UPDATE setting SET value = ?", ("[" * 200_000,))
    with pytest.raises(StoreUnreadable, match="is damaged"):
        store.settings()


def test_the_name_in_the_hint_is_quoted(store: SqliteStore) -> None:
    store.add("x;id", "acme", "token", ANSWERS)
    with pytest.raises(InvalidName) as caught:
        store.add("x;id", "acme", "token", ANSWERS)
    assert str(caught.value.hint).endswith("unvault credentials edit 'x;id'")


def test_an_error_that_is_kept_keeps_no_lock_on_the_file(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    store.add("a", "acme", "token", {})
    store.add("b", "acme", "token", {})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE credential SET created = CAST(x'ff' AS TEXT)")
    with pytest.raises(StoreUnreadable) as kept:
        store.list()
    assert kept.value.__traceback__
    store.remove("a")
    assert store.get("a") is None
