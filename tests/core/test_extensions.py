"""Extensions go round every provider's hooks, and do nothing else."""

from __future__ import annotations

import types

import pytest
from tests.fakes import BatchProvider, FakeProvider, ListingProvider, Site, client_for, lines

from unvault.errors import (
    AccessDenied,
    ProviderBroken,
    ProviderFault,
    ProviderNotFound,
    SecretNotFound,
)
from unvault.hookspecs import hookimpl
from unvault.provider import ProviderState
from unvault.secret import Secret


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path / "site", monkeypatch)
    yield made
    made.forget()


class Audit:
    """Notes who was asked for what, and what came of it."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @hookimpl(wrapper=True)
    def authenticate(self, credential):
        self.notes.append(f"signing in to {credential.provider}")
        return (yield)

    @hookimpl(wrapper=True)
    def fetch_secret(self, session, request):
        try:
            found = yield
        except SecretNotFound:
            self.notes.append(f"{session.credential.provider}: no {request.path}")
            raise
        self.notes.append(f"{session.credential.provider}: {request.path}")
        return found


AUDIT = lines(
    """
    from unvault.hookspecs import hookimpl

    notes = []


    @hookimpl(wrapper=True)
    def fetch_secret(session, request):
        notes.append(request.path)
        return (yield)
    """
)


def test_an_extension_sees_every_provider():
    audit = Audit()
    plugins = {"one": FakeProvider({"a": "1"}), "two": FakeProvider()}
    with client_for(plugins=plugins, extensions=[audit]) as vault:
        assert vault.fetch("one/a").text() == "1"
        with pytest.raises(SecretNotFound):
            vault.fetch("two/b")
    assert audit.notes == ["signing in to one", "one: a", "signing in to two", "two: no b"]


def test_an_extension_sees_batches_and_listings():
    class Both(BatchProvider, ListingProvider):
        pass

    seen = []

    class Counting:
        @hookimpl(wrapper=True)
        def fetch_secrets(self, requests):
            seen.append(len(requests))
            return (yield)

        @hookimpl(wrapper=True)
        def list_secrets(self, prefix):
            seen.append(prefix)
            return (yield)

    with client_for(Both({"a": "1", "b": "2"}), extensions=[Counting()]) as vault:
        vault.fetch_many(["fake/a", "fake/b"])
        list(vault.list("fake", "a"))
    assert seen == [2, "a"]


def test_an_extension_does_not_lend_a_provider_a_hook_it_lacks():
    class Wrapping:
        @hookimpl(wrapper=True)
        def fetch_secrets(self):
            return (yield)

    provider = FakeProvider({"a": "1", "b": "2"})
    with client_for(provider, extensions=[Wrapping()]) as vault:
        assert [each.text() for each in vault.fetch_many(["fake/a", "fake/b"])] == ["1", "2"]
    assert sorted(provider.fetched) == ["a", "b"]


def test_extensions_are_loaded_by_name_and_only_when_enabled(site):
    site.extension("audit", AUDIT)
    site.extension("other", "raise RuntimeError('not asked for')")
    with client_for(FakeProvider({"a": "1"})) as vault:
        vault.fetch("fake/a")
    assert site.imported() == set()
    with client_for(FakeProvider({"a": "1"}), extensions=["audit"]) as vault:
        vault.providers.list()
        assert site.imported() == set()
        vault.fetch("fake/a")
    import extension_audit

    assert extension_audit.notes == ["a"]
    assert site.imported() == {"extension_audit"}


def test_an_extension_may_be_a_class(site):
    site.extension(
        "classy",
        lines(
            """
            from unvault.hookspecs import hookimpl
            from unvault.secret import Secret


            class Shouting:
                @hookimpl(wrapper=True)
                def fetch_secret(self):
                    return Secret((yield).text().upper())
            """
        ),
    )
    info = site.folder / "dist_classy-1.0.dist-info" / "entry_points.txt"
    info.write_text("[unvault.extensions]\nclassy = extension_classy:Shouting\n")
    with client_for(FakeProvider({"a": "quiet"}), extensions=["classy"]) as vault:
        assert vault.fetch("fake/a").text() == "QUIET"
    with client_for(FakeProvider({"a": "1"}), extensions=[Audit]) as vault:
        assert vault.fetch("fake/a").text() == "1"


def test_extensions_of_one_class_are_all_enabled():
    first, second = Audit(), Audit()
    with client_for(FakeProvider({"a": "1"}), extensions=[first, second]) as vault:
        vault.fetch("fake/a")
    assert first.notes == second.notes == ["signing in to fake", "fake: a"]


def test_modules_are_extensions_too_and_two_of_them_are_two():
    modules = [types.ModuleType("one"), types.ModuleType("two")]
    for module in modules:
        exec(AUDIT, vars(module))  # noqa: S102  # our own text
    with client_for(FakeProvider({"a": "1"}), extensions=modules) as vault:
        vault.fetch("fake/a")
    assert [module.notes for module in modules] == [["a"], ["a"]]


def test_an_extension_enabled_twice_by_name_wraps_once(site):
    site.extension("audit", AUDIT)
    with client_for(FakeProvider({"a": "1"}), extensions=["audit", "audit"]) as vault:
        vault.fetch("fake/a")
    import extension_audit

    assert extension_audit.notes == ["a"]


def test_an_extension_that_would_answer_itself_is_refused():
    class Usurper:
        @hookimpl
        def fetch_secret(self, session, request):
            return Secret("mine")

    provider = FakeProvider({"a": "1"})
    with client_for(provider, extensions=[Usurper()]) as vault:
        with pytest.raises(ProviderBroken, match="implements fetch_secret, and may only wrap it"):
            vault.fetch("fake/a")
        assert vault.providers.check("fake").state is ProviderState.BROKEN
    assert provider.credentials == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no luck')", ["cannot be loaded", "RuntimeError", "no luck"]),
        ("raise SystemExit(3)", ["cannot be loaded", "SystemExit"]),
        (AUDIT.replace("fetch_secret", "fetch_sekret"), ["fetch_sekret"]),
        (AUDIT.replace("(session, request)", "(session, query)"), ["query"]),
        (AUDIT.replace("return (yield)", "return None"), ["fetch_secret"]),
    ],
)
def test_a_broken_extension_is_named_and_nothing_runs_without_it(site, source, words):
    site.extension("audit", source)
    provider = FakeProvider({"a": "1"})
    with client_for(provider, extensions=["audit"]) as vault:
        with pytest.raises(ProviderBroken) as caught:
            vault.fetch("fake/a")
        assert all(word in caught.value.message for word in ["extension 'audit'", *words])
        (outcome,) = vault.fetch_many(["fake/a"])
        assert isinstance(outcome, ProviderBroken)
    assert provider.credentials == []


def test_an_unknown_extension_lists_those_installed(site):
    site.extension("audit", AUDIT)
    site.extension("metrics", AUDIT)
    with client_for(FakeProvider({"a": "1"}), extensions=["audyt"]) as vault:
        with pytest.raises(ProviderNotFound, match="no extension 'audyt'") as caught:
            vault.fetch("fake/a")
        assert "audit, metrics" in caught.value.message
        assert vault.providers.check("fake").state is ProviderState.BROKEN


def test_an_extension_may_refuse():
    class Guard:
        @hookimpl(wrapper=True)
        def fetch_secret(self, request):
            if request.path == "forbidden":
                raise AccessDenied("the policy of this application")
            return (yield)

    provider = FakeProvider({"a": "1", "forbidden": "2"})
    with client_for(provider, extensions=[Guard()]) as vault:
        assert vault.fetch("fake/a").text() == "1"
        with pytest.raises(AccessDenied):
            vault.fetch("fake/forbidden")
    assert provider.fetched == ["a"]


def test_an_extension_that_raises_what_is_not_ours_is_a_fault_without_its_text():
    canary = "canary-5d21a7"

    class Clumsy:
        @hookimpl(wrapper=True)
        def fetch_secret(self, request):
            found = yield
            raise RuntimeError(f"{canary} {found.text()}")

    options = {"extensions": [Clumsy()]}
    with (
        client_for(FakeProvider({"a": canary}), **options) as vault,
        pytest.raises(ProviderFault) as caught,
    ):
        vault.fetch("fake/a")
    assert canary not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "test_extensions.py:" in caught.value.message


def test_two_clients_have_extensions_of_their_own():
    audit = Audit()
    with (
        client_for(FakeProvider({"a": "1"}), extensions=[audit]),
        client_for(FakeProvider({"a": "1"})) as other,
    ):
        other.fetch("fake/a")
    assert audit.notes == []


def unmarked_module():
    module = types.ModuleType("forgetful")
    exec(AUDIT + "\n\ndef authenticate():\n    pass\n", vars(module))  # noqa: S102  # our own text
    return module


@pytest.mark.parametrize(
    ("extension", "why"),
    [
        (None, "wraps no hook"),
        (42, "wraps no hook"),
        (types.ModuleType("nothing"), "wraps no hook"),
        (unmarked_module(), "has a function authenticate without a mark"),
        (type("Unmarked", (), {"fetch_secret": lambda self: None}), "has a function fetch_secret"),
        (type("Failing", (), {"__init__": lambda self: 1 / 0}), "cannot be loaded"),
    ],
)
def test_an_extension_that_would_do_nothing_is_refused(extension, why):
    with client_for(FakeProvider({"a": "1"}), extensions=[extension]) as vault:
        with pytest.raises(ProviderBroken, match=why) as caught:
            vault.fetch("fake/a")
        assert "the extension" in caught.value.message


def test_an_old_wrapper_is_refused_since_pluggy_would_print_what_it_raises(recwarn):
    class Old:
        @hookimpl(hookwrapper=True)
        def fetch_secret(self):
            yield
            raise RuntimeError("canary-77")

    with (
        client_for(FakeProvider({"a": "1"}), extensions=[Old()]) as vault,
        pytest.raises(ProviderBroken, match="mark it wrapper=True instead"),
    ):
        vault.fetch("fake/a")
    assert not [each for each in recwarn if "canary-77" in str(each.message)]


def test_the_same_extension_given_twice_wraps_once(site):
    audit = Audit()
    with client_for(FakeProvider({"a": "1"}), extensions=[audit, audit]) as vault:
        vault.fetch("fake/a")
    assert audit.notes == ["signing in to fake", "fake: a"]
    site.extension("audit", AUDIT)
    import extension_audit

    with client_for(FakeProvider({"a": "1"}), extensions=["audit", extension_audit]) as vault:
        vault.fetch("fake/a")
    assert extension_audit.notes == ["a"]
