"""What a Key Vault holds, and who may read it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import attrs
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.servers.entra_directory import App, Person, Tenant


@attrs.define(eq=False)
class Version:
    """One version of a secret or a key."""

    value: Any
    """A text, or the members of a JSON Web Key."""
    number: str
    created: float
    kind: str = ""
    """The content type of a secret."""
    tags: dict[str, str] = attrs.field(factory=dict)
    enabled: bool = True
    starts: float | None = None
    ends: float | None = None
    of_certificate: bool = False

    def attributes(self) -> dict[str, Any]:
        """Return what is told of it."""
        made = int(self.created)
        told: dict[str, Any] = {"enabled": self.enabled, "created": made, "updated": made}
        told |= {} if self.starts is None else {"nbf": int(self.starts)}
        told |= {} if self.ends is None else {"exp": int(self.ends)}
        return told | {"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}


@attrs.define(eq=False)
class Vault:
    """One vault, by the host that it is asked at."""

    host: str
    tenant: Tenant
    objects: dict[str, dict[str, list[Version]]] = attrs.field(
        factory=lambda: {"secrets": {}, "keys": {}}
    )
    """Versions by collection and name, oldest first."""
    deleted: dict[str, dict[str, float]] = attrs.field(factory=lambda: {"secrets": {}, "keys": {}})
    """Those that can still be recovered, with the time when they were deleted."""
    allowed: dict[str, set[str]] = attrs.field(factory=dict)
    """What each may do, by the object id: ``secrets/get``, ``keys/list`` …"""
    by_roles: bool = False
    """Whether roles decide, and not the vault's own policies: refusals read otherwise."""
    behind_firewall: bool = False
    keeps_dates: bool = False
    """Whether what is not valid yet, or any more, is refused. Key Vault itself gives it out."""
    newer_than: float | None = None
    """Continuous evaluation: tokens that were issued before are refused with a claims challenge."""
    page_size: int = 25
    next_at: str = ""
    """The address that lists say they go on at; the vault's own by default."""

    @property
    def name(self) -> str:
        """The vault's own name."""
        return self.host.partition(".")[0]

    @property
    def address(self) -> str:
        """Where it is asked at."""
        return f"https://{self.host}"

    @property
    def resource(self) -> str:
        """What a token for it is for."""
        return f"https://{self.host.partition('.')[2]}"

    def allow(self, subject: Person | App, *actions: str) -> Vault:
        """Let somebody do these; read and list secrets and keys by default."""
        every = (f"{kind}/{what}" for kind in ("secrets", "keys") for what in ("get", "list"))
        self.allowed.setdefault(subject.oid, set()).update(actions or every)
        return self

    def put(self, name: str, value: str, *, now: float = 1.7e9, **known: Any) -> str:
        """Keep a secret, or a new version of it, and return the version's number.

        Args:
            name: Of the secret.
            value: Its text.
            now: The time on the vault's clock.
            known: What else is known of it; see `Version`.
        """
        return self._put("secrets", name, value, now, known)

    def put_key(self, name: str, *, curve: bool = False, now: float = 1.7e9, **known: Any) -> str:
        """Keep a new key, RSA or on a curve, and return the version's number."""
        return self._put("keys", name, _public(curve=curve), now, known)

    def put_certificate(self, name: str, value: str, kind: str = "application/x-pem-file") -> str:
        """Keep the secret that belongs to a certificate: the whole of it, with its private key."""
        return self.put(name, value, kind=kind, of_certificate=True)

    def latest(self, name: str, kind: str = "secrets") -> Version:
        """Return the version that is current."""
        return self.objects[kind][name][-1]

    def delete(self, name: str, kind: str = "secrets", *, now: float = 1.7e9) -> None:
        """Delete what can be recovered for some time."""
        self.deleted[kind][name] = now

    def _put(self, kind: str, name: str, value: Any, now: float, known: dict[str, Any]) -> str:
        made = Version(value, secrets.token_hex(16), now, **known)
        self.objects[kind].setdefault(name, []).append(made)
        self.deleted[kind].pop(name, None)
        return made.number

    def found(self, kind: str, name: str, number: str) -> Version | None:
        """Return a version, the current one where none is named; None where there is none."""
        if name in self.deleted[kind]:
            return None
        known = self.objects[kind].get(name, [])
        if not number:
            return known[-1] if known else None
        return next((each for each in known if each.number == number), None)

    def shown(self, kind: str, name: str, version: Version) -> dict[str, Any]:
        """Return one version as it is answered."""
        told = self.listed(kind, name, version, version.number)
        if kind == "secrets":
            return {"value": version.value, **told}
        number = told.pop("kid")
        return {"key": {"kid": number, **version.value}, **told}

    def listed(self, kind: str, name: str, version: Version, number: str = "") -> dict[str, Any]:
        """Return one entry of a list."""
        at = f"{self.address}/{kind}/{name}" + (f"/{number}" if number else "")
        told: dict[str, Any] = {"kid" if kind == "keys" else "id": at}
        told["attributes"] = version.attributes()
        told |= {"contentType": version.kind} if version.kind else {}
        told |= {"tags": version.tags} if version.tags else {}
        if version.of_certificate:
            told |= {"managed": True, "kid": f"{self.address}/keys/{name}/{version.number}"}
        return told

    def lists(self, kind: str, name: str = "") -> Iterator[dict[str, Any]]:
        """Return all entries of a list: of what there is, or of the versions of one."""
        if name:
            for each in self.objects[kind].get(name, []):
                yield self.listed(kind, name, each, each.number)
            return
        for each in sorted(self.objects[kind].keys() - self.deleted[kind].keys()):
            yield self.listed(kind, each, self.objects[kind][each][-1])


def _public(*, curve: bool) -> dict[str, Any]:
    """Return a new key as Key Vault tells of it: its public part."""
    operations = {"key_ops": ["sign", "verify"]}
    if curve:
        pair = ec.generate_private_key(ec.SECP256R1()).public_key()
        told = jwt.algorithms.ECAlgorithm.to_jwk(pair, as_dict=True)
        return {name: told[name] for name in ("kty", "crv", "x", "y")} | operations
    told = jwt.algorithms.RSAAlgorithm.to_jwk(
        rsa.generate_private_key(65537, 2048).public_key(), as_dict=True
    )
    return {name: told[name] for name in ("kty", "n", "e")} | operations
