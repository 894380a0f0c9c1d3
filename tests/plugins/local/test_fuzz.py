"""Any file to import, and the vault's own file after any damage: errors of ours and no value."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import strategies as st
from tests import damage
from tests.env_files import CANARY, ENV_FILES
from tests.soak import fuzz

from unvault.errors import StoreError, UnvaultError, UsageError
from unvault.protection import KeyFile
from unvault_local.importing import read_secrets
from unvault_local.vault import LocalVault

_JSON_PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", '"', ":", ",", '"name"', f'"{CANARY}"', "null", "true", "NaN"),
        *("-Infinity", "1.5", "1e999", "1e-999999999999", "9" * 5000, "0." + "1" * 40, "\\ud800"),
        *("[" * 3000, '{"a":' * 1500, " ", "\n", "\ufeff", "\\", "//"),
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
_JSON_FILES = (
    st.dictionaries(st.text(max_size=4), _VALUES, max_size=4).map(
        lambda each: json.dumps(each).encode()
    )
    | st.lists(_JSON_PIECES | st.text(max_size=4), max_size=12).map(
        lambda found: "".join(found).encode()
    )
    | st.binary(max_size=20)
)


def read(content: bytes, form: str) -> dict[str, bytes] | str:
    """Read a file: return what is in it, or everything that its error tells."""
    try:
        return read_secrets(content, form)
    except UsageError as error:
        assert error.__context__ is None
        return f"{error}{error!r}{error.__dict__}"


@fuzz(content=ENV_FILES)
def test_any_env_file_is_read_or_refused_and_never_told(content):
    found = read(content, "env")
    if isinstance(found, str):
        assert CANARY not in found
        return
    assert all(isinstance(value, bytes) for value in found.values())
    assert read(content + b"\n", "env") == found or content[-1:] in {b"\r", b"\\"}


@fuzz(content=_JSON_FILES)
def test_any_json_file_is_read_or_refused_and_no_value_told(content):
    found = read(content, "json")
    if isinstance(found, str):
        return
    for name, value in found.items():
        assert isinstance(name, str)
        assert isinstance(value, bytes)
    again = json.dumps({name: value.decode() for name, value in found.items()}).encode()
    assert read(again, "json") == found


@fuzz(name=st.text(max_size=5), value=_VALUES)
def test_what_json_holds_is_not_told_where_it_cannot_be_kept(name, value):
    content = json.dumps({name: [CANARY, value, "\ud800"]}).encode()
    found = read(content, "json")
    assert isinstance(found, str)
    assert CANARY not in found.replace(repr(name), "")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with a vault in it that is as it should be."""
    folder = tmp_path_factory.mktemp("whole")
    made = vault_in(folder)
    for number in range(10):
        for version in range(3):
            made.set(f"name {number}", f"{CANARY} {version}".encode() * 60)
    made.remove("name 1", 2)
    for version in (1, 2, 3):
        made.remove("name 2", version)
    return folder


def vault_in(folder: Path) -> LocalVault:
    return LocalVault(folder / "local.db", [KeyFile(folder / "key")])


READS = [
    lambda vault: vault.unlock(),
    lambda vault: vault.browse(),
    lambda vault: vault.browse("name 1"),
    lambda vault: [vault.versions(f"name {number}") for number in range(10)],
    lambda vault: vault.get("name 3"),
    lambda vault: vault.get("name 1", 2),
    lambda vault: vault.get("name"),
    lambda vault: vault.get_many([(f"name {number}", None) for number in range(10)]),
    lambda vault: vault.protection(),
]
WRITES = [
    lambda vault: vault.set("name 1", b"another"),
    lambda vault: vault.set("new", b"another"),
    lambda vault: vault.import_all({"name 2": b"another", "name 3": b"x"}),
    lambda vault: vault.remove("name 4", 1),
    lambda vault: vault.remove("name 5"),
    lambda vault: vault.protect("key-file"),
]


def check(action, vault) -> None:
    tried = damage.tried(lambda: action(vault))
    results = tried.result if isinstance(tried.result, list) else []
    for error in [tried.error, *(each for each in results if isinstance(each, UnvaultError))]:
        assert error is None or CANARY not in f"{error}{error!r}{vars(error)}"


@fuzz(30, done=damage.damages)
def test_a_damaged_vault_is_read_or_refused_and_not_touched(done, whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "copy", dirs_exist_ok=True)
    damage.apply(done, folder / "local.db")
    with damage.untouched(folder):
        vault = vault_in(folder)
        for action in READS:
            check(action, vault)


@fuzz(30, done=damage.damages, order=st.permutations(range(len(WRITES))))
def test_a_damaged_vault_is_written_or_refused(done, order, whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "copy", dirs_exist_ok=True)
    damage.apply(done, folder / "local.db")
    vault = vault_in(folder)
    for number in order:
        check(WRITES[number], vault)


@fuzz(20, done=damage.file_damages)
def test_a_damaged_key_file_opens_no_vault_and_is_not_replaced(done, whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "copy", dirs_exist_ok=True)
    damage.apply(done, folder / "key")
    same = (folder / "key").read_bytes().strip() == (whole / "key").read_bytes().strip()
    with damage.untouched(folder):
        found = damage.tried(lambda: vault_in(folder).get("name 3"))
        assert isinstance(found.error, StoreError) or same
