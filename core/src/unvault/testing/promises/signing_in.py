"""Signing in: what works, what is refused, and what has ended."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest import mock

from unvault.errors import SessionExpired
from unvault.model import Credential
from unvault.testing.author import Author
from unvault.testing.verdict import keeps

_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "COMSPEC", "PATHEXT")
"""Environment variables that say nothing of any vault."""


class SignInPromises(Author):
    """The promises of ``authenticate``."""

    def test_a_credential_that_works_signs_in(self) -> None:
        """The session says nothing that cannot be."""
        with self._bench() as bench:
            head = self._signed_in(bench)
            session = bench.described(bench.session(head))
            now = datetime.now(UTC)
            keeps(
                "a session that was just opened cannot have ended: Session.expires is in the past",
                kept=session.expires is None or session.expires > now,
            )
            identity = session.identity
            keeps(
                "Session.identity is a line of text for a person, or None",
                kept=identity is None or identity.isprintable(),
            )

    def test_an_empty_credential_is_valid(self) -> None:
        """Where the vault's own tools find nothing, the error says so; nothing breaks."""
        with self._bench() as bench, _alone():
            empty = Credential(bench.id)
            error = bench.raised(
                lambda: bench.provider.call(
                    "authenticate",
                    credential=empty,
                    interaction=None,
                    keep=lambda _fields: None,
                    find=bench.vault.credentials.get,
                )
            )
            promise = "an empty credential is valid for every provider"
            bench.no_fault(error, promise)
            keeps(
                f"{promise}; where there is nothing to sign in with, the error needs a hint",
                kept=error is None or error.hint,
            )

    def test_an_empty_credential_looks_where_the_vaults_tools_look(self) -> None:
        """With nothing but the environment of the vault's own tools, a secret is read."""
        self._needs("ambient")
        with self._bench() as bench:
            path = self._seeded(bench, "ambient", value := bench.canary("ambient"))
            with _alone(**self.ambient()):
                bench.reads(bench.id, path, value, "an empty credential reads what it may")

    def test_a_refused_credential_is_told_apart(self) -> None:
        """It is not "unavailable", and not "denied": another credential is needed."""
        self._needs("refusal")
        with self._bench() as bench:
            head = bench.add(self.refused(), "refused")
            promise = "a credential that the vault refuses"
            path = self._path(bench, "refused")
            bench.fails(self.refused_as, promise, lambda: bench.fetch(head, path))

    def test_an_ended_session_is_told_and_replaced(self) -> None:
        """The hook raises SessionExpired, by which the core knows to sign in again, once."""
        self._needs("expiry")
        with self._bench() as bench:
            path = self._seeded(bench, "ended", value := bench.canary("ended"))
            head = self._signed_in(bench)
            bench.reads(head, path, value, "a secret that is there is fetched")
            session, request = bench.session(head), bench.request(head, path)
            self.expire()
            before = len(bench.recorder.sign_ins)
            error = bench.raised(
                lambda: bench.provider.call("fetch_secret", session=session, request=request)
            )
            said = "nothing" if error is None else type(error).__name__
            keeps(
                f"when the session ended, fetch_secret has to raise SessionExpired, not {said}",
                kept=isinstance(error, SessionExpired),
            )
            bench.reads(head, path, value, "after a session ended, the core signs in again")
            count = len(bench.recorder.sign_ins) - before
            keeps(f"after a session ended, one sign-in is enough; it took {count}", kept=count == 1)


@contextmanager
def _alone(**variables: str) -> Iterator[None]:
    """Leave nothing of this machine's configuration in the environment."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        mock.patch.dict(os.environ, {**kept, **_home(home), **variables}, clear=True),
    ):
        yield


def _home(folder: str) -> dict[str, str]:
    names = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
    return dict.fromkeys(names, folder)
