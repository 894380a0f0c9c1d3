from __future__ import annotations

import copy
import json
import pickle
import re

import pytest

from unvault import errors
from unvault.errors import (
    FormError,
    Problem,
    RenderError,
    SecretNotFound,
    TagProblem,
    UnvaultError,
)

TREE = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, UnvaultError)
}

CODES = {
    "UnvaultError": "error",
    "UsageError": "usage",
    "InvalidReference": "invalid-reference",
    "InvalidTag": "invalid-tag",
    "InvalidName": "invalid-name",
    "InvalidSetting": "invalid-setting",
    "FormError": "invalid-form",
    "WrongFormat": "wrong-format",
    "NotSupported": "not-supported",
    "NotFound": "not-found",
    "CredentialNotFound": "credential-not-found",
    "SecretNotFound": "secret-not-found",
    "VersionNotFound": "version-not-found",
    "SecretDeleted": "secret-deleted",
    "SecretDestroyed": "secret-destroyed",
    "FieldNotFound": "field-not-found",
    "AuthenticationError": "sign-in-failed",
    "CredentialMissing": "credential-missing",
    "CredentialRejected": "credential-rejected",
    "SessionExpired": "session-expired",
    "InteractionRequired": "interaction-required",
    "AccessDenied": "access-denied",
    "Unavailable": "unavailable",
    "TimedOut": "timed-out",
    "Throttled": "throttled",
    "ProviderError": "provider-error",
    "ProviderNotFound": "provider-not-found",
    "ProviderBroken": "provider-broken",
    "ProviderConflict": "provider-conflict",
    "ProviderBlocked": "provider-blocked",
    "ProviderFault": "provider-fault",
    "StoreError": "store-error",
    "StoreLocked": "store-locked",
    "StoreUnreadable": "store-unreadable",
    "StoreBusy": "store-busy",
    "RenderError": "render-failed",
}
"""Programs rely on these: one may be added, none may change."""

CONTEXT = {
    "hint": "look again",
    "provider": "acme",
    "distribution": "unvault-acme",
    "credential": "prod",
    "reference": "prod/db",
}


def full(kind: type[UnvaultError]) -> UnvaultError:
    """Return an error of a kind with everything an error can carry."""
    more = {"candidates": ("near", "far"), **CONTEXT}
    if kind is FormError:
        return FormError("wrong", (Problem("host", "is required"),), **more)
    if kind is RenderError:
        return RenderError("wrong", (TagProblem(3, 7, UnvaultError("inner", hint="h")),), **more)
    return kind("wrong", **more)


def drawn() -> dict[str, str | None]:
    """Return the tree drawn in the docstring: each name with the one above it."""
    above: list[str] = []
    found: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        node = re.match(r"    ([│├└─ ]*)([A-Z]\w+)(  |$)", line)
        if node:
            depth = len(node[1]) // 4
            del above[depth:]
            found[node[2]] = above[-1] if above else None
            above.append(node[2])
    return found


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = {
        name: None if kind is UnvaultError else kind.__bases__[0].__name__
        for name, kind in TREE.items()
    }
    assert drawn() == real
    assert all(len(kind.__bases__) == 1 for kind in TREE.values())


def test_codes_are_distinct_and_stay_what_they_are() -> None:
    assert {name: vars(kind)["code"] for name, kind in TREE.items()} == CODES
    assert len(set(CODES.values())) == len(CODES)


def test_every_class_says_what_it_means() -> None:
    assert [name for name, kind in TREE.items() if not (vars(kind)["__doc__"] or "").strip()] == []


@pytest.mark.parametrize("kind", TREE.values(), ids=TREE)
@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_and_pickles_are_complete(kind: type[UnvaultError], twin: object) -> None:
    error = full(kind)
    other = twin(error)  # type: ignore[operator]
    assert type(other) is kind
    assert other.describe() == error.describe()
    assert other.args == error.args
    assert vars(other).keys() == vars(error).keys()


@pytest.mark.parametrize("kind", TREE.values(), ids=TREE)
def test_describe_is_the_code_the_message_and_what_is_known(kind: type[UnvaultError]) -> None:
    bare = kind("wrong")
    plain = {"code": CODES[kind.__name__], "message": "wrong"}
    problems = {"problems": []} if kind in {FormError, RenderError} else {}
    assert bare.describe() == {**plain, **problems}
    described = full(kind).describe()
    described.pop("problems", None)
    assert described == {**plain, **CONTEXT, "candidates": ["near", "far"]}


def test_describe_shows_every_problem() -> None:
    assert full(FormError).describe()["problems"] == [{"field": "host", "message": "is required"}]
    assert full(RenderError).describe()["problems"] == [
        {"line": 3, "column": 7, "code": "error", "message": "inner", "hint": "h"}
    ]


def test_located_fills_in_only_what_is_not_known() -> None:
    error = UnvaultError("wrong", provider="acme")
    assert error.located(provider="other", credential="prod", reference=None) is error
    assert error.describe() == {
        "code": "error",
        "message": "wrong",
        "provider": "acme",
        "credential": "prod",
    }


def test_an_error_without_words_has_an_empty_message() -> None:
    assert UnvaultError().message == ""
    assert str(UnvaultError("what happened")) == "what happened (code error)"


def test_an_error_in_one_line_says_what_happened_where_and_what_to_do() -> None:
    error = SecretNotFound("gone", provider="p", credential="c", reference="c/x", hint="look")
    told = "gone (provider p, credential c, reference c/x, code secret-not-found); hint: look"
    assert str(error) == told


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_what_a_provider_puts_in_becomes_text() -> None:
    odd: dict[str, object] = {
        "hint": 3,
        "provider": b"acme",
        "credential": Unreadable(),
        "reference": ["a"],
        "candidates": [1, None, b"two", "three"],
    }
    error = SecretNotFound(b"gone", **odd)  # type: ignore[arg-type]
    assert error.candidates == ("1", "two", "three")
    assert (error.provider, error.hint, error.credential) == ("acme", "3", "(Unreadable)")
    assert json.loads(json.dumps(error.describe()))["message"] == "gone"
    assert "provider acme" in str(error)
    assert UnvaultError("x", candidates="alone").candidates == ("alone",)
    assert UnvaultError("x", candidates=None).candidates == ()  # type: ignore[arg-type]


def test_problems_that_are_none_are_told_all_the_same() -> None:
    error = FormError("wrong", ["what", Problem(b"host", 3)])  # type: ignore[arg-type,list-item]
    assert json.loads(json.dumps(error.describe()))["problems"] == [
        {"field": "", "message": "what"},
        {"field": "host", "message": "3"},
    ]


@pytest.mark.parametrize("kind", TREE.values(), ids=TREE)
def test_a_subclass_that_forgets_our_init_is_an_error_like_others(kind: type[UnvaultError]) -> None:
    class Odd(kind):  # type: ignore[valid-type,misc]
        def __init__(self, x: object) -> None:
            self.x = x

    error = Odd(Unreadable())
    assert error.hint is error.provider is error.reference is None
    assert error.located(provider="acme").provider == "acme"
    assert json.dumps(error.describe())
    assert json.dumps(copy.copy(error).describe())
    assert "(Unreadable)" in str(error)


def test_what_is_set_afterwards_is_told_as_text_too() -> None:
    error = UnvaultError("x")
    error.hint = b"bytes"  # type: ignore[assignment]
    error.candidates = [1]  # type: ignore[assignment]
    assert json.loads(json.dumps(error.describe())) == {
        "code": "error",
        "message": "x",
        "hint": "bytes",
        "candidates": ["1"],
    }
