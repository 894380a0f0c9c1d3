"""What a tool that reports errors prints of the frames below a public call: no value."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.canary import nest
from tests.canary.canaries import PASSPHRASE, TOKEN, VALUE, VARIABLE, Canaries
from tests.canary.conftest import write_inputs
from tests.fakes import BatchProvider, ListingProvider, client_for

from unvault import Answers, AsyncUnvault, Credential, Directories, Secret, Unvault
from unvault.errors import UnvaultError

Story = Callable[["World"], object]


class World(SimpleNamespace):
    """What the stories are about."""

    canaries: Canaries
    folder: Path

    def vault(self, provider: object = nest, **options: Any) -> Unvault:
        return client_for(provider, **options)


def wrong_variable(world: World) -> object:
    """The environment describes a credential, and another of its variables is wrong."""
    environ = {"UNVAULT_FAKE_TOKEN": world.canaries[VARIABLE], "UNVAULT_FAKE_TREE": "birch"}
    return world.vault(environ=environ)


def no_secret(_session: object, _request: object) -> Any:
    """A provider that returns a value as it is."""
    return nest.known()["value"]


def no_secrets(session: object, requests: Any) -> Any:
    return [nest.known()["value"] for _ in requests]


def locked(world: World) -> Unvault:
    """A store that another passphrase opens."""
    home = Directories.under(world.folder / "home")
    options: Any = {"directories": home, "plugins": {"fake": nest}, "discover": False}
    environ = {"UNVAULT_NEW_PASSPHRASE": "the right one"}
    with Unvault(environ=environ, **options) as vault:
        vault.credentials.protect("passphrase")
        vault.credentials.add(draft(vault, world))
    return Unvault(environ={"UNVAULT_PASSPHRASE": world.canaries[PASSPHRASE]}, **options)


def draft(vault: Unvault, world: World) -> Credential:
    token = {"token": world.canaries[TOKEN]}
    return vault.credentials.draft("fake", "token", token, name="mine")


def damaged(world: World) -> Unvault:
    """A store that is no store any more."""
    home = Directories.under(world.folder / "home")
    home.data.mkdir(parents=True)
    (home.data / "unvault.db").write_bytes(b"no database" * 500)
    return Unvault(directories=home, plugins={"fake": nest}, discover=False, environ={})


def deep(world: World) -> str:
    return '{"a": ' * 900 + json.dumps(world.canaries[VALUE]) + "}" * 900


def added_to_a_damaged_store(world: World) -> object:
    vault = damaged(world)
    return vault.credentials.add(draft(vault, world))


def rendered_where_nothing_can_be(world: World) -> object:
    (world.folder / "in").write_text("{% vault 'fake/value' %} {% vault 'fake/x' %}", "utf-8")
    return world.vault().render_file(world.folder / "in", world.folder / "out")


def drafted_in_asyncio(world: World) -> object:
    twin = AsyncUnvault(world.vault())
    answers = {"token": world.canaries[TOKEN], "tree": "birch"}
    return asyncio.run(twin.credentials.draft("fake", "token", answers))


def fetched_in_asyncio(world: World) -> object:
    return asyncio.run(AsyncUnvault(wrong_variable(world)).fetch("fake/value"))


def refused(world: World) -> object:
    answers = Answers({"token": "refuse"})
    return world.vault().credentials.test(Credential("fake", "token", answers))


def nothing_fits(world: World) -> object:
    answers = {"token": world.canaries[TOKEN], "tree": "birch", "password": world.canaries[VALUE]}
    return world.vault().credentials.draft("fake", "token", answers)


def of_another_form(world: World) -> object:
    answers = Answers({"user": world.canaries[TOKEN]})
    return world.vault().credentials.add(Credential("fake", "token", answers, name="x"))


def fetched_raw(provider: Callable[[Any], object]) -> Story:
    return lambda world: world.vault(provider({"a": no_secret, "b": no_secret})).fetch("fake/a")


def batched_raw(world: World) -> object:
    provider = BatchProvider()
    provider.answer = no_secrets
    return world.vault(provider).fetch_many(["fake/a", "fake/b"])[0]


def listed_raw(world: World) -> object:
    provider = ListingProvider()
    provider.listing = lambda *_: [nest.known()["value"]]
    return [*world.vault(provider).list("fake")]


STORIES: dict[str, Story] = {
    "a wrong variable": lambda world: wrong_variable(world).fetch("fake/value"),
    "a wrong variable, of many": lambda w: wrong_variable(w).fetch_many(["fake/value"])[0],
    "a wrong variable, rendered": lambda w: wrong_variable(w).render("{% vault 'fake/value' %}"),
    "a wrong variable, listed": lambda world: [*wrong_variable(world).list("fake")],
    "a wrong variable, tested": lambda world: wrong_variable(world).credentials.test("fake"),
    "a wrong variable, drafted": lambda w: wrong_variable(w).credentials.draft_from_environment(
        "fake"
    ),
    "a wrong variable, in asyncio": fetched_in_asyncio,
    "wrong answers": nothing_fits,
    "wrong answers, in asyncio": drafted_in_asyncio,
    "answers of another form": of_another_form,
    "a damaged store": added_to_a_damaged_store,
    "a wrong passphrase": lambda world: locked(world).fetch("mine/value"),
    "a provider that refuses": refused,
    "no secret": fetched_raw(BatchProvider),
    "no secrets": batched_raw,
    "no names": listed_raw,
    "no such field": lambda world: world.vault().fetch("fake/json#user"),
    "no JSON": lambda world: world.vault().fetch("fake/value#user"),
    "no text": lambda world: world.vault().fetch("fake/binary").text(),
    "JSON that is too deep": lambda world: world.vault().fetch("fake/deep#a"),
    "a field that is too deep": lambda world: Secret(deep(world)).field("a"),
    "a field that is no text": lambda world: world.vault().fetch("fake/surrogate#a"),
    "what is no text": lambda world: Secret("\ud800" + world.canaries[VALUE]),
    "one tag of two": lambda w: w.vault().render("{% vault 'fake/value' %}{% vault 'fake/x' %}"),
    "one tag of two, in bytes": lambda w: w.vault().render_bytes(
        b"{% vault 'fake/value' %}{% vault 'fake/binary' %}"
    ),
    "one tag of two, in a file": rendered_where_nothing_can_be,
    **{
        f"{kind} from a provider": lambda world, kind=kind: world.vault().fetch(
            f"fake/raise/{kind}"
        )
        for kind in ("ValueError", "Unavailable", "CredentialRejected", "SessionExpired")
    },
}


@pytest.fixture
def world(canaries: Canaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    write_inputs(tmp_path, canaries)
    monkeypatch.setenv("NEST_FILE", str(tmp_path / "nest.json"))
    return World(canaries=canaries, folder=tmp_path)


@pytest.mark.parametrize("story", STORIES)
def test_no_frame_below_a_public_call_holds_a_value(world: World, story: str) -> None:
    failed: BaseException | None = None
    try:
        outcome = STORIES[story](world)
    except UnvaultError as error:
        failed = error
    else:
        assert isinstance(outcome, UnvaultError), "it has to fail"
        failed = outcome
    frames = [*_frames(failed, set())]
    assert frames or story.startswith("no secrets")
    for place, shown in frames:
        assert world.canaries.found(shown) == [], f"{place}: {shown}"


def _frames(error: BaseException | None, seen: set[int]) -> list[tuple[str, str]]:
    """Return what is shown of each frame of an error, and of those it comes from.

    Frames of this file are the caller's, who knows the values.
    """
    if error is None or id(error) in seen:
        return []
    seen.add(id(error))
    shown = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != __file__:
            # As text, and one level deeper, as tools do it.
            local = {name: _shown(value) for name, value in frame.f_locals.items()}
            shown.append((f"{frame.f_code.co_filename}: {frame.f_code.co_name}", str(local)))
    more = [error.__cause__, error.__context__]
    more += [getattr(problem, "error", None) for problem in getattr(error, "problems", ())]
    return shown + [each for other in more for each in _frames(other, seen)]


def _shown(value: object) -> str:
    try:
        attributes = dict(vars(value))
    except TypeError:
        attributes = {}
    return f"{value!r} {attributes!r}"
