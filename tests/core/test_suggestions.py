from __future__ import annotations

import random
import string
import time

from hypothesis import given
from hypothesis import strategies as st

from unvault.suggestions import nearest, sentence


def test_the_best_comes_first_and_strangers_are_left_out() -> None:
    assert nearest("pasword", ["host", "password", "passwords", "user"])[:2] == (
        "password",
        "passwords",
    )
    assert "host" not in nearest("pasword", ["host", "password"])


def test_case_does_not_count_and_the_name_is_given_as_it_is() -> None:
    assert nearest("PROD", ["Prod", "test"]) == ("Prod",)
    assert nearest("PORD", ["Prod", "test"]) == ("Prod",)


def test_a_part_of_a_long_name_finds_it() -> None:
    assert nearest("db", ["production/database/db-main"]) == ("production/database/db-main",)


def test_no_more_than_the_limit() -> None:
    assert len(nearest("key", [f"key{n}" for n in range(20)], limit=3)) == 3


@given(st.text(), st.lists(st.text()))
def test_only_known_names_each_once(word: str, known: list[str]) -> None:
    near = nearest(word, known)
    assert set(near) <= set(known)
    assert len(set(near)) == len(near) <= 5


@given(st.text(min_size=1), st.lists(st.text()))
def test_what_is_there_is_found_first(word: str, others: list[str]) -> None:
    assert nearest(word, [word, *others])[0].casefold() == word.casefold()


def test_a_sentence_lists_some_and_counts_the_rest() -> None:
    assert sentence("known are", ["a", "b"]) == "known are: a, b"
    assert sentence("known are", "abcde", limit=3) == "known are: a, b, c and 2 more"
    assert sentence("known are", []) == "known are: none"


def test_the_nearest_of_thousands_is_found_and_soon() -> None:
    draw = random.Random(7)  # noqa: S311  # names, no keys
    for count, length, times in ((2_000, 20, 60), (5_000, 80, 3)):
        known = ["".join(draw.choices(string.ascii_lowercase, k=length)) for _ in range(count)]
        begun = time.process_time()
        for name in known[:times]:
            assert nearest(f"{name[:4]}0{name[5:]}", known)[0] == name
        assert time.process_time() - begun < 5  # of 15 s and more once


def test_thousands_that_look_alike_do_not_hide_the_nearest() -> None:
    known = [f"prod/service-{number}/database/password" for number in range(3_000)]
    near = nearest("prod/servce-77/database/password", known)
    assert near[0] == "prod/service-77/database/password"
    assert nearest("a" * 100_000, known) == ()
