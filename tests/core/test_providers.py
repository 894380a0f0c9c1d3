from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
import traceback
import types

import pytest
from tests.fakes import GOOD, BatchProvider, FakeProvider, ListingProvider, Site, client_for, lines

from unvault.client import Unvault
from unvault.errors import (
    CredentialNotFound,
    NotSupported,
    ProviderBlocked,
    ProviderBroken,
    ProviderConflict,
    ProviderFault,
    ProviderNotFound,
    SecretNotFound,
    UnvaultError,
)
from unvault.hookspecs import REQUIRED, hookimpl
from unvault.model import SecretInfo, Session
from unvault.provider import ProviderState
from unvault.providers import Providers, blocked_by
from unvault.secret import Secret

CANARY = "canary-83b1f0"


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path / "site", monkeypatch)
    yield made
    made.forget()


def without(hook: str) -> str:
    """Return a good provider's source that lacks a hook."""
    return GOOD.replace(f"def {hook}(", f"def _{hook}(").replace(
        f"@hookimpl\ndef _{hook}(", f"def _{hook}("
    )


BROKEN = {
    "raises": (
        "raise RuntimeError('no luck')",
        ["RuntimeError", "no luck", "provider_raises.py:1"],
    ),
    "exits": ("raise SystemExit(3)", ["SystemExit", "provider_exits.py:1"]),
    "syntax": ("def broken(:\n", ["SyntaxError", "provider_syntax.py"]),
    "dependency": ("import no_such_module_anywhere", ["no_such_module_anywhere"]),
    "misspelt": (
        GOOD + "\n\n@hookimpl\ndef fetch_secretz(session, requests):\n    pass\n",
        ["fetch_secretz"],
    ),
    "arguments": (GOOD.replace("(session, request)", "(session, query)"), ["query"]),
    "unmarked": (
        GOOD.replace("@hookimpl\ndef authenticate", "def authenticate"),
        ["authenticate", "without @hookimpl"],
    ),
    "interrupted": (
        "import asyncio\nraise asyncio.CancelledError('no luck')",
        ["CancelledError", "no luck"],
    ),
    "empty": ("", ["lacks the required hook describe_credential_form"]),
    "formless": (
        GOOD.replace("return CredentialForm(", "return str("),
        ["describe_credential_form"],
    ),
    "defective": (
        GOOD.replace('Field("token"', 'Field("Not A Name"'),
        ["describe_credential_form", "ValueError"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_provider_that_breaks_the_contract_is_broken_and_says_why(site, name):
    source, words = BROKEN[name]
    site.provider(name, source)
    site.provider("good")
    providers = Providers()

    info = providers.check(name)

    assert info.state is ProviderState.BROKEN
    assert (info.id, info.distribution, info.version) == (name, f"dist-{name}", "1.0")
    assert info.reason
    assert all(word in info.reason for word in words), info.reason
    assert providers.check("good").state is ProviderState.READY


@pytest.mark.parametrize("hook", REQUIRED)
def test_a_provider_without_a_required_hook_is_broken(site, hook):
    site.provider("lacking", without(hook))
    with pytest.raises(ProviderBroken, match=f"used: it lacks the required hook {hook} ") as caught:
        Providers().load("lacking")
    assert caught.value.provider == "lacking"
    assert caught.value.distribution == "dist-lacking"
    assert caught.value.hint


def test_all_the_broken_ones_together_harm_no_good_one(site):
    for name, (source, _) in BROKEN.items():
        site.provider(name, source)
    site.provider("good")
    with client_for(plugins={}, discover=True) as vault:
        assert vault.fetch("good/db").text() == "value of db"
        outcomes = vault.fetch_many([f"{name}/db" for name in BROKEN] + ["good/x"])
        assert outcomes[-1].text() == "value of x"
        assert all(isinstance(each, UnvaultError) for each in outcomes[:-1])
        listed = {info.id: info.state for info in vault.providers.list()}
    assert {*BROKEN, "good"} <= listed.keys()
    assert listed["good"] is ProviderState.READY


def test_a_broken_provider_can_be_used_once_it_is_mended(site):
    file = site.provider("mended", "raise RuntimeError")
    providers = Providers()
    assert providers.check("mended").state is ProviderState.BROKEN
    file.write_text(GOOD + "# longer than before\n")
    assert providers.check("mended").state is ProviderState.READY


def test_two_distributions_that_claim_one_id_are_both_refused_and_named(site):
    site.module("first")
    site.module("second")
    site.distribution("dist-first", providers={"twin": "first"}, version="1.2")
    site.distribution("dist-second", providers={"twin": "second"}, version="3.4")
    site.provider("good")
    providers = Providers()

    with pytest.raises(ProviderConflict) as caught:
        providers.load("twin")

    assert "dist-first 1.2" in caught.value.message
    assert "dist-second 3.4" in caught.value.message
    assert caught.value.provider == "twin"
    twins = [info for info in providers.list() if info.id == "twin"]
    assert sorted((info.distribution, info.state) for info in twins) == [
        ("dist-first", ProviderState.CONFLICT),
        ("dist-second", ProviderState.CONFLICT),
    ]
    assert providers.check("twin").state is ProviderState.CONFLICT
    assert site.imported() == set()
    assert providers.check("good").state is ProviderState.READY


def test_one_distribution_found_twice_is_no_conflict(site, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.syspath_prepend(str(other))
    site.provider("good")
    site.distribution("dist-good", providers={"good": "provider_good"}, folder=other)
    assert Providers().check("good").state is ProviderState.READY


@pytest.mark.parametrize("by", ["environment", "embedder"])
def test_a_blocked_provider_is_never_imported(site, by):
    site.provider("kept-out")
    site.provider("good")
    if by == "environment":
        options = {"environ": {"UNVAULT_BLOCK": "other , kept-out,"}}
    else:
        options = {"block": ["kept-out"]}
    with client_for(plugins={}, discover=True, **options) as vault:
        states = {info.id: info.state for info in vault.providers.list()}
        assert states["kept-out"] is ProviderState.BLOCKED
        info = vault.providers.check("kept-out")
        assert (info.state, info.distribution) == (ProviderState.BLOCKED, "dist-kept-out")
        with pytest.raises(ProviderBlocked, match="blocked by configuration"):
            vault.fetch("kept-out/db")
        assert vault.fetch("good/db").text() == "value of db"
    assert site.imported() == {"provider_good"}


def test_the_environment_blocks_besides_the_embedder():
    options = {"block": ["one"], "environ": {"UNVAULT_BLOCK": "two"}}
    plugins = {name: FakeProvider() for name in ("one", "two", "three")}
    with client_for(plugins=plugins, **options) as vault:
        states = {info.id: info.state for info in vault.providers.list()}
    assert states == {
        "one": ProviderState.BLOCKED,
        "two": ProviderState.BLOCKED,
        "three": ProviderState.INSTALLED,
    }


@pytest.mark.parametrize(
    ("value", "blocked"),
    [(None, set()), ("", set()), (" , ,", set()), ("a", {"a"}), (" a ,b", {"a", "b"})],
)
def test_the_block_variable_is_a_list_with_commas(value, blocked):
    assert blocked_by({} if value is None else {"UNVAULT_BLOCK": value}) == blocked


@pytest.mark.parametrize("name", ["Upper", "1st", "with.dot", "ünicode", "-dash", "under_score"])
def test_an_id_that_is_not_fit_is_refused(site, name):
    site.module("odd")
    site.distribution("dist-odd", providers={name: "odd"})
    site.provider("good")
    providers = Providers()
    info = providers.check(name)
    assert info.state is ProviderState.BROKEN
    assert "an id is lower-case letters, digits" in (info.reason or "")
    assert providers.check("good").state is ProviderState.READY
    assert site.imported() == {"provider_good"}


@pytest.mark.parametrize(
    "value", ["no_such_module", "good_one:missing", "good_one:", "not a value!"]
)
def test_an_entry_point_that_leads_nowhere_is_a_broken_provider(site, value):
    site.module("good_one")
    site.distribution("dist-lost", providers={"lost": value})
    site.provider("good")
    providers = Providers()
    assert {"lost", "good"} <= set(providers.ids())
    assert providers.check("lost").state in {ProviderState.BROKEN, ProviderState.READY}
    if value != "good_one:":  # some versions of Python read this as the module itself
        assert providers.check("lost").state is ProviderState.BROKEN
    assert providers.check("good").state is ProviderState.READY


@pytest.mark.parametrize("strict", [False, True])
def test_a_distribution_without_its_metadata_file_harms_no_other(site, monkeypatch, strict):
    if strict:  # as newer versions of importlib.metadata are
        lenient = importlib.metadata.Distribution.metadata.fget

        def metadata(self):
            if self.read_text("METADATA") is None:
                raise FileNotFoundError("No package metadata was found.")
            return lenient(self)

        monkeypatch.setattr(importlib.metadata.Distribution, "metadata", property(metadata))
    site.provider("half")
    site.provider("good")
    (site.folder / "dist_half-1.0.dist-info" / "METADATA").unlink()
    providers = Providers()
    assert {"half", "good"} <= {info.id for info in providers.list()}
    assert providers.check("good").state is ProviderState.READY
    info = providers.check("half")
    assert (info.state, info.distribution, info.version) == (ProviderState.READY, None, None)


LISTING = """
import sys
from unvault import Unvault
vault = Unvault()
print(sorted(info.id for info in vault.providers.list()))
print([name for name in sys.modules if name.startswith("provider_")])
"""


def test_listing_imports_no_provider(site, tmp_path):
    site.provider("one")
    site.provider("two", "raise SystemExit('imported')")
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", LISTING],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "UNVAULT_HOME": str(home)},
    )
    ids, imported = done.stdout.splitlines()
    assert "'one'" in ids
    assert "'two'" in ids
    assert imported == "[]"
    assert "import time" in done.stderr
    assert "provider_" not in done.stderr
    assert "unvault_local" not in done.stderr
    assert not home.exists()


def test_loading_imports_that_provider_and_no_other(site):
    for name in ("one", "two", "three"):
        site.provider(name)
    providers = Providers()
    assert {"one", "two", "three"} <= set(providers.ids())
    assert "one" in providers
    assert "none" not in providers
    assert site.imported() == set()
    providers.load("two")
    assert site.imported() == {"provider_two"}
    states = {info.id: info.state for info in providers.list()}
    assert states["one"] is ProviderState.INSTALLED
    assert states["two"] is ProviderState.READY


def test_a_provider_is_loaded_once(site):
    site.provider("good")
    providers = Providers()
    assert providers.load("good") is providers.load("good")
    assert Providers().load("good") is not providers.load("good")


def test_a_provider_may_be_a_module_an_object_or_a_class(site):
    site.module(
        "shapes",
        GOOD
        + lines("""
        class AsClass:
            describe_credential_form = staticmethod(describe_credential_form)
            authenticate = staticmethod(authenticate)

            @hookimpl
            def fetch_secret(self, session, request):
                return Secret(type(self).__name__)

        an_object = AsClass()
    """),
    )
    site.distribution(
        "dist-shapes",
        providers={"module": "shapes", "cls": "shapes:AsClass", "obj": "shapes:an_object"},
    )
    with client_for(plugins={}, discover=True) as vault:
        assert vault.fetch("module/x").text() == "value of x"
        assert vault.fetch("cls/x").text() == "AsClass"
        assert vault.fetch("obj/x").text() == "AsClass"


def test_the_application_can_bring_providers_as_objects_classes_or_modules():
    module = types.ModuleType("brought")
    exec(GOOD, vars(module))  # noqa: S102  # our own text
    plugins = {
        "object": FakeProvider({"x": "from an object"}),
        "klass": type("Ready", (FakeProvider,), {"value": lambda *_: Secret("from a class")}),
        "module": module,
    }
    with client_for(plugins=plugins) as vault:
        assert vault.fetch("object/x").text() == "from an object"
        assert vault.fetch("klass/x").text() == "from a class"
        assert vault.fetch("module/x").text() == "value of x"
        info = vault.providers.check("object")
        assert (info.state, info.distribution, info.version) == (ProviderState.READY, None, None)


def test_a_provider_of_the_application_goes_before_an_installed_one(site):
    site.provider("good")
    plugins = {"good": FakeProvider({"x": "the application's"})}
    with client_for(plugins=plugins, discover=True) as vault:
        assert vault.fetch("good/x").text() == "the application's"
    assert site.imported() == set()


def test_a_broken_provider_of_the_application_says_whose_it_is():
    with pytest.raises(ProviderBroken, match="of this application"):
        Providers({"mine": object()}, discover=False).load("mine")


def test_without_discovery_nothing_installed_is_seen(site):
    site.provider("good")
    providers = Providers(discover=False)
    assert providers.ids() == []
    with pytest.raises(ProviderNotFound):
        providers.load("good")


def test_a_known_extra_says_what_to_install():
    providers = Providers({"awz": FakeProvider()}, discover=False)
    with pytest.raises(ProviderNotFound) as caught:
        providers.load("aws")
    assert caught.value.hint == 'pip install "unvault[aws]"'
    assert caught.value.candidates == ("awz",)


@pytest.mark.parametrize("name", ["nobodys", "all", "keyring"])
def test_what_no_extra_provides_has_another_hint(name):
    with pytest.raises(ProviderNotFound) as caught:
        Providers(discover=False).load(name)
    assert caught.value.hint == f"install the distribution that provides {name!r}"


def test_check_of_what_is_not_there_raises_nothing():
    info = Providers(discover=False).check("nobodys")
    assert (info.state, info.distribution) == (ProviderState.BROKEN, None)


def test_a_reference_to_a_missing_provider_says_what_to_install():
    with client_for(plugins={}) as vault:
        with pytest.raises(ProviderNotFound, match="aws") as caught:
            vault.fetch("aws/db")
        assert caught.value.hint == 'pip install "unvault[aws]"'
        with pytest.raises(CredentialNotFound):
            vault.fetch("keyring/db")


# ------------------------------------------------------------------- what a hook may do wrong


def shown(error: BaseException) -> str:
    """Return all that an error tells: formatted with its chain, and each object of the chain."""
    parts = ["".join(traceback.format_exception(error))]
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        parts += [str(each), repr(each), repr(vars(each)), repr(each.args)]
        waiting += [each.__cause__, each.__context__]
    return "\n".join(parts)


class Odd(Exception):
    def __init__(self, one, two):  # not what copying it would call it with
        super().__init__(f"{one} {two}")


def raising(error):
    raise error


def chained():
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        raise ValueError(CANARY) from error


class Basic(BaseException):
    pass


FAULTS = {
    "exit": lambda: sys.exit(CANARY),
    "cancelled": lambda: raising(asyncio.CancelledError(CANARY)),
    "generator": lambda: raising(GeneratorExit(CANARY)),
    "base": lambda: raising(Basic(CANARY)),
    "base group": lambda: raising(BaseExceptionGroup(CANARY, [Basic(CANARY)])),
    "plain": lambda: (_ for _ in ()).throw(RuntimeError(CANARY)),
    "odd": lambda: (_ for _ in ()).throw(Odd(CANARY, CANARY)),
    "chained": chained,
    "codec": (b"\xff" + CANARY.encode()).decode,
    "group": lambda: (_ for _ in ()).throw(ExceptionGroup(CANARY, [ValueError(CANARY)])),
    "key": lambda: {}[CANARY],
}


@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("hook", ["authenticate", "fetch_secret", "fetch_secrets", "list_secrets"])
def test_what_is_not_ours_becomes_a_fault_that_holds_nothing_of_it(hook, how):
    class Faulty(BatchProvider, ListingProvider):
        pass

    provider = Faulty({"a": "1", "b": "2"})
    fail = FAULTS[how]
    if hook == "authenticate":
        provider.sign_in = lambda _, fail=fail: fail()
    elif hook == "fetch_secret":
        provider.secrets["a"] = lambda *_: fail()
    elif hook == "fetch_secrets":
        provider.answer = lambda *_: fail()
    else:
        provider.listing = lambda *_: fail()
    with client_for(provider) as vault:
        if hook == "fetch_secrets":
            first, second = vault.fetch_many(["fake/a", "fake/b"])
            assert first is not second
            errors = [first, second]
        else:
            with pytest.raises(ProviderFault) as caught:
                list(vault.list("fake")) if hook == "list_secrets" else vault.fetch("fake/a")
            errors = [caught.value]
    for error in errors:
        assert isinstance(error, ProviderFault)
        assert CANARY not in shown(error)
        assert error.__cause__ is None
        assert error.__context__ is None
        assert hook in error.message
        assert error.provider == "fake"
        assert ".py:" in error.message


def test_a_listing_that_fails_on_the_way_is_a_fault_that_holds_nothing_of_it():
    provider = ListingProvider({"a": "1"})

    def listing(_session, _prefix):
        yield SecretInfo("a")
        raise RuntimeError(CANARY)

    provider.listing = listing
    with client_for(provider) as vault, pytest.raises(ProviderFault) as caught:
        list(vault.list("fake"))
    assert CANARY not in shown(caught.value)
    assert "RuntimeError" in caught.value.message


@pytest.mark.parametrize("how", FAULTS)
def test_whatever_a_listing_raises_on_the_way_is_withheld(how, capfd):
    def listing(_session, _prefix):
        yield SecretInfo("a")
        FAULTS[how]()

    provider = ListingProvider()
    provider.listing = listing
    with client_for(provider) as vault, pytest.raises(ProviderFault) as caught:
        list(vault.list("fake"))
    assert CANARY not in shown(caught.value)


def test_a_listing_that_raises_when_it_is_closed_prints_nothing(capfd):
    def listing(_session, _prefix):
        try:
            yield SecretInfo("a")
            yield SecretInfo("b")
        finally:
            raise RuntimeError(CANARY)

    provider = ListingProvider()
    provider.listing = listing
    loaded = Providers({"fake": provider}, discover=False).load("fake")
    items = loaded.iterate("list_secrets", session=None, prefix="")
    next(items)
    with pytest.raises(ProviderFault) as caught:
        items.close()
    assert CANARY not in shown(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_listing_may_be_left_half_read():
    closed = []

    def listing(_session, _prefix):
        try:
            yield SecretInfo("a")
            yield SecretInfo("b")
        finally:
            closed.append(True)

    provider = ListingProvider()
    provider.listing = listing
    loaded = Providers({"fake": provider}, discover=False).load("fake")
    items = loaded.iterate("list_secrets", session=None, prefix="")
    assert next(items).path == "a"
    items.close()
    assert closed == [True]


@pytest.mark.parametrize("how", FAULTS)
def test_a_session_that_is_closed_badly_shows_nothing(how, caplog):
    provider = FakeProvider({"a": "1"})
    provider.close = lambda _: FAULTS[how]()
    with client_for(provider) as vault:
        vault.fetch("fake/a")
    assert CANARY not in caplog.text


@pytest.mark.parametrize("ending", [SystemExit(), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("hook", ["fetch_secret", "list_secrets"])
def test_what_ends_the_program_passes(ending, hook):
    def listing(_session, _prefix):
        yield SecretInfo("a")
        raise ending

    provider = ListingProvider({"a": ending})
    provider.listing = listing
    with client_for(provider) as vault, pytest.raises(type(ending)) as caught:
        list(vault.list("fake")) if hook == "list_secrets" else vault.fetch("fake/a")
    assert caught.value is ending


def test_an_error_of_ours_in_a_lazy_listing_comes_out_as_it_is():
    provider = ListingProvider()

    def listing(_session, _prefix):
        yield SecretInfo("a")
        raise SecretNotFound("gone meanwhile")

    provider.listing = listing
    with client_for(provider) as vault, pytest.raises(SecretNotFound, match="gone") as caught:
        list(vault.list("fake"))
    assert caught.value.provider == "fake"


@pytest.mark.parametrize("wrong", [None, "text", b"bytes", {"value": CANARY}, Secret])
def test_a_fetch_that_returns_no_secret_is_a_fault(wrong):
    provider = FakeProvider({"a": lambda *_: wrong})
    with client_for(provider) as vault, pytest.raises(ProviderFault) as caught:
        vault.fetch("fake/a")
    assert f"returned {type(wrong).__name__} from fetch_secret, not Secret" in str(caught.value)
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize("wrong", [None, "client", {"client": CANARY}])
def test_a_sign_in_that_returns_no_session_is_a_fault(wrong):
    provider = FakeProvider({"a": "1"})
    provider.sign_in = lambda _: wrong
    with client_for(provider) as vault, pytest.raises(ProviderFault) as caught:
        vault.fetch("fake/a")
    assert "from authenticate, not Session" in str(caught.value)
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, [CANARY], "abc", [SecretInfo("a"), CANARY]])
def test_a_listing_of_the_wrong_things_is_a_fault(wrong):
    provider = ListingProvider()
    provider.listing = lambda *_: wrong
    with (
        client_for(provider) as vault,
        pytest.raises(ProviderFault, match="list_secrets") as caught,
    ):
        list(vault.list("fake"))
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "NoneType from fetch_secrets"),
        ([], "0 outcomes for 2 requests"),
        ([Secret("1")], "1 outcomes for 2 requests"),
        ([Secret("1")] * 3, "3 outcomes for 2 requests"),
        ([Secret("1"), CANARY], "str among the outcomes"),
        ([Secret("1"), None], "NoneType among the outcomes"),
        ([Secret("1"), ValueError(CANARY)], "ValueError among the outcomes"),
        ({"a": Secret("1")}, "dict from fetch_secrets"),
        (CANARY[:2], "str among the outcomes"),
    ],
)
def test_a_batch_with_the_wrong_outcomes_is_a_fault_of_all_its_requests(answer, words):
    provider = BatchProvider({"a": "1", "b": "2"})
    provider.answer = lambda *_: answer
    with client_for(provider) as vault:
        outcomes = vault.fetch_many(["fake/a", "fake/b"])
    for outcome in outcomes:
        assert isinstance(outcome, ProviderFault)
        assert words in outcome.message
        assert CANARY not in shown(outcome)


def test_a_wrong_form_is_a_fault_each_time():
    provider = FakeProvider()
    provider.form = {"label": "no form"}
    providers = Providers({"fake": provider}, discover=False)
    for _ in range(2):
        with pytest.raises(ProviderFault, match="dict from describe_credential_form"):
            _ = providers.load("fake").form
    assert providers.check("fake").state is ProviderState.BROKEN


@pytest.mark.parametrize("what", ["secret", "session"])
def test_a_time_without_a_zone_is_a_fault_and_nobody_waits_for_ever(what):
    from datetime import datetime

    naive = datetime(2030, 1, 1)  # noqa: DTZ001  # the defect itself
    provider = BatchProvider({"a": "1", "b": "2"})
    if what == "secret":
        provider.secrets["a"] = Secret("1", expires=naive)
    else:
        provider.sign_in = lambda _: Session(client=1, expires=naive)
    with client_for(provider) as vault:
        with pytest.raises(ProviderFault, match="time zone"):
            vault.fetch("fake/a")
        outcomes = vault.fetch_many(["fake/a", "fake/b"])
    assert isinstance(outcomes[0], ProviderFault)


def test_a_missing_optional_hook_loses_that_feature_only():
    with client_for(FakeProvider({"a": "1"})) as vault:
        with pytest.raises(NotSupported, match="list_secrets"):
            list(vault.list("fake"))
        assert vault.fetch("fake/a").text() == "1"


def test_a_provider_without_a_secret_form_takes_no_parameters():
    class Bare:
        describe_credential_form = FakeProvider.describe_credential_form
        authenticate = FakeProvider.authenticate
        fetch_secret = FakeProvider.fetch_secret
        __init__ = FakeProvider.__init__
        value = FakeProvider.value
        form = FakeProvider.form
        logins = FakeProvider.logins
        _client = FakeProvider._client

    with client_for(Bare({"a": "1"})) as vault:
        assert vault.fetch("fake/a").text() == "1"
        with pytest.raises(UnvaultError, match="'version' is not known"):
            vault.fetch("fake/a?version=1")
        problems = vault.fetch_many(["fake/a?version=1"])
        assert problems[0].code == "invalid-reference"


def test_an_implementation_may_leave_out_arguments():
    class Frugal(FakeProvider):
        @hookimpl
        def authenticate(self):
            return Session(client=None)

        @hookimpl
        def fetch_secret(self):
            return Secret("always the same")

    with client_for(Frugal()) as vault:
        assert vault.fetch("fake/any").text() == "always the same"


def test_a_report_of_what_is_installed_is_plain_data(site):
    site.provider("good", version="2.0.1")
    info = next(info for info in Providers().list() if info.id == "good")
    assert json.loads(json.dumps([info.id, info.state, info.distribution, info.version])) == [
        "good",
        "installed",
        "dist-good",
        "2.0.1",
    ]


def test_two_clients_load_providers_of_their_own(site):
    site.provider("good")
    with Unvault.in_memory(environ={}) as one, Unvault.in_memory(environ={}) as two:
        one.fetch("good/x")
        states = {info.id: info.state for info in two.providers.list()}
    assert states["good"] is ProviderState.INSTALLED


# ------------------------------------------------------------------- what helps an author


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ('Field("token", kind="pasword")', ["no kind of field 'pasword'", "text, secret, choice"]),
        ('Field("token", kind="url", default="here")', ["'token'", "no http or https address"]),
        ("'token'", ["a list of Field", "str"]),
    ],
)
def test_a_defect_of_a_form_is_told_with_its_text_and_the_authors_line(site, form, words):
    site.provider("wrong", GOOD.replace('Field("token", kind="secret")', form))
    reason = Providers().check("wrong").reason or ""
    for word in [*words, "provider_wrong.py:", "in describe_credential_form"]:
        assert word in reason
    assert "withheld" not in reason


def test_the_place_of_a_fault_is_the_last_one_in_the_providers_code(site):
    failing = GOOD.replace("return Secret(f", "return __import__('json').loads('no JSON') or (f")
    site.provider("deep", failing)
    with client_for(plugins={}, discover=True) as vault, pytest.raises(ProviderFault) as caught:
        vault.fetch("deep/x")
    assert "provider_deep.py:" in caught.value.message
    assert "in fetch_secret;" in caught.value.message


@pytest.mark.parametrize(
    "hook", ["list_secrets", "fetch_secrets", "close_session", "describe_secret_form"]
)
def test_an_optional_hook_without_its_mark_is_told(site, hook):
    site.provider("unmarked", GOOD + f"\n\ndef {hook}():\n    pass\n")
    info = Providers().check("unmarked")
    assert info.state is ProviderState.BROKEN
    assert f"it has a function {hook} without @hookimpl" in (info.reason or "")


def test_an_old_wrapper_of_a_provider_is_refused(site):
    old = "\n\n@hookimpl(hookwrapper=True)\ndef close_session(session):\n    yield\n"
    site.provider("old", GOOD + old)
    reason = Providers().check("old").reason or ""
    assert "close_session is marked hookwrapper=True: mark it wrapper=True instead" in reason


def test_a_slow_import_keeps_nobody_else_waiting(site):
    site.module("gate", "import threading\ninside, go = threading.Event(), threading.Event()\n")
    site.provider("slow", "import gate\ngate.inside.set()\nassert gate.go.wait(20)\n" + GOOD)
    site.provider("other")
    providers = Providers()
    good = Providers({"good": FakeProvider()})
    for each in (providers, good):
        each.load("other")
    import gate

    thread = threading.Thread(target=providers.load, args=("slow",))
    thread.start()
    try:
        assert gate.inside.wait(20)
        done = threading.Event()

        def others():
            providers.load("other")
            good.load("good")
            done.set()

        threading.Thread(target=others, daemon=True).start()
        assert done.wait(10)
    finally:
        gate.go.set()
        thread.join(20)
    assert providers.load("slow").has("fetch_secret")


def test_two_are_loaded_at_the_same_time_and_each_once(site):
    site.module("count", "both = __import__('threading').Barrier(2)\nloads = []\n")
    for name in ("one", "two"):
        site.provider(name, "import count\ncount.both.wait(20)\ncount.loads.append(1)\n" + GOOD)
    providers = Providers()
    import count

    work = [threading.Thread(target=providers.load, args=(n,)) for n in ("one", "two") * 2]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(20)
    assert count.loads == [1, 1]


@pytest.mark.parametrize("options", [{"block": "prod"}, {"extensions": "audit"}])
def test_one_name_in_place_of_a_list_is_refused(options):
    with pytest.raises(TypeError, match="is a list of names"):
        Providers(**options)


@pytest.mark.parametrize("content", ["[unvault.providers]\nno equals sign\n", "no section\n"])
def test_a_damaged_distribution_harms_no_other(site, content):
    site.provider("good")
    site.extension("loud", "")
    info = site.distribution("dist-damaged")
    (info / "entry_points.txt").write_text(content)
    providers = Providers(extensions=["nope"])
    assert "good" in providers.ids()
    with pytest.raises(ProviderNotFound, match=r"installed extensions: .*loud"):
        providers.load("good")
    assert Providers().check("good").state is ProviderState.READY
