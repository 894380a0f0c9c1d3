"""Which credential does a reference mean?"""

from __future__ import annotations

import threading

import pytest
from tests.fakes import BatchProvider, FakeProvider, client_for

from unvault.errors import (
    CredentialNotFound,
    FormError,
    InvalidTag,
    NotSupported,
    ProviderNotFound,
)
from unvault.model import Origin, Session
from unvault.secret import Secret

ENVIRON = {"UNVAULT_FAKE_TOKEN": "from the environment"}
WAIT = 20


def telling():
    """Return a provider whose secrets say which credential they came through."""
    provider = FakeProvider()
    provider.sign_in = lambda credential: Session(client=credential.label)
    provider.value = lambda session, _: Secret(session.client)
    return provider


def store(vault, name, provider="fake", **answers):
    draft = vault.credentials.draft(provider, "token", answers or {"token": "t"}, name=name)
    return vault.credentials.add(draft)


def test_the_environment_goes_before_the_default_and_that_before_the_ambient_one():
    with client_for(telling(), environ=ENVIRON) as vault:
        assert vault.fetch("fake/x").text() == "(environment)"
        store(vault, "mine")
        vault.credentials.set_default("mine")
        assert vault.fetch("fake/x").text() == "(environment)"
        assert vault.fetch("mine/x").text() == "mine"
    with client_for(telling()) as vault:
        assert vault.fetch("fake/x").text() == "(ambient)"
        store(vault, "mine")
        assert vault.fetch("fake/x").text() == "(ambient)"
        vault.credentials.set_default("mine")
        assert vault.fetch("fake/x").text() == "mine"
        assert vault.credentials.default("fake").name == "mine"
        vault.credentials.unset_default("fake")
        assert vault.fetch("fake/x").text() == "(ambient)"
        assert vault.credentials.default("fake") is None


def test_a_default_that_was_removed_or_signed_out_is_none():
    with client_for(telling()) as vault:
        store(vault, "mine")
        vault.credentials.set_default("mine")
        vault.credentials.clear("mine")
        assert vault.fetch("fake/x").text() == "(ambient)"
        vault.credentials.remove("mine")
        assert vault.credentials.default("fake") is None
        assert vault.fetch("fake/x").text() == "(ambient)"


def test_a_default_that_was_renamed_is_still_the_default():
    with client_for(telling()) as vault:
        store(vault, "mine")
        vault.credentials.set_default("mine")
        vault.credentials.rename("mine", "ours")
        assert vault.fetch("fake/x").text() == "ours"


def test_a_stored_credential_is_found_by_name_and_by_id():
    with client_for(telling()) as vault:
        stored = store(vault, "mine")
        assert vault.fetch("mine/x").text() == "mine"
        assert vault.fetch(f"{stored.id}/x").text() == "mine"
        assert vault.credentials.resolve("mine").id == stored.id


@pytest.mark.parametrize("environ", [{}, ENVIRON])
def test_one_that_was_signed_out_works_through_what_there_is(environ):
    with client_for(telling(), environ=environ) as vault:
        store(vault, "mine")
        store(vault, "other")
        vault.credentials.set_default("other")
        vault.credentials.clear("mine")
        expected = "(environment)" if environ else "(ambient)"
        assert vault.fetch("mine/x").text() == expected
        assert vault.credentials.resolve("mine").origin in expected


def test_a_stored_credential_named_like_a_provider_installed_later_wins(tmp_path):
    mine, later = telling(), FakeProvider({"x": "the provider's"})
    with client_for(mine, home=tmp_path) as vault:
        store(vault, "acme")
    plugins = {"fake": mine, "acme": later}
    with client_for(home=tmp_path, plugins=plugins) as vault:
        assert vault.fetch("acme/x").text() == "acme"
    assert later.fetched == []


def test_a_head_that_nothing_has_suggests_what_is_near():
    plugins = {"fake": telling(), "fakery": telling()}
    with client_for(plugins=plugins) as vault:
        store(vault, "production")
        with pytest.raises(CredentialNotFound) as caught:
            vault.fetch("produktion/x")
        assert caught.value.candidates == ("production",)
        assert caught.value.credential == "produktion"
        assert caught.value.reference == "produktion/x"
        assert caught.value.hint
        with pytest.raises(CredentialNotFound) as caught:
            vault.fetch("faky/x")
        assert set(caught.value.candidates) == {"fake", "fakery"}
        with pytest.raises(
            CredentialNotFound, match="there are: fake, fakery, production"
        ) as caught:
            vault.fetch("zzz/x")
        assert caught.value.candidates == ()
        with pytest.raises(CredentialNotFound):
            vault.fetch("Production/x")
        with pytest.raises(CredentialNotFound):
            vault.list("nobody") and list(vault.list("nobody"))


def test_a_credential_of_a_provider_that_is_gone_says_so(tmp_path):
    with client_for(telling(), home=tmp_path) as vault:
        store(vault, "mine")
    with client_for(home=tmp_path, plugins={}) as vault:
        with pytest.raises(ProviderNotFound, match="'fake'") as caught:
            vault.fetch("mine/x")
        assert caught.value.credential == "mine"
        assert [item.name for item in vault.credentials.list()] == ["mine"]
        vault.credentials.remove("mine")


def test_what_is_chosen_meanwhile_holds_for_the_next_fetch():
    provider = telling()
    inside, go = threading.Event(), threading.Event()

    def value(session, _request):
        inside.set()
        assert go.wait(WAIT)
        return Secret(session.client)

    provider.value = value
    with client_for(provider) as vault:
        store(vault, "mine")
        results = []
        thread = threading.Thread(target=lambda: results.append(vault.fetch("fake/x").text()))
        thread.start()
        assert inside.wait(WAIT)
        vault.credentials.set_default("mine")
        go.set()
        thread.join(WAIT)
        assert results == ["(ambient)"]
        assert vault.cached("fake/x") is None
        assert vault.fetch("fake/x").text() == "mine"


@pytest.mark.parametrize("change", ["add", "remove", "rename", "clear", "set_default"])
def test_a_change_holds_for_words_that_were_used_before(change):
    with client_for(telling()) as vault:
        store(vault, "mine")
        if change == "set_default":
            assert vault.fetch("fake/x").text() == "(ambient)"
            vault.credentials.set_default("mine")
            assert vault.fetch("fake/x").text() == "mine"
            return
        assert vault.fetch("mine/x").text() == "mine"
        if change == "add":
            identity = vault.credentials.get("mine").id
            assert vault.fetch(f"{identity}/x").text() == "mine"
            store(vault, identity)  # a name goes before an id
            assert vault.fetch(f"{identity}/x").text() == identity
        elif change == "clear":
            vault.credentials.clear("mine")
            assert vault.fetch("mine/x").text() == "(ambient)"
        else:
            if change == "remove":
                vault.credentials.remove("mine")
            else:
                vault.credentials.rename("mine", "ours")
            with pytest.raises(CredentialNotFound):
                vault.fetch("mine/x")


# --------------------------------------------------------------------- what Insomnia's tags mean


def reference(vault, provider, credential, lookup):
    return str(vault._selection.reference(provider, credential, lookup))


def test_a_tags_credential_is_looked_up_by_id_and_by_name():
    with client_for(telling()) as vault:
        stored = store(vault, "mine")
        lookup = {"SecretId": "db", "SecretKey": "user", "VersionId": "3"}
        assert reference(vault, "fake", stored.id, lookup) == "mine/db?version=3#user"
        assert reference(vault, "fake", "mine", lookup) == "mine/db?version=3#user"
        assert reference(vault, "fake", "", lookup) == "fake/db?version=3#user"
        assert reference(vault, "fake", "cloudCred_" + "0" * 32, lookup).startswith("fake/")


def test_a_tag_for_another_providers_credential_is_refused():
    with client_for(plugins={"fake": telling(), "other": telling()}) as vault:
        store(vault, "mine")
        with pytest.raises(InvalidTag, match="for fake, not for other") as caught:
            reference(vault, "other", "mine", {"SecretId": "db"})
        assert (caught.value.credential, caught.value.provider) == ("mine", "other")


def test_a_tag_for_a_provider_without_a_form_or_a_wrong_look_up_is_refused():
    class Formless(BatchProvider):
        describe_secret_form = None

    with client_for(plugins={"fake": telling(), "bare": Formless()}) as vault:
        with pytest.raises(NotSupported, match="cannot read tags"):
            reference(vault, "bare", "", {"SecretId": "db"})
        with pytest.raises(FormError, match="name is required"):
            reference(vault, "fake", "", {})
        with pytest.raises(FormError, match="Wrong is not known"):
            reference(vault, "fake", "", {"SecretId": "db", "Wrong": "x"})
        with pytest.raises(ProviderNotFound):
            reference(vault, "nobody", "", {"SecretId": "db"})


def test_origins_read_as_words():
    assert {str(each) for each in Origin} == {"stored", "environment", "ambient"}


def test_a_default_that_is_another_providers_is_none():
    with client_for(plugins={"fake": telling(), "other": telling()}) as vault:
        stored = store(vault, "mine")
        vault.settings.set_default_credential("other", stored.id)  # as who can write the file may
        assert vault.fetch("other/x").text() == "(ambient)"
        assert vault.credentials.default("other") is None


def test_a_tag_never_means_a_credential_of_another_provider_with_its_providers_name(tmp_path):
    with client_for(telling(), home=tmp_path) as vault:
        store(vault, "acme")
    later = FakeProvider({"db": "the provider's"})
    with client_for(home=tmp_path, plugins={"fake": telling(), "acme": later}) as vault:
        for credential in ("", "no-such-id"):
            with pytest.raises(InvalidTag, match="'acme' is for fake, not for acme") as caught:
                reference(vault, "acme", credential, {"SecretId": "db"})
            assert "rename acme" in caught.value.hint
        vault.credentials.rename("acme", "mine")
        assert reference(vault, "acme", "", {"SecretId": "db"}) == "acme/db"
