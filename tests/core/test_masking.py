"""What belongs to a value is masked, in a stream as in one piece, and nothing is held up."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unvault.masking import StreamMasker
from unvault.matching import Matcher
from unvault.redaction import Redactor
from unvault.spellings import HEAD, Spelling

MASK = b"********"


@pytest.fixture(params=[True, False], ids=["automaton", "regular expression"])
def automaton(request):
    return request.param


def matcher_of(patterns, *, automaton):
    return Matcher([Spelling(lambda each: each, one) for one in patterns], automaton=automaton)


def masker_of(patterns, *, automaton):
    matcher = matcher_of(patterns, automaton=automaton)
    return StreamMasker(lambda: matcher)


def in_chunks(masker, content, cuts):
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    shown = [
        masker.feed(content[a:b]) for a, b in zip(places, [*places[1:], len(content)], strict=True)
    ]
    return b"".join([*shown, masker.flush()])


def agreeing(one, other):
    if one[:4] != other[:4]:
        return 0  # less than 4 is never asked for
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def as_said(patterns, content):
    """Mask as the documentation says, place by place and pattern by pattern."""
    spans = []
    for start in range(len(content)):
        for each in patterns:
            agreed = agreeing(each, content[start:])
            needed = min(len(each), HEAD)
            at_the_end = start + agreed == len(content)
            half = at_the_end and agreed >= 4 and 2 * agreed >= needed
            if agreed >= needed or half:
                spans.append((start, start + agreed))
    masked, at = b"", 0
    merged = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    for start, stop in merged:
        masked += content[at:start] + MASK
        at = stop
    return masked + content[at:]


FEW_LETTERS = st.text("ab", min_size=4, max_size=18).map(str.encode)
RUNS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"ab", b"aab"]), st.integers(1, 200)),
    min_size=2,
    max_size=4,
)
LONG = RUNS.map(lambda runs: b"".join(what * times for what, times in runs)).filter(
    lambda long: len(long) >= 4
)
CUTS = st.lists(st.integers(0, 10_000), max_size=8)


# ------------------------------------------------------------------------------ what is masked


@pytest.mark.parametrize(
    ("patterns", "content", "masked"),
    [
        ([b"secret"], b"a secret!", b"a ********!"),
        ([b"abcdef", b"defghi"], b"abcdefghi", MASK),
        ([b"abcdef", b"defghi", b"hijklm"], b"-abcdefghijklm-", b"-" + MASK + b"-"),
        ([b"abcd", b"efgh"], b"abcdefgh", MASK + MASK),
        ([b"abcd", b"abcdefgh"], b"abcdefg abcdefgh", MASK + b"efg " + MASK),
        ([b"cdef", b"abcdefgh"], b"abcdefg- abcdefgh", b"ab" + MASK + b"g- " + MASK),
        ([b"aaaa"], b"aaaaaa-aaa-", MASK + b"-aaa-"),
        ([], b"anything", b"anything"),
        ([b"secret"], b"", b""),
    ],
)
def test_what_overlaps_has_one_mask(patterns, content, masked, automaton):
    assert in_chunks(masker_of(patterns, automaton=automaton), content, []) == masked
    cuts = range(len(content))
    assert in_chunks(masker_of(patterns, automaton=automaton), content, cuts) == masked


@pytest.mark.parametrize("automaton", [True, False])
@given(st.lists(FEW_LETTERS, max_size=5), st.text("abc", max_size=80), CUTS)
@example([b"abab", b"ababab"], "abababab", [3])
@example([b"abcdefgh-long", b"bcde", b"bcde-more"], "abcdefgh-long", [5])
def test_every_byte_of_a_value_is_masked_however_the_stream_is_cut(
    automaton, patterns, content, cuts
):
    masker = masker_of(patterns, automaton=automaton)
    assert in_chunks(masker, content.encode(), cuts) == as_said(patterns, content.encode())


@pytest.mark.parametrize("automaton", [True, False])
@given(st.data())
def test_long_values_are_masked_for_as_long_as_they_agree(automaton, data):
    patterns = data.draw(st.lists(LONG, min_size=1, max_size=3))
    pieces = []
    for _ in range(data.draw(st.integers(1, 4))):
        pattern = data.draw(st.sampled_from(patterns))
        begin = data.draw(st.sampled_from([0, 0, 1, len(pattern) // 3]))
        end = data.draw(st.sampled_from([len(pattern), len(pattern), HEAD, HEAD - 1]))
        pieces += [pattern[begin:end], data.draw(st.sampled_from([b"", b"a", b"b", b"-"]))]
    content = b"".join(pieces)
    masker = masker_of(patterns, automaton=automaton)
    assert in_chunks(masker, content, data.draw(CUTS)) == as_said(patterns, content)


@pytest.mark.parametrize("automaton", [True, False])
@given(st.data())
def test_no_spelling_of_a_live_value_is_left(automaton, data):
    texts = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=4, max_size=12)
    values = data.draw(st.lists(texts, min_size=1, max_size=4))
    redactor = Redactor(automaton=automaton)
    live = [each for each in values if redactor.add(each)]
    matcher = redactor._now()
    heads = matcher._heads
    parts = [*heads, b" ", b"=", b"and ", *(head[:-1] for head in heads), *(h[1:] for h in heads)]
    content = b"".join(data.draw(st.lists(st.sampled_from(parts), max_size=12)))
    masked = redactor.redact_bytes(content)
    for head in heads:
        assert b"*" in head or head not in masked
    for each in live:
        assert each.encode().strip() not in masked  # as bytes: of a text, more counts as space
    assert in_chunks(redactor.masker(), content, data.draw(CUTS)) == masked


def test_a_long_value_that_goes_on_differently_is_masked_up_to_there(automaton):
    value = b"".join(b"%d," % number for number in range(200))
    masker = masker_of([value], automaton=automaton)
    assert masker.feed(b"<" + value[:500]) == b"<" + MASK
    assert masker.pending == 0
    assert masker.feed(b"\n" + value[500:]) == b"\n" + value[500:]
    assert masker.feed(value) == MASK
    assert masker.feed(b">") == b">"


def test_a_value_that_is_all_one_letter_hides_all_of_them(automaton):
    masker = masker_of([b"x" * 65_536], automaton=automaton)
    assert masker.feed(b"x" * 65_000) == MASK
    shown = b"".join(masker.feed(b"x") for _ in range(2_000))
    assert (shown, masker.feed(b"y"), masker.flush()) == (b"", b"y", b"")
    assert masker.feed(b"x" * 60_000 + b"y") == MASK + b"y"


def test_values_that_come_while_it_runs_are_masked(automaton):
    redactor = Redactor(automaton=automaton)
    masker = redactor.masker()
    assert masker.feed(b"hunter2 ") == b"hunter2 "
    redactor.add("hunter2")
    assert masker.feed(b"hunter2 hun") == MASK + b" "
    redactor.add("secret-word")
    assert masker.feed(b"ter2 secret-") == MASK + b" "
    assert masker.feed(b"word") == MASK


# ------------------------------------------------------------------------------ what is held back


def test_nothing_is_held_back_but_what_may_become_a_value(automaton):
    masker = masker_of([b"secret", b"cretin"], automaton=automaton)
    for chunk, shown, pending in [
        (b"the sec", b"the ", 3),
        (b"o", b"seco", 0),
        (b"nd secre", b"nd ", 5),
        (b"d", b"secred", 0),
        (b" secre", b" ", 5),
        (b"ti", MASK, 1),  # it is the i that may belong to another one
        (b"n", b"", 0),
        (b" s", b" ", 1),
        (b"s", b"s", 1),
    ]:
        assert (masker.feed(chunk), masker.pending) == (shown, pending)
    assert masker.flush() == b"s"


@given(st.lists(FEW_LETTERS, min_size=1, max_size=4), st.text("abc", max_size=40))
def test_what_is_held_back_is_the_longest_that_may_become_a_value(patterns, content):
    masker = masker_of(patterns, automaton=True)
    masker.feed(content.encode())
    longest = max(
        (
            size
            for each in patterns
            for size in range(len(each))
            if content.encode().endswith(each[:size])
        ),
        default=0,
    )
    assert len(masker._held) == longest


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        (b"pass", b"pass"),
        (b"passw", b"passw"),
        (b"passwo", MASK),
        (b"password-wor", MASK),
        (b"password-wor!", MASK + b"!"),
    ],
)
def test_the_end_is_masked_where_it_is_half_of_a_value(end, shown, automaton):
    masker = masker_of([b"password-wor", b"hunt"], automaton=automaton)
    assert masker.feed(b"so: " + end) + masker.flush() == b"so: " + shown
    assert masker.pending == 0
    assert masker.feed(b"hun") + masker.flush() == b"hun"


def test_no_more_than_the_first_bytes_of_a_long_value_are_held_back(automaton):
    value = bytes(range(33, 123)) * 700
    masker = masker_of([value], automaton=automaton)
    assert masker.feed(value[: HEAD - 1]) == b""
    assert masker.pending == HEAD - 1
    assert masker.feed(value[HEAD - 1 : HEAD]) == MASK
    assert masker.pending == 0
    assert masker.feed(value[HEAD:]) == b""
    assert masker.flush() == b""


# ---------------------------------------------------------------------------- on a quiet terminal


def test_a_key_is_let_go_and_the_rest_of_the_value_is_masked_all_the_same(automaton):
    masker = masker_of([b"hunter2-hunter2"], automaton=automaton)
    assert (masker.feed(b"> h"), masker.pending) == (b"> ", 1)
    assert (masker.release(), masker.pending) == (b"h", 0)
    assert masker.release() == b""
    assert (masker.feed(b"u"), masker.release()) == (b"", b"u")
    assert masker.feed(b"nter2-hunter2 ") == MASK + b" "
    assert masker.flush() == b""


def test_a_key_that_was_let_go_is_not_shown_again(automaton):
    masker = masker_of([b"hunter2-hunter2"], automaton=automaton)
    masker.feed(b"hu")
    assert masker.release() == b"hu"
    assert masker.feed(b"m, ") == b"m, "
    masker.feed(b"h")
    assert masker.release() == b"h"
    assert masker.flush() == b""


@pytest.mark.parametrize(
    ("values", "tail"),
    [
        ([b"hunter2-hunter2"], b"hunt"),  # more than 3 bytes
        ([b"hunter2-hunter2", b"hunts"], b"hu"),  # more than a third of one of them
        ([b"hunt"], b"hu"),
    ],
)
def test_what_may_well_be_a_value_is_not_let_go(values, tail, automaton):
    masker = masker_of(values, automaton=automaton)
    masker.feed(tail)
    assert (masker.release(), masker.pending) == (b"", len(tail))


def test_a_mask_that_stands_goes_on_and_one_before_a_key_does_not(automaton):
    masker = masker_of([b"abcde", b"echo-echo-echo"], automaton=automaton)
    assert (masker.feed(b"abcde"), masker.pending) == (MASK, 0)
    assert masker.release() == b""
    assert masker.feed(b"cho-echo-echo.") == b"."
    assert masker.feed(b"abcde") == MASK
    assert masker.feed(b"c") == b""
    assert masker.release() == b"c"
    assert masker.feed(b"ho-echo-echo.") == MASK + b"."


@given(st.lists(FEW_LETTERS, min_size=1, max_size=3), st.text("ab", max_size=40), CUTS)
def test_whatever_is_let_go_no_whole_value_is_shown(patterns, content, cuts):
    masker = masker_of(patterns, automaton=True)
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    shown = b""
    for begin, end in zip(places, [*places[1:], len(content)], strict=True):
        shown += masker.feed(content.encode()[begin:end]) + masker.release()
    shown += masker.flush()
    assert not [each for each in patterns if each in shown]


# ---------------------------------------------------------------------------------------- itself


def test_it_shows_nothing_of_what_it_holds():
    masker = masker_of([b"hunter2"], automaton=True)
    masker.feed(b"hunte")
    assert repr(masker) == "<StreamMasker: 5 bytes held back>"


def test_without_the_library_the_same_is_found(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    matcher = matcher_of([b"hunter2"], automaton=True)
    assert type(matcher._find.__self__).__name__ == "_Expression"
    assert matcher.starts(b"a hunter2 hunt") == [2, 10]


def test_the_automaton_is_rebuilt_for_much_content_and_finds_the_same():
    matcher = matcher_of([b"hunter2"], automaton=True)
    content = b"a hunter2 " * 10_000
    first = matcher.starts(content)
    for _ in range(4):
        assert matcher.starts(content) == first == list(range(2, 100_000, 10))
    assert matcher._find.__self__._fast
