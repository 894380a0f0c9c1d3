"""Translates what Entra ID answers into unvault's errors.

No text of an answer is shown: it may hold what was sent. What is known of it are its OAuth error,
and the numbers in it: Entra ID says ``AADSTS50020`` for each thing that can be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from unvault.errors import (
    AccessDenied,
    AuthenticationError,
    CredentialRejected,
    InteractionRequired,
    Throttled,
    Unavailable,
    UnvaultError,
)

_NUMBER = re.compile(r"AADSTS([0-9]{4,8})")

GONE = frozenset(
    {50078, 50089, 50132, 50133, 50173, 54005, 70000, 70008, 70043, 700003, 700081, 700082, 700084}
)
"""What was signed in with has ended, or was taken back."""

PERSON = frozenset({16000, 50055, 50058, 50072, 50074, 50076, 50079, 50097, 50125, 50158, 65001})
"""A person has to do something on Entra ID's page."""

TRANSIENT = frozenset({50196, 90006, 90012, 90033, 90090, 90100})
"""The same may work in a moment."""

_ENDED = frozenset({"interaction_required", "invalid_grant", "login_required", "consent_required"})


@attrs.frozen
class Denial:
    """An answer of Entra ID's that gives no token, with what was understood of it."""

    error: str
    """The OAuth error, such as ``invalid_grant``."""
    numbers: frozenset[int] = frozenset()
    """What is wrong, as Entra ID counts it."""

    @property
    def number(self) -> str:
        """The first number, for a person to look up; empty where there is none."""
        return f" (AADSTS{min(self.numbers)})" if self.numbers else ""

    @property
    def may_pass(self) -> bool:
        """Whether the same may work in a moment."""
        passing = {"temporarily_unavailable", "server_error"}
        return self.error in passing or not TRANSIENT.isdisjoint(self.numbers)

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to sign in, anew or for the first time."""
        if not (GONE | PERSON).isdisjoint(self.numbers):
            return True
        return self.error in _ENDED and _known(self.numbers) is None


def denial_of(result: Mapping[str, Any]) -> Denial:
    """Return what is understood of an answer that gives no token."""
    codes = result.get("error_codes")
    told = {each for each in codes if type(each) is int} if isinstance(codes, list) else set()
    text = str(result.get("error_description") or "")
    error = str(result.get("error") or "")
    return Denial(
        error if re.fullmatch("[a-z_]{1,60}", error) else "",
        frozenset(told or map(int, _NUMBER.findall(text[:2000]))),
    )


def denial_in(error: object) -> Denial | None:
    """Return what is understood of the answer in an exception of the SDK's, if there is one."""
    response = getattr(error, "response", None)
    try:
        found = response.json() if response is not None else None
    except ValueError:
        found = None
    if isinstance(found, Mapping) and ("error" in found or "error_codes" in found):
        return denial_of(found)
    numbers = frozenset(map(int, _NUMBER.findall(str(getattr(error, "message", ""))[:4000])))
    return Denial("", numbers) if numbers else None


@attrs.frozen
class Asked:
    """In what circumstances Entra ID was asked, as far as messages tell it."""

    where: str
    """Who was asked."""
    tenant: str | None
    """Which tenant; None for that of whoever signs in."""
    client: str
    """Which application."""
    login: str
    """What signs in anew: a command, or what else there is to do."""
    change: str
    """What changes the credential: a command, or what else there is to do."""

    @property
    def in_tenant(self) -> str:
        """The tenant, for the middle of a sentence."""
        return f"in the tenant {self.tenant!r}" if self.tenant else "in the account's tenant"


def entra_error(denial: Denial, asked: Asked) -> UnvaultError:
    """Return the error for an answer that gives no token.

    Args:
        denial: What was understood of it.
        asked: In what circumstances.
    """
    if denial.may_pass:
        return Unavailable(f"{asked.where} cannot answer now", hint="try again in a while")
    made = _known(denial.numbers)
    if made is not None:
        return made(asked, denial.number)
    if denial.error == "access_denied":
        return declined(asked, denial.number)
    if denial.needs_a_person:
        return ended(asked, denial.number)
    return CredentialRejected(
        f"{asked.where} gives no token{denial.number or f' ({denial.error})' * bool(denial.error)}",
        hint="look the number up at https://login.microsoftonline.com/error; and check the"
        " credential's fields",
    )


def ended(asked: Asked, number: str = "") -> InteractionRequired:
    """Return the error for where somebody has to sign in anew."""
    return InteractionRequired(
        f"the sign-in has ended, was taken back, or needs more of the person{number}",
        hint=f"sign in again: {asked.login}",
    )


def declined(_asked: Asked, number: str = "") -> AccessDenied:
    """Return the error for where the person said no on the page."""
    return AccessDenied(
        f"the sign-in was declined on the page{number}",
        hint="run the command again, and accept; where your organization wants an administrator's"
        " consent, ask for it",
    )


def throttled(where: str) -> Throttled:
    """Return the error for where Entra ID asks to be asked less often."""
    return Throttled(f"{where} asks to be asked less often", hint="try again in a while")


_Made = Callable[[Asked, str], AuthenticationError | AccessDenied]


def _of(kind: type[AuthenticationError | AccessDenied], message: str, hint: str) -> _Made:
    def made(asked: Asked, number: str) -> AuthenticationError | AccessDenied:
        names = {
            "client": asked.client,
            "in_tenant": asked.in_tenant,
            "login": asked.login,
            "change": asked.change,
            "tenant": asked.tenant or "(any)",
        }
        return kind(message.format(**names) + number, hint=hint.format(**names))

    return made


_no_consent = _of(
    AccessDenied,
    "nobody has consented to the application {client} {in_tenant}",
    "sign in and accept: {login}; where an administrator has to, ask for it",
)
_other_organization = _of(
    AccessDenied,
    "the account belongs to another organization, and is not known {in_tenant}",
    "account, application and vault have to belong to one organization: sign in with an account of"
    " the vault's, or have yours invited there as a guest",
)
_crossing = _of(
    AccessDenied,
    "one of the organizations does not allow access from one to the other",
    "ask the administrators for cross-tenant access, or sign in with an account of the vault's"
    " organization",
)
_no_tenant = _of(
    CredentialRejected,
    "there is no tenant {tenant!r}",
    "check the field tenant_id, and the cloud: it is the directory's id, or a domain of it",
)
_no_app = _of(
    CredentialRejected,
    "there is no application {client} {in_tenant}",
    "check the fields client_id and tenant_id; an application of another tenant has to be consented"
    " to there first",
)
_no_resource = _of(
    AccessDenied,
    "Key Vault is not known {in_tenant}: nobody there ever used it",
    "check the field tenant_id: it has to be the vault's tenant",
)
_bad_secret = _of(
    CredentialRejected,
    "the client secret of the application {client} is wrong",
    "give the secret's value, and not its id: {change}",
)
_old_secret = _of(
    CredentialRejected,
    "the client secret of the application {client} has expired",
    "make another one, and give it to the credential: {change}",
)
_bad_certificate = _of(
    CredentialRejected,
    "the application {client} does not know the certificate, or its key does not fit",
    "upload the certificate to the application, or check the field certificate_path",
)
_bad_time = _of(
    CredentialRejected,
    "what the application {client} signs in with is not valid now",
    "check the clock of this machine, and that the token or certificate is not too old",
)
_bad_token = _of(
    CredentialRejected,
    "the application {client} does not trust the token in the token file",
    "compare issuer, subject and audience of its federated credential with the token's",
)
_disabled = _of(
    AccessDenied, "the account or the application {client} is disabled", "ask an administrator"
)
_locked = _of(
    AccessDenied,
    "the account is locked, or the sign-in was blocked",
    "wait a while, and ask an administrator",
)
_password = _of(CredentialRejected, "the user name or the password is wrong", "sign in: {login}")
_conditions = _of(
    AccessDenied,
    "the organization's conditional access does not allow the sign-in from here",
    "ask an administrator what it takes: another device, network or application",
)
_redirect = _of(
    CredentialRejected,
    "the application {client} does not know the page that the sign-in comes back to",
    "add http://localhost to its redirect addresses, for mobile and desktop applications; and the"
    " port, where the field redirect_port has one",
)
_no_public = _of(
    CredentialRejected,
    "the application {client} does not let people sign in without a secret of its own",
    "allow public client flows in its registration, or use the type client_secret",
)

_NUMBERS: Mapping[int, _Made] = {
    65004: declined,
    65001: _no_consent,
    90008: _no_consent,
    90094: _no_consent,
    90095: _no_consent,
    650057: _no_consent,
    50020: _other_organization,
    50034: _other_organization,
    51004: _other_organization,
    90072: _other_organization,
    500212: _crossing,
    500213: _crossing,
    500208: _crossing,
    90002: _no_tenant,
    90023: _no_tenant,
    900021: _no_tenant,
    900023: _no_tenant,
    900382: _no_tenant,
    50059: _no_tenant,
    700016: _no_app,
    7000229: _no_app,
    650052: _no_resource,
    500011: _no_resource,
    500014: _no_resource,
    7000215: _bad_secret,
    7000218: _no_public,
    7000219: _no_public,
    7000222: _old_secret,
    700027: _bad_certificate,
    700030: _bad_certificate,
    700024: _bad_time,
    50013: _bad_token,
    50027: _bad_token,
    70021: _bad_token,
    700211: _bad_token,
    700212: _bad_token,
    700213: _bad_token,
    700222: _bad_token,
    50057: _disabled,
    7000112: _disabled,
    50053: _locked,
    50126: _password,
    50011: _redirect,
    500113: _redirect,
    **dict.fromkeys(
        (50005, 50105, 53000, 53001, 53002, 53003, 53004, 53010, 530001, 530002, 530003, 530004),
        _conditions,
    ),
}
"""What each number becomes."""


def _known(numbers: frozenset[int]) -> _Made | None:
    return next((_NUMBERS[each] for each in sorted(numbers) if each in _NUMBERS), None)
