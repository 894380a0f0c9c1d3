"""An extension that notes how the hooks of a provider are called."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence

from unvault.hookspecs import hookimpl
from unvault.model import Credential, Outcome, SecretRequest, Session
from unvault.secret import Secret


class Recorder:
    """Counts sign-ins, and keeps what fetching raised before the core made something of it."""

    def __init__(self) -> None:
        self.sign_ins: list[str] = []
        self.closed = 0
        self.raised: list[BaseException] = []
        self._lock = threading.Lock()

    @hookimpl(wrapper=True)
    def authenticate(self, credential: Credential) -> Generator[None, Session, Session]:
        """Note whose sign-in it is."""
        with self._lock:
            self.sign_ins.append(credential.label)
        return (yield)

    @hookimpl(wrapper=True)
    def fetch_secret(
        self, session: Session, request: SecretRequest
    ) -> Generator[None, Secret, Secret]:
        """Note what is raised."""
        try:
            return (yield)
        except BaseException as error:
            with self._lock:
                self.raised.append(error)
            raise

    @hookimpl(wrapper=True)
    def fetch_secrets(
        self, session: Session, requests: Sequence[SecretRequest]
    ) -> Generator[None, Sequence[Outcome], Sequence[Outcome]]:
        """Note what is raised for the whole batch."""
        try:
            return (yield)
        except BaseException as error:
            with self._lock:
                self.raised.append(error)
            raise

    @hookimpl(wrapper=True)
    def close_session(self, session: Session) -> Generator[None, None, None]:
        """Count."""
        with self._lock:
            self.closed += 1
        return (yield)
