"""The stored credentials, as an application manages them."""

from __future__ import annotations

import pytest
from tests.fakes import FakeProvider, client_for

from unvault.errors import (
    CredentialMissing,
    CredentialNotFound,
    CredentialRejected,
    FormError,
    InvalidName,
    InvalidSetting,
    ProviderNotFound,
)
from unvault.model import Answers, Credential, Origin, Session

CANARY = "canary-c0ffee"


@pytest.fixture
def provider():
    return FakeProvider({"a": "1"})


@pytest.fixture
def vault(provider):
    plugins = {"fake": provider, "other": FakeProvider({"a": "2"})}
    with client_for(plugins=plugins) as made:
        yield made


def stored(vault, name="mine", **answers):
    draft = vault.credentials.draft("fake", "token", answers or {"token": "t"}, name=name)
    return vault.credentials.add(draft)


def test_nothing_is_stored_at_first(vault):
    credentials = vault.credentials
    assert list(credentials.list()) == []
    assert credentials.default("fake") is None
    for action in (
        credentials.get,
        credentials.remove,
        credentials.clear,
        credentials.set_default,
        credentials.resolve,
        credentials.test,
        lambda name: credentials.rename(name, "new"),
        lambda name: credentials.edit(name, credentials.draft("fake")),
    ):
        with pytest.raises(CredentialNotFound, match="'mine'"):
            action("mine")


def test_a_draft_is_checked_and_not_stored(vault, provider):
    draft = vault.credentials.draft("fake", "user", {"user": "me", "password": CANARY}, name="mine")
    assert (draft.provider, draft.type, draft.name) == ("fake", "user", "mine")
    assert dict(draft.answers) == {"user": "me", "password": CANARY}
    assert draft.origin is not Origin.STORED
    assert list(vault.credentials.list()) == []
    assert provider.credentials == []
    assert CANARY not in repr(draft)


def test_a_draft_without_a_type_is_of_the_first(vault):
    assert vault.credentials.draft("fake", answers={"region": "x"}).type == "token"


def test_all_that_is_wrong_with_a_draft_is_said_at_once(vault):
    with pytest.raises(FormError) as caught:
        vault.credentials.draft("fake", "user", {"user": 3, "wrong": CANARY})
    assert {problem.field for problem in caught.value.problems} == {"user", "password", "wrong"}
    assert CANARY not in str(caught.value)
    with pytest.raises(FormError, match="token, user"):
        vault.credentials.draft("fake", "nonsense")
    with pytest.raises(ProviderNotFound):
        vault.credentials.draft("nobody")


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "x" * 256, "fake", "other", "\x00"])
def test_names_that_are_not_fit_are_refused(vault, name):
    draft = vault.credentials.draft("fake", answers={"token": CANARY})
    import attrs

    with pytest.raises(InvalidName) as caught:
        vault.credentials.add(attrs.evolve(draft, name=name))
    assert CANARY not in str(caught.value)
    stored(vault)
    with pytest.raises(InvalidName):
        vault.credentials.rename("mine", name)
    with pytest.raises(InvalidName):
        vault.credentials.check_name(name)
    assert [item.name for item in vault.credentials.list()] == ["mine"]


@pytest.mark.parametrize("name", ["a/b", "a b", "ünï", "😀", "a#b?c%d", "-", "Fake", "x" * 255])
def test_any_other_name_will_do_and_references_reach_it(vault, name):
    from unvault.reference import Reference

    stored(vault, name)
    assert vault.fetch(str(Reference(name, "a"))).text() == "1"
    vault.credentials.check_name("anything")


def test_a_taken_name_is_refused(vault):
    stored(vault)
    stored(vault, "other one")
    with pytest.raises(InvalidName, match="already"):
        stored(vault)
    with pytest.raises(InvalidName, match="already"):
        vault.credentials.rename("other one", "mine")


def test_a_credential_is_added_edited_renamed_and_removed(vault):
    added = stored(vault)
    assert (added.name, added.revision, added.origin) == ("mine", 1, Origin.STORED)
    draft = vault.credentials.draft("fake", "user", {"user": "me", "password": "p"})
    edited = vault.credentials.edit("mine", draft)
    assert (edited.id, edited.type, edited.name) == (added.id, "user", "mine")
    assert edited.revision > added.revision
    assert dict(vault.credentials.get("mine").answers) == {"user": "me", "password": "p"}
    renamed = vault.credentials.rename("mine", "ours")
    assert (renamed.id, renamed.name) == (added.id, "ours")
    (item,) = vault.credentials.list()
    assert (item.name, item.provider, item.type, item.id) == ("ours", "fake", "user", added.id)
    vault.credentials.remove(added.id)
    assert list(vault.credentials.list()) == []


def test_a_credential_stays_with_its_provider(vault):
    stored(vault)
    with pytest.raises(InvalidName, match="for 'fake', not for 'other'"):
        vault.credentials.edit("mine", vault.credentials.draft("other"))


def test_signing_out_keeps_the_name_and_forgets_the_answers(vault):
    added = stored(vault)
    cleared = vault.credentials.clear("mine")
    assert (cleared.id, cleared.type, dict(cleared.answers)) == (added.id, None, {})
    assert [item.type for item in vault.credentials.list()] == [None]
    assert vault.fetch("mine/a").text() == "1"
    vault.credentials.edit("mine", vault.credentials.draft("fake", "token", {"token": "n"}))
    assert vault.credentials.resolve("mine").answers["token"] == "n"


def test_removing_a_default_unsets_it_and_a_new_one_of_that_name_is_none(vault):
    stored(vault)
    vault.credentials.set_default("mine")
    vault.credentials.remove("mine")
    stored(vault)
    assert vault.credentials.default("fake") is None
    assert vault.credentials.resolve("fake").origin is Origin.AMBIENT


def test_each_provider_has_a_default_of_its_own(vault):
    stored(vault)
    vault.credentials.add(vault.credentials.draft("other", name="theirs"))
    vault.credentials.set_default("mine")
    vault.credentials.set_default("theirs")
    assert vault.credentials.default("fake").name == "mine"
    assert vault.credentials.default("other").name == "theirs"
    vault.credentials.unset_default("fake")
    assert vault.credentials.default("other").name == "theirs"


def test_a_test_takes_a_name_a_providers_id_or_a_draft(vault, provider):
    provider.sign_in = lambda credential: Session(client=1, identity=credential.label)
    stored(vault)
    assert vault.credentials.test("mine").identity == "mine"
    assert vault.credentials.test("fake").identity == "(ambient)"
    draft = vault.credentials.draft("fake", name="new")
    assert vault.credentials.test(draft).identity == "new"
    assert len(provider.closed) == 3


def test_a_test_that_fails_names_the_credential(vault, provider):
    def refuse(_credential):
        raise CredentialRejected("wrong password")

    provider.sign_in = refuse
    with pytest.raises(CredentialRejected) as caught:
        vault.credentials.test(vault.credentials.draft("fake", name="new"))
    assert (caught.value.provider, caught.value.credential) == ("fake", "new")
    assert provider.closed == []


def test_listing_opens_nothing(tmp_path, provider):
    with client_for(provider, home=tmp_path) as vault:
        stored(vault)
    (tmp_path / "config" / "unvault.key").unlink()
    provider.credentials.clear()
    with client_for(plugins={}, home=tmp_path) as vault:
        assert [item.name for item in vault.credentials.list()] == ["mine"]
        vault.credentials.remove("mine")
        assert list(vault.credentials.list()) == []


def test_credentials_survive_the_process_and_their_answers_are_encrypted(tmp_path, provider):
    with client_for(provider, home=tmp_path) as vault:
        vault.credentials.add(vault.credentials.draft("fake", None, {"token": CANARY}, name="mine"))
    with client_for(provider, home=tmp_path) as vault:
        assert vault.credentials.get("mine").answers["token"] == CANARY
        assert vault.credentials.protection().name == "key-file"
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes()
            assert file.stat().st_mode & 0o077 == 0, file


def test_the_protection_can_be_changed(tmp_path, provider):
    options = {"home": tmp_path, "environ": {"UNVAULT_PASSPHRASE": "open sesame"}}

    class Typing:
        def ask(self, question, *, hidden=False):
            assert hidden
            return "open sesame"

    with client_for(provider, interaction=Typing(), **options) as vault:
        assert vault.credentials.protection() is None
        stored(vault)
        vault.credentials.protect("passphrase")
        assert vault.credentials.protection().name == "passphrase"
        with pytest.raises(InvalidSetting):
            vault.credentials.protect("magic")
    with client_for(provider, **options) as vault:
        assert vault.credentials.get("mine").answers["token"] == "t"


def test_what_the_sign_in_of_a_draft_renewed_is_kept_with_it(vault, provider):
    provider.sign_in = lambda _: Session(client=None, renewed={"refresh_token": "r1"})
    draft = vault.credentials.draft("fake", None, {"token": "t"}, name="prod")
    added = vault.credentials.add(draft, session=vault.credentials.test(draft))
    assert dict(vault.credentials.get("prod").kept) == {"refresh_token": "r1"}
    provider.sign_in = lambda _: Session(client=None, renewed={"refresh_token": "r2"})
    changed = vault.credentials.edit("prod", draft, session=vault.credentials.test(draft))
    assert changed.revision == added.revision + 1
    assert dict(vault.credentials.get("prod").kept) == {"refresh_token": "r2"}
    vault.credentials.edit("prod", draft)
    assert dict(vault.credentials.get("prod").kept) == {}


def test_a_draft_without_a_name_is_called_as_its_sign_in_suggests(vault, provider):
    provider.sign_in = lambda _: Session(client=None, suggested_name="ann@example.com")
    draft = vault.credentials.draft("fake", None, {"token": "t"})
    session = vault.credentials.test(draft)
    assert vault.credentials.add(draft, session=session).name == "ann@example.com"
    with pytest.raises(InvalidName, match=r"ann@example\.com"):
        vault.credentials.add(draft, session=session)
    with pytest.raises(InvalidName):
        vault.credentials.add(draft)
    named = vault.credentials.draft("fake", None, {"token": "t"}, name="prod")
    assert vault.credentials.add(named, session=session).name == "prod"


def test_a_name_that_a_sign_in_suggests_has_to_be_fit_for_one(vault, provider):
    draft = vault.credentials.draft("fake", None, {"token": "t"})
    for unfit in ("fake", "a\x1b[2Jb", " a", "a" * 500):
        provider.sign_in = lambda _, unfit=unfit: Session(client=None, suggested_name=unfit)
        with pytest.raises(InvalidName):
            vault.credentials.add(draft, session=vault.credentials.test(draft))


def test_the_environment_can_be_saved(provider):
    with client_for(provider, environ={"UNVAULT_FAKE_TOKEN": "e"}) as vault:
        added = vault.credentials.add(vault.credentials.draft_from_environment("fake", name="mine"))
        assert dict(added.answers) == {"token": "e"}
        with pytest.raises(InvalidName):
            vault.credentials.draft_from_environment("fake", name="fake")
        with pytest.raises(CredentialMissing):
            client_for(provider).credentials.draft_from_environment("fake")


@pytest.mark.parametrize("kind", ["nonsense", "", None])
def test_a_draft_made_by_hand_is_checked_before_it_is_stored(vault, kind):
    stored(vault)
    for draft in (
        Credential("fake", kind, Answers({"token": CANARY}), name="new"),
        Credential("fake", "token", Answers({"wrong": CANARY}), name="new"),
    ):
        with pytest.raises(FormError) as caught:
            vault.credentials.add(draft)
        assert CANARY not in str(caught.value)
        with pytest.raises(FormError):
            vault.credentials.edit("mine", draft)
    assert [(item.name, item.type) for item in vault.credentials.list()] == [("mine", "token")]
    assert dict(vault.credentials.get("mine").answers) == {"token": "t"}
