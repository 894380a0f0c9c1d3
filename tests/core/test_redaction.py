"""Values are kept for a while, masked while they are kept, and heard of from a client."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from tests.fakes import BatchProvider, FakeProvider, client_for
from tests.fakes.time import Time

from unvault import AsyncUnvault, Redactor, Secret
from unvault.secret import MASK

# ----------------------------------------------------------------------------------- of values


@pytest.mark.parametrize("value", ["hunter2", b"hunter2", bytearray(b"hunter2"), Secret("hunter2")])
def test_a_value_is_masked_whatever_it_comes_in(value):
    redactor = Redactor()
    assert redactor.add(value)
    assert redactor.redact("a hunter2.") == f"a {MASK}."
    assert redactor.redact_bytes(b"a hunter2.") == f"a {MASK}.".encode()


@pytest.mark.parametrize("value", ["", "1", "abc", " abc \n", b"\t\t\t\t\t", "****", "*********"])
def test_a_value_that_would_destroy_any_text_is_not_masked(value):
    redactor = Redactor()
    assert not redactor.add(value)
    assert len(redactor) == 0
    assert redactor.redact(f"1 abc **** {value}") == f"1 abc **** {value}"


def test_what_is_no_value_is_refused_without_being_shown():
    with pytest.raises(TypeError) as caught:
        Redactor().add(12345678)
    assert "12345678" not in str(caught.value)


def test_a_text_without_a_value_is_given_back():
    redactor = Redactor()
    text = "nothing in here"
    assert redactor.redact(text) is text
    redactor.add("hunter2")
    assert redactor.redact(text) is text
    assert redactor.redact("") == ""


@pytest.mark.parametrize(
    "text", ["\ud800 hunter2 \udfff", "\udcff hunter2", "\udc80\ud800hunter2"], ids=ascii
)
def test_a_text_with_surrogates_is_masked(text):
    redactor = Redactor()
    redactor.add("hunter2")
    assert redactor.redact(text) == text.replace("hunter2", MASK)
    assert redactor.add(text)
    assert text not in redactor.redact(f"<{text}>")


def test_a_binary_value_inside_a_character_leaves_a_text():
    redactor = Redactor()
    redactor.add("世界世".encode()[1:-1])
    assert MASK in redactor.redact("世界世")
    assert "界" not in redactor.redact("世界世 \ud800")


@pytest.mark.parametrize("automaton", [True, False])
@pytest.mark.parametrize(("size", "masked"), [(3, False), (4, False), (5, True), (9, True)])
def test_the_end_of_a_text_is_masked_where_it_is_half_of_a_value(size, masked, automaton):
    value = "x-invented"
    redactor = Redactor(automaton=automaton)
    redactor.add(value)
    text = f"so: {value[:size]}"
    assert redactor.redact(text) == (f"so: {MASK}" if masked else text)
    redactor.add("x-invite")  # 4 bytes are half of this one
    assert redactor.redact(text) == (f"so: {MASK}" if size >= 4 else text)


def test_the_value_that_was_added_least_recently_leaves_first():
    redactor = Redactor(max_values=2)
    for value in ("first-one", "second-one", "first-one", "third-one"):
        redactor.add(value)
        redactor.redact("")
    assert redactor.redact("first-one second-one third-one") == f"{MASK} second-one {MASK}"
    assert len(redactor) == 2


def test_a_value_is_forgotten_after_its_time_and_kept_when_it_is_added_again():
    time = Time()
    redactor = Redactor(minutes=10, clock=time.clock)
    redactor.add("first-one")
    time.pass_(minutes=6)
    redactor.add("second-one")
    assert redactor.redact("first-one second-one") == f"{MASK} {MASK}"
    time.pass_(minutes=4)
    assert redactor.redact("first-one second-one") == f"first-one {MASK}"
    redactor.add("second-one")
    time.pass_(minutes=9.9)
    assert redactor.redact("first-one second-one") == f"first-one {MASK}"
    time.pass_(minutes=0.1)
    assert redactor.redact("first-one second-one") == "first-one second-one"
    assert len(redactor) == 0


def test_all_values_can_be_forgotten_at_once():
    redactor = Redactor()
    redactor.add("hunter2")
    masker = redactor.masker()
    assert masker.feed(b"hunter2 hunt") == MASK.encode() + b" "
    redactor.clear()
    assert masker.feed(b"er2") == b"hunter2"


@pytest.mark.parametrize("options", [{"max_values": 0}, {"minutes": 0}, {"minutes": float("nan")}])
def test_one_that_could_keep_nothing_is_refused(options):
    with pytest.raises(ValueError, match="at least one value"):
        Redactor(**options)


def test_it_shows_how_many_values_it_has_and_none_of_them():
    redactor = Redactor()
    redactor.add("hunter2")
    assert repr(redactor) == "<Redactor: 1 values>"
    assert "hunter2" not in repr(redactor._now())
    assert "hunter2" not in repr([*redactor._values.values()])


def test_what_goes_wrong_inside_says_nothing_of_a_value(monkeypatch, told):
    def broken():
        raise OSError("the clock is gone")

    redactor = Redactor()
    value = "-".join(["invented", "secret"])
    redactor.add(value)
    monkeypatch.setattr(redactor, "_elapsed", broken)
    for action in (redactor.add, redactor.redact):
        with pytest.raises(OSError, match="clock") as caught:
            action(value)
        assert value not in told(caught.value)


# --------------------------------------------------------------------------- threads and forks


def test_many_threads_add_and_mask_at_the_same_time():
    redactor = Redactor(max_values=240)  # none leaves before it was looked for
    wrong = []

    def work(number):
        for turn in range(30):
            value = f"value-{number}-{turn}"
            redactor.add(value)
            if value in redactor.redact(f"a {value}!"):
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert wrong == []
    assert len(redactor) == 240


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_masks_though_another_thread_held_the_lock():
    redactor = Redactor()
    redactor.add("hunter2")
    with redactor._lock:
        child = os.fork()
        if not child:
            redactor.add("hunter3")
            os._exit(redactor.redact("hunter2 hunter3") == f"{MASK} {MASK}")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_without_the_library_the_same_is_masked(monkeypatch):
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    redactor = Redactor()
    redactor.add("hunter2!")
    assert redactor.redact("hunter2! aHVudGVyMiE= hunter2%21") == f"{MASK} {MASK} {MASK}"


# ------------------------------------------------------------------------------- from a client


SECRETS = {"db": '{"user": "application", "password": "hunter2"}', "key": "key-of-api"}


@pytest.mark.parametrize("kind", [FakeProvider, BatchProvider])
def test_what_a_client_hands_out_is_masked(kind):
    redactor = Redactor()
    with client_for(kind(SECRETS)) as vault:
        redactor.follow(vault)
        vault.fetch("fake/db#password")
        assert redactor.redact("application hunter2") == f"application {MASK}"
        vault.fetch_many(["fake/db", "fake/key", "fake/nothing"])
        assert redactor.redact("application key-of-api") == f"{MASK} {MASK}"


def test_what_is_rendered_is_masked():
    redactor = Redactor()
    with client_for(FakeProvider(SECRETS)) as vault:
        redactor.follow(vault)
        rendered = vault.render_bytes(b"{% vault 'fake/db#password' %}")
        assert redactor.redact_bytes(rendered) == MASK.encode()


async def _fetched_by(twin):
    await twin.fetch("fake/key")
    await twin.fetch_many(["fake/db#password"])


def test_what_is_fetched_from_asyncio_is_masked():
    import asyncio

    redactor = Redactor()
    twin = AsyncUnvault(client_for(FakeProvider(SECRETS)))
    redactor.follow(twin)
    asyncio.run(_fetched_by(twin))
    assert redactor.redact("key-of-api hunter2") == f"{MASK} {MASK}"


def test_an_observer_is_told_before_the_caller_has_the_secret():
    told = []
    provider = FakeProvider(SECRETS)
    with client_for(provider) as vault:
        vault.observe(lambda secret: told.append((secret.text(), vault.cached("fake/key"))))
        vault.fetch("fake/key")
    assert told == [("key-of-api", None)]


def test_an_observer_is_told_of_what_was_cached_before_it_came():
    told = []
    provider = FakeProvider(SECRETS)
    with client_for(provider) as vault:
        vault.fetch("fake/key")
        vault.observe(lambda secret: told.append(secret.text()))
        vault.fetch("fake/key")
        vault.fetch("fake/key")
        assert (told, provider.fetched) == (["key-of-api"], ["key"])
        vault.fetch("fake/key", fresh=True)
        vault.cache.clear()
        vault.fetch("fake/key")
    assert told == ["key-of-api"] * 3


def test_what_an_observer_raises_the_caller_gets_and_no_secret():
    def refuse(_):
        raise RuntimeError("not today")

    with client_for(FakeProvider(SECRETS)) as vault:
        vault.observe(refuse)
        for action in (
            lambda: vault.fetch("fake/key"),
            lambda: vault.fetch_many(["fake/key"]),
            lambda: vault.fetch("fake/key"),
        ):
            with pytest.raises(RuntimeError, match="not today"):
                action()


def test_each_observer_is_told():
    first, second = Redactor(), Redactor()
    with client_for(FakeProvider(SECRETS)) as vault:
        first.follow(vault)
        second.follow(vault)
        vault.fetch("fake/key")
    assert first.redact("key-of-api") == second.redact("key-of-api") == MASK
