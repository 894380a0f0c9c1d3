from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unvault.errors import InteractionRequired, StoreLocked, StoreUnreadable
from unvault.protection import DataKey, KeyFile, Passphrase, Protection, SystemKeyring

CANARY = b"canary-44e0c7"
CHEAP = 2**4
Told = Callable[[BaseException], str]


class Asked:
    """Answers with passphrases, and counts how often it was asked, and for what."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, what: str) -> str:
        self.questions.append(what)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def keyring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the keyring library keep its passwords in a file of this test."""
    import keyring.core
    from keyrings.alt.file import PlaintextKeyring

    backend = PlaintextKeyring()
    backend.file_path = str(tmp_path / "keyring.cfg")
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return tmp_path / "keyring.cfg"


# ------------------------------------------------------------------------------------- data key


@given(st.binary(), st.lists(st.text(), max_size=4))
def test_what_is_sealed_opens_in_its_place(plain: bytes, place: list[str]) -> None:
    key = DataKey()
    assert key.open(key.seal(plain, *place), *place) == plain


@given(
    st.lists(st.text("ab\x00", max_size=3), max_size=4),
    st.lists(st.text("ab\x00", max_size=3), max_size=4),
)
def test_and_in_no_other(one: list[str], other: list[str]) -> None:
    """Not even where the names of two places are the same when they are run together."""
    key = DataKey()
    sealed = key.seal(CANARY, *one)
    if one != other:
        with pytest.raises(StoreUnreadable):
            key.open(sealed, *other)


@given(st.data())
def test_a_change_anywhere_is_noticed(data: st.DataObject) -> None:
    key = DataKey()
    sealed = bytearray(key.seal(CANARY, "place"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreUnreadable):
        key.open(bytes(sealed), "place")


def test_a_part_of_it_does_not_open() -> None:
    key = DataKey()
    sealed = key.seal(CANARY, "place")
    for length in range(len(sealed)):
        with pytest.raises(StoreUnreadable):
            key.open(sealed[:length], "place")


def test_another_key_does_not_open(told: Told) -> None:
    sealed = DataKey().seal(CANARY, "place")
    with pytest.raises(StoreUnreadable) as caught:
        DataKey().open(sealed, "place")
    assert CANARY.decode() not in told(caught.value)


def test_no_two_sealings_are_the_same() -> None:
    key = DataKey()
    assert len({key.seal(CANARY, "place")[:12] for _ in range(200)}) == 200


def test_a_key_never_shows_itself() -> None:
    raw = b"0123456789abcdef0123456789abcdef"
    key = DataKey(raw)
    assert "0123456789" not in f"{key} {key!r}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


# --------------------------------------------------------------------------- what all have to do


def protections(tmp_path: Path) -> list[Protection]:
    return [
        KeyFile(tmp_path / "config" / "key"),
        Passphrase(Asked("correct horse"), cost=CHEAP),
        SystemKeyring(),
    ]


@pytest.mark.parametrize("which", range(3), ids=["key-file", "passphrase", "keyring"])
def test_a_wrapped_key_is_unwrapped_for_its_file_only(
    which: int, tmp_path: Path, keyring_file: Path
) -> None:
    protection = protections(tmp_path)[which]
    key = DataKey()
    record = protection.wrap(key, "file-1")
    assert record["protection"] == protection.name
    opened = protection.unwrap(record, "file-1")
    assert opened.open(key.seal(CANARY, "x"), "x") == CANARY
    if which == 2:  # make sure that it is not the missing entry that refuses
        protection.wrap(DataKey(), "file-2")
    with pytest.raises(StoreLocked):
        protection.unwrap(record, "file-2")


@pytest.mark.parametrize("which", range(3), ids=["key-file", "passphrase", "keyring"])
def test_a_record_holds_no_key(which: int, tmp_path: Path, keyring_file: Path) -> None:
    raw = b"0123456789abcdef0123456789abcdef"
    record = protections(tmp_path)[which].wrap(DataKey(raw), "file-1")
    shown = str(dict(record))
    for trace in (raw.decode(), raw.hex(), base64.b64encode(raw).decode(), "correct horse"):
        assert trace not in shown


@pytest.mark.parametrize("which", range(3), ids=["key-file", "passphrase", "keyring"])
@pytest.mark.parametrize(
    "damage",
    [
        {"wrapped": None},
        {"wrapped": ""},
        {"wrapped": "not base64!"},
        {"wrapped": 7},
        {"wrapped": "AAAA"},
        {"wrapped": "é"},
    ],
)
def test_a_damaged_record_is_refused_in_our_words(
    which: int, damage: dict[str, Any], tmp_path: Path, keyring_file: Path
) -> None:
    protection = protections(tmp_path)[which]
    record = {**protection.wrap(DataKey(), "file-1"), **damage}
    record = {name: value for name, value in record.items() if value is not None}
    with pytest.raises((StoreUnreadable, StoreLocked)):
        protection.unwrap(record, "file-1")


@pytest.mark.parametrize("which", range(3), ids=["key-file", "passphrase", "keyring"])
def test_each_says_what_it_protects_against(which: int, tmp_path: Path) -> None:
    assert "can" in protections(tmp_path)[which].explanation


# ------------------------------------------------------------------------------------- key file


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "config" / "key")
    one = protection.wrap(DataKey(), "file-1")
    content = protection.path.read_bytes()
    protection.wrap(DataKey(), "file-2")
    assert protection.path.read_bytes() == content
    assert protection.path.stat().st_mode & 0o777 == 0o600
    assert protection.path.parent.stat().st_mode & 0o777 == 0o700
    assert str(one["wrapped"]).encode() not in content


def test_unwrapping_never_makes_a_key_file(tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.unlink()
    with pytest.raises(StoreLocked) as caught:
        protection.unwrap(record, "file-1")
    assert str(protection.path) in caught.value.message
    assert list(tmp_path.iterdir()) == []


KEY = b"unvault-key-1:" + base64.b64encode(bytes(range(32))) + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        KEY[:-2],
        KEY[:20],
        KEY[14:],
        KEY.replace(b"-1:", b"-2:"),
        KEY[:14] + b"\xff" + KEY[15:],
        KEY + KEY,
        b"unvault-key-1:" + base64.b64encode(b"short"),
        b"unvault-key-1:" + base64.b64encode(bytes(33)),
        bytes(100_000),
    ],
)
def test_a_damaged_key_file_is_refused_and_left_as_it_is(
    content: bytes, tmp_path: Path, told: Told
) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.write_bytes(content)
    for use in (
        lambda: protection.unwrap(record, "file-1"),
        lambda: protection.wrap(DataKey(), "file-1"),
    ):
        with pytest.raises(StoreUnreadable) as caught:
            use()
        assert str(protection.path) in caught.value.message
        assert base64.b64encode(bytes(range(32))).decode()[:12] not in told(caught.value)
    assert protection.path.read_bytes() == content


def test_a_good_key_file_may_end_without_a_line_end(tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.write_bytes(protection.path.read_bytes().rstrip() + b"\r\n")
    protection.unwrap(record, "file-1")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_not_used(mode: int, tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    before = protection.path.read_bytes()
    protection.path.chmod(mode)
    for use in (
        lambda: protection.unwrap(record, "file-1"),
        lambda: protection.wrap(DataKey(), "file-1"),
    ):
        with pytest.raises(StoreUnreadable, match="can be read by others") as caught:
            use()
        assert caught.value.hint == f"make it yours alone: chmod 600 {protection.path}"
    assert (protection.path.read_bytes(), protection.path.stat().st_mode & 0o777) == (before, mode)
    protection.path.chmod(0o600)
    protection.unwrap(record, "file-1")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_the_command_that_mends_a_key_file_can_be_copied(tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "a b; id" / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.chmod(0o644)
    with pytest.raises(StoreUnreadable) as caught:
        protection.unwrap(record, "file-1")
    assert str(caught.value.hint).endswith(f"chmod 600 '{protection.path}'")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no owners by number")
def test_a_key_file_that_changes_hands_before_it_is_read_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is looked at is what is read: not the name, but what was opened."""
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    real = os.open

    def swap(path: Any, *arguments: Any, **options: Any) -> int:
        Path(path).chmod(0o644)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(StoreUnreadable, match="can be read by others"):
        protection.unwrap(record, "file-1")


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_none(length: int) -> None:
    """AES takes 16 and 24 bytes as well."""
    with pytest.raises(ValueError, match="32 bytes"):
        DataKey(bytes(length))


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (
        tmp_path / "file" / "key",
        tmp_path / "file" / "a" / "key",
        tmp_path / ("n" * 300),
    ):
        with pytest.raises(StoreUnreadable) as caught:
            KeyFile(path).wrap(DataKey(), "file-1")
        assert str(path) in caught.value.message
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_another_key_file_does_not_open(tmp_path: Path) -> None:
    record = KeyFile(tmp_path / "one").wrap(DataKey(), "file-1")
    other = KeyFile(tmp_path / "two")
    other.wrap(DataKey(), "file-1")
    with pytest.raises(StoreLocked) as caught:
        other.unwrap(record, "file-1")
    assert str(other.path) in caught.value.message


def test_of_many_that_make_the_key_file_all_use_one(tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "key")
    start = threading.Barrier(8)
    records: list[Any] = []

    def wrap() -> None:
        start.wait()
        records.append(protection.wrap(DataKey(), "file-1"))

    threads = [threading.Thread(target=wrap) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(records) == 8
    for record in records:
        protection.unwrap(record, "file-1")


# ----------------------------------------------------------------------------------- passphrase


def test_a_wrong_passphrase_is_noticed_and_not_shown(told: Told) -> None:
    record = Passphrase(Asked("right-one"), cost=CHEAP).wrap(DataKey(), "file-1")
    wrong = CANARY.decode()
    with pytest.raises(StoreLocked, match="the passphrase does not open") as caught:
        Passphrase(Asked(wrong), cost=CHEAP).unwrap(record, "file-1")
    assert wrong not in told(caught.value)


@pytest.mark.parametrize("passphrase", ["x", "é😀 \u3000", "p" * 100_000, "\udcff\udc80x", "\x00"])
def test_any_passphrase_will_do(passphrase: str) -> None:
    """A terminal in another encoding gives lone surrogates."""
    protection = Passphrase(Asked(passphrase), cost=CHEAP)
    protection.unwrap(protection.wrap(DataKey(), "file-1"), "file-1")


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(StoreLocked, match="empty"):
        Passphrase(Asked(""), cost=CHEAP).wrap(DataKey(), "file-1")


def test_equal_passphrases_make_different_records() -> None:
    protection = Passphrase(Asked("same"), cost=CHEAP)
    records = [protection.wrap(DataKey(), "file-1") for _ in range(3)]
    assert len({record["salt"] for record in records}) == 3


def test_the_cost_is_the_records_own() -> None:
    record = Passphrase(Asked("same"), cost=CHEAP).wrap(DataKey(), "file-1")
    assert record["cost"] == CHEAP
    Passphrase(Asked("same"), cost=2**5).unwrap(record, "file-1")


@pytest.mark.parametrize(
    "damage",
    [
        {"cost": 0},
        {"cost": -1},
        {"cost": 1},
        {"cost": 17},
        {"cost": 2**20},  # more than OpenSSL takes
        {"cost": 2**22},
        {"cost": 2**40},
        {"cost": "16"},
        {"cost": None},
        {"salt": None},
        {"salt": 7},
        {"salt": "not base64!"},
    ],
)
def test_a_damaged_salt_or_cost_is_refused_in_our_words(damage: dict[str, Any]) -> None:
    protection = Passphrase(Asked("same"), cost=CHEAP)
    record = {**protection.wrap(DataKey(), "file-1"), **damage}
    record = {name: value for name, value in record.items() if value is not None}
    with pytest.raises(StoreUnreadable):
        protection.unwrap(record, "file-1")


def test_a_cost_that_is_out_of_range_asks_for_no_passphrase() -> None:
    asked = Asked("same")
    record = Passphrase(asked, cost=CHEAP).wrap(DataKey(), "file-1")
    with pytest.raises(StoreUnreadable, match="out of range"):
        Passphrase(asked).unwrap({**record, "cost": 2**20}, "file-1")
    assert asked.questions == ["new passphrase"]


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise MemoryError

    record = Passphrase(Asked("canary-1"), cost=CHEAP).wrap(DataKey(), "file-1")

    def ask(_: str) -> str:  # an object whose repr shows nothing of it
        return "canary-1"

    monkeypatch.setattr("hashlib.scrypt", refuse)
    with pytest.raises(StoreLocked, match="cannot be computed") as caught:
        Passphrase(ask).unwrap(record, "file-1")
    assert "canary-1" not in shown_with_variables(caught.value)


def shown_with_variables(error: BaseException | None) -> str:
    """Return what tools show that report an error with the variables of our frames."""
    found = ""
    while error is not None:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        ours = [each for each in frames if each.f_globals["__name__"].startswith("unvault.")]
        assert ours or error.__traceback__ is None
        found += "".join(repr(each.f_locals) for each in ours)
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("damage", [{"cost": 17}, {"cost": 2**20}, {"salt": "?"}, {"wrapped": "?"}])
def test_no_frame_that_raises_holds_the_passphrase(damage: dict[str, Any]) -> None:
    def ask(what: str) -> str:
        return "-".join(["canary", str(len(what)), "8f2c"])

    protection = Passphrase(ask, cost=CHEAP)
    record = {**protection.wrap(DataKey(), "file-1"), **damage}
    with pytest.raises((StoreUnreadable, StoreLocked)) as caught:
        protection.unwrap(record, "file-1")
    assert "8f2c" not in shown_with_variables(caught.value)


def test_no_frame_that_raises_holds_a_key(tmp_path: Path, keyring_file: Path) -> None:
    import keyring

    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.write_bytes(b"unvault-key-1:canary-8f2c")
    with pytest.raises(StoreUnreadable) as caught:
        protection.unwrap(record, "file-1")
    assert "8f2c" not in shown_with_variables(caught.value)
    for held in ("canary-8f2c", base64.b64encode(b"8f2c" * 8).decode()):
        keyring.set_password("unvault", "file-1", held)
        with pytest.raises(StoreLocked) as locked:
            SystemKeyring().unwrap(record, "file-1")
        assert held not in shown_with_variables(locked.value)
        assert "8f2c8f2c" not in shown_with_variables(locked.value)


def test_where_nobody_answers_that_is_what_is_said() -> None:
    def nobody(what: str) -> str:
        raise InteractionRequired(f"nobody to ask for the {what}")

    with pytest.raises(InteractionRequired, match="new passphrase"):
        Passphrase(nobody, cost=CHEAP).wrap(DataKey(), "file-1")


def test_guessing_is_expensive_unless_somebody_chose_otherwise() -> None:
    assert Passphrase(Asked("x")).cost >= 2**17


# -------------------------------------------------------------------------------------- keyring


def test_the_keyring_holds_one_key_for_each_file(keyring_file: Path) -> None:
    import keyring

    protection = SystemKeyring("unvault-test")
    first = protection.wrap(DataKey(), "file-1")
    held = keyring.get_password("unvault-test", "file-1")
    protection.wrap(DataKey(), "file-2")
    assert held
    assert keyring.get_password("unvault-test", "file-2") != held
    protection.wrap(DataKey(), "file-1")
    assert keyring.get_password("unvault-test", "file-1") == held
    protection.unwrap(first, "file-1")


def test_a_key_missing_from_the_keyring_is_not_made_anew(keyring_file: Path) -> None:
    import keyring

    protection = SystemKeyring()
    record = protection.wrap(DataKey(), "file-1")
    keyring.delete_password("unvault", "file-1")
    with pytest.raises(StoreLocked, match="does not hold the key"):
        protection.unwrap(record, "file-1")
    assert keyring.get_password("unvault", "file-1") is None


@pytest.mark.parametrize(
    "held",
    ["somebodys-password", "QUJD", "é", base64.b64encode(bytes(16)).decode()],
    ids=["password", "three bytes", "no base64", "AES-128"],
)
def test_what_is_no_key_in_the_keyring_is_left_and_not_shown(
    held: str, keyring_file: Path, told: Told
) -> None:
    import keyring

    protection = SystemKeyring()
    record = protection.wrap(DataKey(), "file-1")
    keyring.set_password("unvault", "file-1", held)
    for use in (
        lambda: protection.unwrap(record, "file-1"),
        lambda: protection.wrap(DataKey(), "file-1"),
    ):
        with pytest.raises(StoreLocked, match="is not a key of unvault") as caught:
            use()
        assert held not in told(caught.value)
    assert keyring.get_password("unvault", "file-1") == held


def test_a_keyring_without_a_backend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring.backends.fail
    import keyring.core

    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.backends.fail.Keyring())
    with pytest.raises(StoreLocked, match="does not answer: NoKeyringError") as caught:
        SystemKeyring().wrap(DataKey(), "file-1")
    assert "protect key-file" in str(caught.value.hint)


def test_without_the_keyring_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreLocked, match="not installed") as caught:
        SystemKeyring().wrap(DataKey(), "file-1")
    assert caught.value.hint == 'pip install "unvault[keyring]"'


def test_importing_it_imports_no_cryptography_and_no_keyring() -> None:
    program = (
        "import sys; import unvault.store; "
        "print({'cryptography', 'keyring', 'cattrs', 'platformdirs'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_a_keyring_that_keeps_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's null backend takes a password and has none afterwards: all would be lost."""
    import keyring.backends.null
    import keyring.core

    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.backends.null.Keyring())
    with pytest.raises(StoreLocked) as caught:
        SystemKeyring().wrap(DataKey(), "file-1")
    assert caught.value.message == "the operating system's keyring does not keep what it is given"
    assert caught.value.hint == ("choose another protection: unvault credentials protect key-file")


def test_what_the_keyring_has_is_what_is_wrapped_with(
    keyring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where another process put its own key there at the same moment."""
    import keyring

    protection, real = SystemKeyring(), keyring.set_password
    theirs = base64.b64encode(os.urandom(32)).decode()

    def overtaken(service: str, user: str, password: str) -> None:
        real(service, user, password)
        real(service, user, theirs)

    monkeypatch.setattr(keyring, "set_password", overtaken)
    protection.unwrap(protection.wrap(DataKey(), "file-1"), "file-1")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("folder", "cannot be read: Is a directory"),
        ("pipe", "is not a key file of unvault, or it is damaged"),
        ("link to nothing", "is missing, and nothing else opens what is stored"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_key_file_keeps_nobody_waiting(kind: str, says: str, tmp_path: Path) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    protection.path.unlink()
    {
        "folder": protection.path.mkdir,
        "pipe": lambda: os.mkfifo(protection.path, 0o600),
        "link to nothing": lambda: protection.path.symlink_to("nowhere"),
        "loop": lambda: protection.path.symlink_to("key"),
    }[kind]()
    for use in (
        lambda: protection.unwrap(record, "file-1"),
        lambda: protection.wrap(DataKey(), "f"),
    ):
        with pytest.raises((StoreUnreadable, StoreLocked)) as caught:
            use()
        assert says in caught.value.message
        assert str(protection.path) in caught.value.message
        assert caught.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX's")
def test_a_key_file_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protection = KeyFile(tmp_path / "key")
    record = protection.wrap(DataKey(), "file-1")
    owner = protection.path.stat().st_uid
    if owner == 0:
        os.chown(protection.path, 65534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StoreUnreadable) as caught:
        protection.unwrap(record, "file-1")
    assert caught.value.message == (
        f"the key file {protection.path} belongs to another user, so it is not used"
    )
    assert caught.value.hint == (f"make it yours alone: chown {os.geteuid()} {protection.path}")
