"""The hooks, called as the core calls them, and through it."""

import base64
import json
import subprocess
import sys

import pytest

from unvault.client import Unvault
from unvault.errors import (
    FieldNotFound,
    InteractionRequired,
    InvalidReference,
    SecretNotFound,
    StoreLocked,
    VersionNotFound,
)
from unvault.model import Answers, Credential, SecretRequest
from unvault.protection import KeyFile, Passphrase
from unvault_local import plugin
from unvault_local.opening import _asked
from unvault_local.vault import LocalVault

AMBIENT = Credential("local")


@pytest.fixture(autouse=True)
def own_home(home):
    """No test here reaches the vault of whoever runs it."""


@pytest.fixture
def stored(home):
    """The default vault, with something in it."""
    vault = LocalVault(home / "data" / "local.db", [KeyFile(home / "config" / "unvault.key")])
    vault.set("db/main", b"one")
    vault.set("db/main", b'{"password": "two", "a": {"b": [3]}}')
    return vault


@pytest.fixture
def locked(home):
    """A vault of its own, protected by a passphrase."""
    path = home / "locked.db"
    vault = LocalVault(path, [Passphrase(lambda what: "horse", cost=2**10)])
    vault.set("db/main", b"one")
    return path


def credential(**answers):
    kind = plugin.describe_credential_form().types[0]
    return Credential("local", kind.name, Answers({k: str(v) for k, v in answers.items()}), "mine")


class Person:
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def tell(self, message):
        raise AssertionError(message)

    def open_page(self, address):
        raise AssertionError(address)

    def ask(self, question, *, hidden=False):
        self.asked.append((question, hidden))
        return self.answer


class TestSigningIn:
    def test_an_empty_credential_is_the_default_vault(self, stored):
        session = plugin.authenticate(AMBIENT, None)
        assert session.identity == f"local vault {stored.path}"
        assert session.expires is None
        assert plugin.fetch_secret(session, SecretRequest("db/main")).version == "2"

    def test_a_vault_never_written_to(self, home):
        session = plugin.authenticate(AMBIENT, None)
        assert list(plugin.list_secrets(session, "")) == []
        with pytest.raises(SecretNotFound) as raised:
            plugin.fetch_secret(session, SecretRequest("db/main"))
        assert raised.value.hint == "store it: unvault local set db/main"
        assert list(home.iterdir()) == []

    def test_a_path_of_its_own_and_the_default_key_file(self, home):
        elsewhere = home / "elsewhere" / "team.db"
        plugin.authenticate(credential(path=elsewhere), None).client.set("x", b"y")
        assert elsewhere.exists()
        assert (home / "config" / "unvault.key").exists()
        assert not (home / "data").exists()

    def test_a_tilde_is_the_home_folder(self, home, monkeypatch):
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("USERPROFILE", str(home))
        session = plugin.authenticate(credential(path="~/mine.db"), None)
        assert session.client.path == home / "mine.db"

    def test_a_missing_key_file_shows_at_sign_in(self, stored, home):
        (home / "config" / "unvault.key").unlink()
        with pytest.raises(StoreLocked, match="missing"):
            plugin.authenticate(AMBIENT, None)

    def test_hints_name_the_credential(self, home):
        session = plugin.authenticate(credential(path=home / "mine.db"), None)
        with pytest.raises(SecretNotFound) as raised:
            plugin.fetch_secret(session, SecretRequest("x"))
        assert raised.value.hint == "store it: unvault local --credential mine set x"


class TestPassphrase:
    def test_the_credential_has_it(self, locked):
        session = plugin.authenticate(credential(path=locked, passphrase="horse"), None)
        assert plugin.fetch_secret(session, SecretRequest("db/main")).reveal() == b"one"

    def test_a_person_is_asked_once_and_unseen(self, locked):
        person = Person("horse")
        session = plugin.authenticate(credential(path=locked), person)
        assert plugin.fetch_secret(session, SecretRequest("db/main")).reveal() == b"one"
        assert person.asked == [(f"Passphrase of the local vault {locked}", True)]

    def test_nobody_can_be_asked(self, locked):
        with pytest.raises(InteractionRequired) as raised:
            plugin.authenticate(credential(path=locked), None)
        assert "unvault credentials edit mine" in raised.value.hint
        ambient = Credential("local", answers=Answers({"path": str(locked)}))
        with pytest.raises(InteractionRequired) as raised:
            plugin.authenticate(ambient, None)
        assert "UNVAULT_LOCAL_PASSPHRASE" in raised.value.hint

    @pytest.mark.parametrize("wrong", ["mule", "caf\u00e9", "x" * 9999])
    def test_a_wrong_one_locks_and_is_not_shown(self, locked, wrong):
        for answers, person in (({"passphrase": wrong}, None), ({}, Person(wrong))):
            with pytest.raises(StoreLocked) as raised:
                plugin.authenticate(credential(path=locked, **answers), person)
            assert wrong not in repr(raised.value.describe())

    def test_no_repr_shows_it(self, locked):
        mine = credential(path=locked, passphrase="horse")
        session = plugin.authenticate(mine, None)
        assert "horse" not in repr((mine, session, vars(session.client)))


class TestFetching:
    def test_a_batch_has_an_outcome_for_each_in_order(self, stored):
        session = plugin.authenticate(AMBIENT, None)
        requests = [
            SecretRequest("db/main", (("version", 1),)),
            SecretRequest("db/mian"),
            SecretRequest("db/main"),
            SecretRequest("db/main", (("version", 3),)),
        ]
        first, missing, newest, never = plugin.fetch_secrets(session, requests)
        assert (first.reveal(), newest.version) == (b"one", "2")
        assert missing.candidates == ("db/main",)
        assert isinstance(never, VersionNotFound)

    def test_a_batch_of_a_vault_never_written_to(self):
        session = plugin.authenticate(AMBIENT, None)
        (outcome,) = plugin.fetch_secrets(session, [SecretRequest("x")])
        assert isinstance(outcome, SecretNotFound)

    def test_a_closed_session_forgets_the_key(self, stored, home):
        session = plugin.authenticate(AMBIENT, None)
        plugin.close_session(session)
        (home / "config" / "unvault.key").unlink()
        with pytest.raises(StoreLocked):
            plugin.fetch_secret(session, SecretRequest("db/main"))


class TestForms:
    def test_the_forms_are_the_same_at_every_call(self):
        assert plugin.describe_credential_form() == plugin.describe_credential_form()
        assert plugin.describe_secret_form() == plugin.describe_secret_form()


class TestThroughTheCore:
    @pytest.fixture
    def unvault(self, home):
        with Unvault(plugins={"local": plugin}, discover=False) as unvault:
            yield unvault

    def test_fetch(self, unvault, stored):
        assert unvault.fetch("local/db/main?version=1").text() == "one"
        assert unvault.fetch("local/db/main#password").text() == "two"
        assert unvault.fetch("local/db/main#/a/b/0").text() == "3"

    def test_a_wrong_field_lists_the_fields(self, unvault, stored):
        with pytest.raises(FieldNotFound) as raised:
            unvault.fetch("local/db/main#passwort")
        assert raised.value.candidates == ("password", "a")

    def test_a_missing_secret(self, unvault, stored):
        with pytest.raises(SecretNotFound) as raised:
            unvault.fetch("local/db/mian")
        assert raised.value.candidates == ("db/main",)
        assert raised.value.provider == "local"

    def test_many_and_list(self, unvault, stored):
        found = unvault.fetch_many(["local/db/main", "local/none", "local/db/main?version=1"])
        assert [getattr(each, "version", None) for each in found] == ["2", None, "1"]
        assert [info.path for info in unvault.list("local", "db/")] == ["db/main"]

    @pytest.mark.parametrize(
        "lookup",
        [
            {"name": "db/main", "version": "2", "key": "password"},
            {"secretName": "db/main", "version": 2, "secretKey": "password"},
            {"SecretId": "db/main", "SecretKey": "password"},
        ],
    )
    def test_a_tag_as_insomnia_writes_it(self, unvault, stored, lookup):
        form = base64.b64encode(json.dumps(lookup).encode()).decode()
        tag = f"{{% vault 'local', 'cloudCred_1b2c', 'b64::{form}::46b' %}}"
        assert unvault.render(f"<{tag}>") == "<two>"

    @pytest.mark.parametrize("parameter", ["stage=old", "version=two", "version=1.5"])
    def test_a_wrong_parameter(self, unvault, stored, parameter):
        with pytest.raises(InvalidReference, match="version"):
            unvault.fetch(f"local/db/main?{parameter}")

    def test_from_the_environment(self, locked, monkeypatch):
        environ = {"UNVAULT_LOCAL_PATH": str(locked), "UNVAULT_LOCAL_PASSPHRASE": "horse"}
        with Unvault(plugins={"local": plugin}, discover=False, environ=environ) as unvault:
            assert unvault.fetch("local/db/main").text() == "one"


def test_importing_it_imports_nothing_slow():
    program = (
        "import sys; before = set(sys.modules);"  # coverage, where it runs, brings some of them
        "import unvault_local, unvault_local.plugin as plugin;"
        "plugin.describe_credential_form(); plugin.describe_secret_form();"
        "slow = {'click', 'dotenv', 'cryptography', 'sqlite3', 'platformdirs', 'cattrs'};"
        "print(sorted(slow & (set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_name_in_the_hint_is_quoted(home):
    credential = Credential("local", name="x;id")
    with pytest.raises(InteractionRequired) as caught:
        _asked(credential, None, home / "local.db")
    assert str(caught.value.hint).endswith("unvault credentials edit 'x;id'")
