"""Every kind of error, raised by a provider with the value all around it: it is told without."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from tests.apps.cli.conftest import Unvault
from tests.canary import nest
from tests.canary.canaries import VALUE, Canaries
from tests.canary.conftest import Place
from tests.fakes import client_for

from unvault import AsyncUnvault, Session
from unvault.errors import ProviderFault, RenderError, UnvaultError
from unvault.testing.leaks import told


def kinds(above: type[UnvaultError] = UnvaultError) -> Iterator[str]:
    """Return the names of every kind of error in the tree."""
    yield above.__name__
    for kind in above.__subclasses__():
        if kind.__module__ == UnvaultError.__module__:
            yield from kinds(kind)


OURS = [*dict.fromkeys(kinds())]
ALL = [*OURS, *nest.FOREIGN]


def test_the_tree_is_whole() -> None:
    assert len(OURS) > 30
    assert {"StoreBusy", "SecretDestroyed", "RenderError", "ProviderFault"} <= {*OURS}


@pytest.mark.parametrize("kind", ALL)
def test_what_a_provider_raises_is_told_without_what_is_around_it(
    place: Place, unvault: Unvault, logged: Callable[[], str], kind: str
) -> None:
    """In text and as JSON; while something is fetched, browsed and rendered."""
    (place.inputs / "tag.txt").write_text(f"{{% vault 'mine/raise/{kind}' %}}", "utf-8")
    heard = b""
    for arguments in (
        ["get", f"mine/raise/{kind}"],
        ["get", f"mine/raise/{kind}", "--json"],
        ["list", "mine", f"raise/{kind}"],
        ["render", str(place.inputs / "tag.txt"), "--json"],
    ):
        failed = unvault(*arguments)
        assert failed.code not in (0, -1)
        assert failed.out == b""
        heard += failed.err.encode()
    assert place.canaries.found(heard) == []
    assert place.canaries.found(logged()) == []
    assert place.left() == []


def test_a_session_that_does_not_close_is_logged_without_the_value(
    place: Place, unvault: Unvault, logged: Callable[[], str]
) -> None:
    file = place.inputs / "nest.json"
    file.write_text(file.read_text("utf-8")[:-1] + ', "fails to close": true}', "utf-8")
    assert unvault("get", "mine/value").code == 0
    assert "a session was not closed" in logged()
    assert place.canaries.found(logged()) == []


class Client:
    """The library with the provider in it, and what its environment says."""

    def __init__(self, canaries: Canaries, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.canary.conftest import write_inputs

        write_inputs(tmp_path, canaries)
        monkeypatch.setenv("NEST_FILE", str(tmp_path / "nest.json"))
        self.sync = client_for(nest)


@pytest.fixture
def client(canaries: Canaries, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return Client(canaries, tmp_path, monkeypatch).sync


@pytest.mark.parametrize("kind", nest.FOREIGN)
def test_nothing_of_a_foreign_exception_is_chained(
    client: Any, canaries: Canaries, kind: str
) -> None:
    """Not in the library either, whatever prints the whole chain."""
    for call in (
        lambda: client.fetch(f"fake/raise/{kind}"),
        lambda: [*client.list("fake", f"raise/{kind}")],
        lambda: client.render(f"{{% vault 'fake/raise/{kind}' %}}"),
    ):
        with pytest.raises((ProviderFault, RenderError)) as failed:
            call()
        assert canaries.found(told(failed.value)) == []
    (outcome,) = client.fetch_many([f"fake/raise/{kind}"])
    assert canaries.found(told(outcome)) == []


def test_ctrl_c_in_a_provider_brings_nothing_along(canaries: Canaries) -> None:
    """A program that is stopped prints a traceback, with all that the exception came from."""

    def stopped(_session: Session, _request: object) -> Any:
        token = canaries[VALUE]
        try:
            raise ValueError(token)
        except ValueError:
            raise KeyboardInterrupt  # noqa: B904  # as Ctrl-C does it

    from tests.fakes import FakeProvider

    vault = client_for(FakeProvider({"x": stopped}))
    with pytest.raises(KeyboardInterrupt) as failed:
        vault.fetch("fake/x")
    assert canaries.found(told(failed.value)) == []


def test_asyncio_in_debug_mode_tells_no_value(
    logged: Callable[[], str],
    capfd: pytest.CaptureFixture[str],
    canaries: Canaries,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    """It logs each slow call with its arguments and results; here, every call is slow.

    Short values, since it cuts long ones.
    """
    monkeypatch.setitem(canaries._texts, VALUE, "s3cr1et")
    vault = Client(canaries, tmp_path, monkeypatch).sync
    shown: list[str] = []

    async def story() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0
        async with AsyncUnvault(vault) as twin:
            shown.append((await twin.fetch("fake/value")).text())
            shown.append(await twin.render("{% vault 'fake/value' %}"))
            await twin.render_bytes(b"{% vault 'fake/value' %}")
            await twin.fetch_many(["fake/json", "fake/value", "fake/raise/ValueError"])
            with suppress(UnvaultError):
                await twin.fetch("fake/raise/Unavailable")
            with suppress(UnvaultError):
                await twin.credentials.draft("fake", "token", {"token": "s3cr1et", "tree": "x"})
            lost = asyncio.ensure_future(twin.fetch("fake/gone"))
            await asyncio.wait([lost])
            del lost
            gc.collect()

    asyncio.run(story(), debug=True)
    assert shown == ["s3cr1et", "s3cr1et"]
    heard = logged() + "".join(capfd.readouterr())
    assert "took" in heard
    lines = [line for line in heard.splitlines() if "s3cr1et" in line]
    assert lines == []


def test_partial_is_what_shows_its_arguments() -> None:
    """The reason for the test before this one."""
    assert "s3cr1et" in repr(partial(print, "s3cr1et"))
