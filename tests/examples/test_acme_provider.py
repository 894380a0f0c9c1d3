"""The example provider, brought by an application and installed from its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import acme_provider
from unvault.client import Unvault
from unvault.errors import (
    CredentialMissing,
    CredentialRejected,
    FormError,
    InvalidReference,
    SecretDeleted,
    SecretNotFound,
    Unavailable,
    UnvaultError,
    VersionNotFound,
)

TOKEN = "t0ken-that-nobody-may-see"
VAULT = {
    "token": TOKEN,
    "regions": {
        "eu": {"db/main": ["first", None, {"user": "app", "password": "x"}], "mail": ["m"]},
        "us": {"db/main": ["far away"]},
    },
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(VAULT))
    return {
        "UNVAULT_HOME": str(tmp_path),
        "UNVAULT_ACME_FILE": str(path),
        "UNVAULT_ACME_TOKEN": TOKEN,
    }


@pytest.fixture
def unvault(environ: dict[str, str]) -> Iterator[Unvault]:
    with Unvault(plugins={"acme": acme_provider}, discover=False, environ=environ) as unvault:
        yield unvault


def opened(environ: dict[str, str], **changes: str | None) -> Unvault:
    environ = {k: v for k, v in {**environ, **changes}.items() if v is not None}
    return Unvault(plugins={"acme": acme_provider}, discover=False, environ=environ)


def test_it_fetches(unvault: Unvault) -> None:
    assert unvault.fetch("acme/db/main#user").text() == "app"
    assert unvault.fetch("acme/db/main?version=1").text() == "first"
    assert unvault.fetch("acme/db/main").version == "3"


def test_it_lists(unvault: Unvault) -> None:
    assert [(i.path, i.version) for i in unvault.list("acme", "")] == [
        ("db/main", "3"),
        ("mail", "1"),
    ]
    assert [i.path for i in unvault.list("acme", "m")] == ["mail"]


def test_what_was_deleted_is_listed_as_that(environ: dict[str, str], tmp_path: Path) -> None:
    secrets = {"gone": [None, None], "last gone": ["x", "y", None], "there": ["x"]}
    (tmp_path / "acme.json").write_text(json.dumps({"token": TOKEN, "regions": {"eu": secrets}}))
    with opened(environ) as unvault:
        assert [(i.path, i.version, i.note) for i in unvault.list("acme", "")] == [
            ("gone", None, "deleted"),
            ("last gone", "2", None),
            ("there", "1", None),
        ]


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("acme/db/mian", SecretNotFound),
        ("acme/db/main?version=0", VersionNotFound),
        ("acme/db/main?version=4", VersionNotFound),
        ("acme/db/main?version=2", SecretDeleted),
        ("acme/db/main?stage=4", InvalidReference),
    ],
)
def test_each_failure_is_its_own_error(
    unvault: Unvault, reference: str, error: type[UnvaultError]
) -> None:
    with pytest.raises(error) as raised:
        unvault.fetch(reference)
    assert type(raised.value) is error
    assert TOKEN not in repr(raised.value.describe())


def test_a_region_is_chosen_by_name_or_alias(environ: dict[str, str]) -> None:
    with opened(environ, UNVAULT_ACME_REGION="us") as unvault:
        assert unvault.fetch("acme/db/main").text() == "far away"
        assert unvault.credentials.test("acme").identity == "acme us"
    with opened(environ, UNVAULT_ACME_REGION="eu-west") as unvault:
        assert unvault.credentials.test("acme").identity == "acme eu"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"UNVAULT_ACME_TOKEN": "wrong"}, CredentialRejected),
        ({"UNVAULT_ACME_TOKEN": "wröng"}, CredentialRejected),
        ({"UNVAULT_ACME_FILE": "/nowhere"}, Unavailable),
        ({"UNVAULT_ACME_TOKEN": None}, FormError),
        ({"UNVAULT_ACME_TOKEN": None, "UNVAULT_ACME_FILE": None}, CredentialMissing),
    ],
)
def test_signing_in_fails_for_a_reason(
    environ: dict[str, str], changes: dict[str, str | None], error: type[UnvaultError]
) -> None:
    with opened(environ, **changes) as unvault, pytest.raises(error):
        unvault.fetch("acme/db/main")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"regions": {}}', '{"token": ""}', '{"token": "\\ud800"}']
)
def test_a_file_of_another_kind_is_no_crash(
    environ: dict[str, str], tmp_path: Path, content: str
) -> None:
    (tmp_path / "acme.json").write_text(content)
    with opened(environ) as unvault, pytest.raises((Unavailable, CredentialRejected)):
        unvault.fetch("acme/db/main")


def test_the_installed_one_is_found(environ: dict[str, str]) -> None:
    with Unvault(environ=environ) as unvault:
        assert unvault.fetch("acme/mail").text() == "m"
