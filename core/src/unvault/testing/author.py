"""What an author gives: a provider, credentials, ways to put things into its vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, NoReturn

from unvault.errors import CredentialRejected, UnvaultError
from unvault.forms import Answer
from unvault.reference import Reference
from unvault.testing.bench import Bench
from unvault.testing.features import FEATURES
from unvault.testing.verdict import broken, cannot

Login = tuple[str | None, Mapping[str, Answer]]
"""A credential: its type and the answers to that type's fields. A type of None is an empty one."""

_HERE = "anything"
"""A head that makes the tail of a reference a whole one."""


class Author:
    """The part of a contract that its author fills in.

    `provider` and `working` and `seed` are always needed. Of the other methods each is given, or
    what it is for is declared in `cannot` with a reason.

    A path is what stands in a reference behind the credential. Wherever a method may return one, it
    returns what reads the value: None where that is the path as it was given, or another path, or
    one with more to it, such as ``secret/app#value`` for a vault that holds maps only.
    """

    provider: object = None
    """Id of an installed provider, or the module or object with the hooks."""
    cannot: ClassVar[Mapping[str, str]] = {}
    """What the provider cannot do, with the reason: `unvault.testing.FEATURES` has the names."""
    prefix: ClassVar[str] = "contract-"
    """How all paths begin: a name that the vault allows, with a mount or project where need be."""
    version_parameter: ClassVar[str] = "version"
    """The parameter of references that names a version."""
    no_version: ClassVar[str] = "987654"
    """A version that no secret has."""
    endpoint: ClassVar[str | None] = None
    """The field of `working` that holds the vault's address, for a provider that uses HTTP. Then
    the suite makes the vault unreachable, slow, busy and failing by itself."""
    signs_host: ClassVar[bool] = False
    """Whether requests are signed with the name they are sent to: the suite hands it on, then."""
    impatient: ClassVar[Mapping[str, Answer]] = {}
    """Answers that make the provider give up soon, such as ``{"timeout": 1}``."""
    patience: ClassVar[float] = 15.0
    """For how many seconds any hook may be at work."""
    refused_as: ClassVar[type[UnvaultError]] = CredentialRejected
    """What a credential that is refused is answered with, where the vault has a better word."""
    own_packages: ClassVar[tuple[str, ...]] = ()
    """Further packages that importing the provider may load, because they are its own."""

    def working(self) -> Login:
        """Return a credential that works, such as ``"token", {"token": "t0ken"}``."""
        self._lacks("working()", "with what to sign in")

    def seed(self, path: str, value: bytes) -> str | None:
        """Store a value at a path, as its newest version, and return what reads it."""
        self._lacks("seed(path, value)", "how to store a secret")

    def seed_map(self, path: str, fields: Mapping[str, str]) -> str | None:
        """Store a map, and return what reads all of it. By default `seed` gets it as JSON."""
        return self.seed(path, json.dumps(dict(fields)).encode())

    def refused(self) -> Login:
        """Return a credential that the vault refuses."""
        self._lacks("refused()", "a credential that the vault refuses")

    def ambient(self) -> Mapping[str, str]:
        """Return environment variables with which an empty credential reads what `seed` stores."""
        self._lacks("ambient()", "variables with which an empty credential works")

    def second(self) -> Login:
        """Return a credential of another account or vault."""
        self._lacks("second()", "another credential that works")

    def seed_second(self, path: str, value: bytes) -> str | None:
        """Store a value where only `second` reads it, and return what reads it."""
        self._lacks("seed_second(path, value)", "how to store a secret for second()")

    def delete(self, path: str) -> None:
        """Delete what `seed` stored at a path."""
        self._lacks("delete(path)", "how to delete a secret")

    def deny(self, path: str) -> str | None:
        """See to it that there is a secret that `working` may not read; return what would."""
        self._lacks("deny(path)", "a secret that working() may not read")

    def expire(self) -> None:
        """End, in the vault, the sessions that there are."""
        self._lacks("expire()", "how to end a session in the vault")

    def unreachable(self) -> Login:
        """Return a credential for a vault that is not there; needless with an `endpoint`."""
        self._lacks("unreachable() or endpoint", "a vault that is not there")

    def tokens(self) -> Mapping[str, str]:
        """Return more that must show nowhere, by name: tokens that the vault handed out, say."""
        return {}

    def reads_version(self, path: str, version: str) -> str:
        """Return what reads a version of the secret that a path reads."""
        parsed = Reference.parse(f"{_HERE}/{path}")
        more = (*parsed.parameters, (self.version_parameter, version))
        whole = Reference(_HERE, parsed.path, more, parsed.field)
        return str(whole).removeprefix(f"{_HERE}/")

    def _lacks(self, what: str, why: str) -> NoReturn:
        """Say that something has to be given."""
        broken(f"the contract has to give {what}: {why}")

    def _gives(self, name: str) -> bool:
        """Say whether the author gives a method."""
        return getattr(type(self), name) is not getattr(Author, name)

    def _needs(self, *features: str) -> None:
        """Skip the test where a feature is declared impossible; fail it where it is not given."""
        __tracebackhide__ = True
        for name in features:
            if name in self.cannot:
                cannot(f"{FEATURES[name].what}: {self.cannot[name]}")
        missing = [
            (name, method)
            for name in features
            for method in FEATURES[name].given
            if not self._gives(method)
        ]
        for name, method in missing:
            self._lacks(
                f"the method {method}",
                f"for {FEATURES[name].what}; or it declares that the provider cannot do that, with"
                f" the reason: cannot = {{{name!r}: 'why'}}",
            )

    def _bench(self) -> Bench:
        """Return a client that knows this provider and nothing else of this machine."""
        if self.provider is None:
            self._lacks("provider", "the id of an installed one, or the module with the hooks")
        return Bench(self.provider, patience=self.patience)

    def _signed_in(self, bench: Bench, name: str = "working") -> str:
        """Add the credential that works and return the head of its references."""
        for called, token in self.tokens().items():
            bench.canaries.add(called, token)
        return bench.add(self.working(), name)

    def _seeded(self, bench: Bench, name: str, value: bytes | None = None) -> str:
        """Store a value under a new path, and return what reads it."""
        path = self._path(bench, name)
        stored = bench.canary(name) if value is None else value
        bench.canaries.add(f"the value of {path}", stored)
        return self.seed(path, stored) or path

    def _path(self, bench: Bench, name: str) -> str:
        return f"{self.prefix}{name}-{bench.run}"
