"""Unvault with the AWS provider and nothing else."""

from __future__ import annotations

import hashlib
import json
import textwrap
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.servers.aws_account import Account, Keys, allow

from unvault.client import Unvault
from unvault.directories import Directories
from unvault.model import Answers
from unvault_aws import plugin

GET = "secretsmanager:GetSecretValue"
BATCH = "secretsmanager:BatchGetSecretValue"
LIST = "secretsmanager:ListSecrets"


def at(address: str, **answers: Any) -> dict[str, Any]:
    """Return the answers for a server in eu-west-1, and these."""
    return {"endpoint": address, "region": "eu-west-1", **answers}


def by_keys(keys: Keys, address: str, **answers: Any) -> dict[str, Any]:
    """Return the answers for long-lived keys."""
    known = {"access_key_id": keys.access_key, "secret_access_key": keys.secret_key}
    return at(address, **known, **answers)


def by_token(keys: Keys, address: str, **answers: Any) -> dict[str, Any]:
    """Return the answers for temporary keys."""
    return by_keys(keys, address, session_token=keys.session_token, **answers)


def reader(account: Account, *more: str) -> Keys:
    """Return keys of a user who may read every secret of an account, and do more."""
    return account.user(allow(GET, *more))


def opened(
    answers: dict[str, Any] | None = None,
    *,
    kind: str = "keys",
    home: Path | None = None,
    **options: Any,
) -> Unvault:
    """Return an `Unvault` whose credential ``prod`` has these answers, if there are any.

    Args:
        answers: The credential's.
        kind: Its type.
        home: Keep it there; in memory by default.
        options: As for `Unvault`.
    """
    options = {"discover": False, "environ": {}, "plugins": {"aws": plugin}} | options
    if home is None:
        unvault = Unvault.in_memory(directories=Directories.under(Path("/nowhere")), **options)
    else:
        unvault = Unvault(directories=Directories.under(home), **options)
    if answers is not None:
        add(unvault, "prod", answers, kind=kind)
    return unvault


def add(unvault: Unvault, name: str, answers: dict[str, Any], *, kind: str = "keys") -> None:
    """Store a credential."""
    unvault.credentials.add(unvault.credentials.draft("aws", kind, answers, name=name))


def add_brief(
    unvault: Unvault, name: str, answers: dict[str, Any], *, kind: str, seconds: int
) -> None:
    """Store a role whose keys end after so few seconds that the form refuses it.

    AWS gives none below 900 seconds, but ministack does. All but the form is as always.
    """
    draft = unvault.credentials.draft("aws", kind, answers)
    checked = Answers({**draft.answers, "duration": seconds})
    unvault.credentials._store.add(name, "aws", kind, checked)


def token_file(home: Path, key: str) -> Path:
    """Return where AWS's cache has the token of a session or start URL."""
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    return home / ".aws" / "sso" / "cache" / f"{name}.json"


def keep_token(home: Path, key: str, token: Mapping[str, Any]) -> Path:
    """Write a token as the AWS CLI does after signing in."""
    path = token_file(home, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(token))
    return path


def write(path: Path, text: str) -> Path:
    """Write a file that is indented in the test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def told(error: BaseException) -> str:
    """Return what a log, a traceback or a debugger could show of an error, but for source code."""
    parts: list[str] = []
    for each in _chained(error, set()):
        parts += traceback.format_exception_only(each)
        kept = (getattr(each, name, None) for name in ("args", "object", "doc", "__dict__"))
        parts += [repr(each), *map(repr, kept)]
    return "\n".join(parts)


def _chained(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if error.__context__ is not error.__cause__:
            yield from _chained(error.__context__, seen)
        error = error.__cause__


def visit(page: str) -> None:
    """Open a page of a server of the test's."""
    urlopen(page, timeout=20).close()  # noqa: S310  # it is http


class Person:
    """Somebody who does what is asked.

    Args:
        visit: Called with the address of each page that is opened.
    """

    def __init__(self, visit: Any = None) -> None:
        self.told: list[str] = []
        self.pages: list[str] = []
        self.asked: list[str] = []
        self.answer = "123456"
        self._visit = visit

    def tell(self, message: str) -> None:
        self.told.append(message)

    def open_page(self, address: str) -> bool:
        self.pages.append(address)
        if self._visit is not None:
            self._visit(address)
        return True

    def ask(self, question: str, *, hidden: bool = False) -> str:
        self.asked.append(question)
        return self.answer
