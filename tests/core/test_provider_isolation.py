"""No provider ever sees what is another's: its credential, its session or a request to it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from tests.fakes import GOOD, Site, client_for, lines
from tests.fakes.providers import FORM, SECRET_FORM

from unvault.errors import SessionExpired, UnvaultError
from unvault.hookspecs import hookimpl
from unvault.model import Credential, SecretInfo, SecretRequest, Session
from unvault.secret import Secret

NAMES = ("alpha", "beta", "gamma")


class Nosy:
    """A provider that implements every hook and notes everything it is given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[tuple[str, Any]] = []
        self.expired_once = False

    def note(self, hook: str, *what: Any) -> None:
        self.seen.extend((hook, each) for each in what)

    @hookimpl
    def describe_credential_form(self):
        self.note("describe_credential_form")
        return FORM

    @hookimpl
    def describe_secret_form(self):
        self.note("describe_secret_form")
        return SECRET_FORM

    @hookimpl
    def authenticate(self, credential: Credential, interaction: object):
        self.note("authenticate", credential)
        return Session(client=f"client of {self.name}", renewed={"refresh": f"kept by {self.name}"})

    @hookimpl
    def fetch_secret(self, session: Session, request: SecretRequest):
        self.note("fetch_secret", session, request)
        if not self.expired_once:
            self.expired_once = True
            raise SessionExpired("once")
        return Secret(f"{self.name}: {request.path}")

    @hookimpl
    def fetch_secrets(self, session: Session, requests: Sequence[SecretRequest]):
        self.note("fetch_secrets", session, *requests)
        return [Secret(f"{self.name}: {request.path}") for request in requests]

    @hookimpl
    def list_secrets(self, session: Session, prefix: str) -> Iterable[SecretInfo]:
        self.note("list_secrets", session, prefix)
        return [SecretInfo(f"{prefix}/one of {self.name}")]

    @hookimpl
    def close_session(self, session: Session):
        self.note("close_session", session)

    def check(self) -> None:
        """Fail if anything seen is another's."""
        assert self.seen
        for hook, what in self.seen:
            match what:
                case Credential():
                    assert what.provider == self.name, hook
                    secrets = [str(each) for each in what.answers.values()]
                    assert all(self.name in each for each in secrets), hook
                    assert all(self.name in str(each) for each in what.kept.values()), hook
                case Session():
                    assert what.client == f"client of {self.name}", hook
                    assert what.credential is not None
                    assert what.credential.provider == self.name, hook
                case SecretRequest():
                    assert self.name in what.path, hook
                case str():
                    assert self.name in what, hook


def use_all(vault, name: str) -> None:
    """Use every hook of one provider through the client."""
    assert vault.fetch(f"{name}/{name}-1").text() == f"{name}: {name}-1"
    assert vault.fetch(f"{name}-stored/{name}-1?version=1").text() == f"{name}: {name}-1"
    found = vault.fetch_many([f"{name}/{name}-{n}" for n in range(2, 6)])
    assert [each.text() for each in found] == [f"{name}: {name}-{n}" for n in range(2, 6)]
    assert [info.path for info in vault.list(name, name)] == [f"{name}/one of {name}"]
    vault.credentials.test(f"{name}-stored")
    assert vault.render(f"{{% vault '{name}', '', '{{\"name\": \"{name}-9\"}}' %}}")


def set_up(vault, names: Iterable[str]) -> None:
    for name in names:
        answers = {"token": f"token of {name}"}
        vault.credentials.add(vault.credentials.draft(name, None, answers, name=f"{name}-stored"))


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
def test_no_hook_sees_what_is_anothers_whatever_the_order(order):
    plugins = {name: Nosy(name) for name in NAMES}
    with client_for(plugins=plugins) as vault:
        set_up(vault, order)
        for name in order:
            use_all(vault, name)
        for name in reversed(order):
            vault.credentials.remove(f"{name}-stored")
    for plugin in plugins.values():
        plugin.check()
        assert {hook for hook, _ in plugin.seen} == {
            "authenticate",
            "fetch_secret",
            "fetch_secrets",
            "list_secrets",
            "close_session",
        }


def test_no_hook_sees_what_is_anothers_in_many_threads():
    plugins = {name: Nosy(name) for name in NAMES}
    problems: list[BaseException] = []
    with client_for(plugins=plugins) as vault:
        start = threading.Barrier(24)

        def work(number: int) -> None:
            names = [*NAMES[number % 3 :], *NAMES[: number % 3]]
            start.wait()
            try:
                for name in names:
                    assert vault.fetch(f"{name}/{name}-{number % 4}").text()
                    heads = [f"{each}/{each}-{number % 5}" for each in names]
                    for each, outcome in zip(names, vault.fetch_many(heads), strict=True):
                        assert outcome.text().startswith(f"{each}: ")
                    list(vault.list(name, name))
            except (UnvaultError, AssertionError) as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not problems
    for plugin in plugins.values():
        plugin.check()


def test_a_whole_batch_of_mixed_heads_keeps_them_apart():
    plugins = {name: Nosy(name) for name in NAMES}
    with client_for(plugins=plugins) as vault:
        references = [f"{name}/{name}-{n}" for n in range(30) for name in NAMES]
        outcomes = vault.fetch_many(references)
    assert [each.text() for each in outcomes] == [
        f"{name}: {name}-{n}" for n in range(30) for name in NAMES
    ]
    for plugin in plugins.values():
        plugin.check()


def test_one_object_under_two_ids_is_called_for_each_with_its_own():
    shared = Nosy("alpha")
    with client_for(plugins={"alpha": shared, "beta": shared}) as vault:
        vault.fetch("alpha/alpha-1")
        vault.fetch("beta/alpha-1")
    credentials = [what for hook, what in shared.seen if hook == "authenticate"]
    assert sorted(each.provider for each in credentials) == ["alpha", "alpha", "beta"]


PEEKING = GOOD + lines(
    """
    calls = []

    @hookimpl
    def close_session(session):
        calls.append(session)
    """
)


@pytest.mark.parametrize("order", list(itertools.permutations(("one", "two", "three"))))
def test_installed_modules_are_kept_apart_too(tmp_path, monkeypatch, order):
    site = Site(tmp_path / "site", monkeypatch)
    names = ("one", "two", "three")
    try:
        for name in names:
            source = PEEKING.replace('"a client"', f'"client of {name}"')
            site.provider(name, source)
        with client_for(plugins={}, discover=True) as vault:
            for name in order:
                vault.fetch(f"{name}/x")
        import importlib

        for name in names:
            calls = importlib.import_module(f"provider_{name}").calls
            assert [session.client for session in calls] == [f"client of {name}"]
    finally:
        site.forget()
