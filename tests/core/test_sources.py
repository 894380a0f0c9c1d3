"""Credentials that are built on others: found by name, of one provider, never in a circle."""

from __future__ import annotations

import pytest
from tests.fakes import FakeProvider, client_for

from unvault.errors import CredentialMissing, CredentialNotFound
from unvault.forms import CredentialForm, CredentialType, Field
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret

FORM = CredentialForm(
    "Chained",
    types=[
        CredentialType("key", fields=[Field("key", kind="secret", required=True)]),
        CredentialType("role", fields=[Field("source", required=True)]),
    ],
)


class Chained(FakeProvider):
    """A provider whose roles are taken on by means of another credential."""

    form = FORM

    @hookimpl
    def authenticate(self, credential, find):
        self.credentials.append(credential)
        chain = [credential.name]
        while credential.type == "role":
            credential = find(credential.answers["source"])
            chain.append(credential.name)
        return Session(client=f"{'<'.join(chain)}:{credential.answers['key']}")

    def value(self, session, request):
        return Secret(f"{session.client} {request.path}")


def add(vault, name, kind, provider="chained", **answers):
    return vault.credentials.add(vault.credentials.draft(provider, kind, answers, name=name))


@pytest.fixture
def provider():
    return Chained()


@pytest.fixture
def vault(provider):
    with client_for(plugins={"chained": provider, "fake": FakeProvider()}) as made:
        add(made, "base", "key", key="k1")
        add(made, "middle", "role", source="base")
        add(made, "top", "role", source="middle")
        yield made


def edit(vault, name, kind, **answers):
    return vault.credentials.edit(name, vault.credentials.draft("chained", kind, answers))


def test_a_credential_is_found_through_another(vault):
    assert vault.fetch("top/x").text() == "top<middle<base:k1 x"


@pytest.mark.parametrize("changed", ["edit", "remove", "clear", "rename"])
def test_a_change_of_a_source_drops_what_was_signed_in_to_by_means_of_it(vault, provider, changed):
    vault.fetch("top/x")
    vault.fetch("base/x")
    if changed == "edit":
        edit(vault, "base", "key", key="k2")
        assert vault.fetch("top/x").text() == "top<middle<base:k2 x"
    else:
        arguments = {"rename": ("base", "other")}.get(changed, ("base",))
        getattr(vault.credentials, changed)(*arguments)
        with pytest.raises((CredentialNotFound, CredentialMissing), match="base"):
            vault.fetch("top/x")
    assert [session.client[:3] for session in provider.closed] == ["top", "bas"]


def test_a_change_of_a_credential_leaves_its_sources_alone(vault, provider):
    vault.fetch("base/x")
    vault.fetch("top/x")
    edit(vault, "top", "role", source="base")

    assert vault.fetch("top/x").text() == "top<base:k1 x"
    vault.fetch("base/x", fresh=True)
    assert [each.name for each in provider.credentials] == ["base", "top", "top"]


def test_a_source_of_another_provider_is_refused_and_both_are_named(vault):
    add(vault, "foreign", "token", provider="fake", token="t")
    add(vault, "mixed", "role", source="foreign")

    with pytest.raises(CredentialMissing, match=r"'foreign' is for fake.*'mixed' is for chained"):
        vault.fetch("mixed/x")


def test_a_source_that_leads_back_is_refused(vault):
    edit(vault, "middle", "role", source="top")

    with pytest.raises(CredentialMissing, match="leads back to 'top'"):
        vault.fetch("top/x")


def test_a_draft_that_would_lead_back_to_itself_is_refused(vault):
    draft = vault.credentials.draft("chained", "role", {"source": "middle"}, name="middle")

    with pytest.raises(CredentialMissing, match="leads back to 'middle'"):
        vault.credentials.test(draft)


def test_a_source_that_is_not_there_is_told_with_near_names_of_the_same_provider(vault):
    add(vault, "bases", "token", provider="fake", token="t")
    add(vault, "lost", "role", source="bas")

    with pytest.raises(CredentialNotFound) as caught:
        vault.fetch("lost/x")
    assert caught.value.candidates == ("base",)
    assert caught.value.credential == "lost"


def test_a_source_that_is_gone_is_replaced_where_it_was_named(vault):
    vault.credentials.remove("base")

    for name in ("top/x", "middle/x"):
        with pytest.raises(
            CredentialNotFound, match="'base', which is named as a source"
        ) as caught:
            vault.fetch(name)
        assert str(caught.value.hint).startswith(
            "name another source: unvault credentials edit middle"
        )
    draft = vault.credentials.draft("chained", "role", {"source": "base"}, name="new")
    with pytest.raises(CredentialNotFound) as caught:
        vault.credentials.test(draft)  # which is not there to be edited
    assert caught.value.hint == "unvault credentials list shows those there are"


def test_a_source_that_was_signed_out_is_no_source(vault):
    vault.credentials.clear("base")

    with pytest.raises(CredentialMissing, match="signed out") as caught:
        vault.fetch("top/x")
    assert "credentials edit base" in str(caught.value.hint)
