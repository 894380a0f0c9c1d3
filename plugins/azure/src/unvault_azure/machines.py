"""Tokens without a person: of applications, of machines, and of who is signed in with az."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from unvault.errors import CredentialMissing, CredentialRejected, UnvaultError
from unvault.model import Answers
from unvault_azure import forms
from unvault_azure._client import Azure
from unvault_azure._errors import no_answer
from unvault_azure._exceptions import other_tenant
from unvault_azure._quiet import hush, quiet
from unvault_azure.entra import Asked
from unvault_azure.tokens import Token

_SIGNS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
"""Variables that say that there is a managed identity."""

_AZURES_TAG = "7783-7084-3265-9085-8269-3286-77"
"""What Azure's virtual machines have for an asset tag."""

_NOTHING = {
    forms.CLI: (
        "az is not installed, or nobody is signed in with it",
        "az login; or {otherwise}",
    ),
    forms.MANAGED_IDENTITY: (
        "this machine has no managed identity, or not the one that is named",
        "assign one to it in Azure, and check the field client_id",
    ),
}
"""What is to be said of a type, where the SDK finds nothing to sign in with."""

_MOST_BYTES = 1 << 20
"""How large a file with a certificate may be."""


class Machine:
    """Gets tokens by one of the SDK's credentials, which needs nobody.

    Args:
        kind: The credential's type.
        azure: What asks.
        answers: The credential's.
        asked: In what circumstances Entra ID is asked, as messages tell it.

    Raises:
        CredentialMissing: A file cannot be read.
        CredentialRejected: A file holds no certificate with its key, or is locked.
    """

    def __init__(self, kind: str | None, azure: Azure, answers: Answers, asked: Asked) -> None:
        self._kind = kind
        self._azure = azure
        self._sdk = _sdk_credential(kind, azure, answers)
        self._asked = asked
        self._tokens: dict[str | None, Token] = {}
        self._lock = threading.Lock()

    def token(self, tenant: str | None, claims: str | None) -> Token:
        """Return a token that is good for a while; see `unvault_azure.tokens.Tokens`."""
        key = None if self._is_own(tenant) else tenant
        found = self._tokens.get(key)
        if found is not None and found.is_alive and not claims:
            return found
        with self._lock:
            newer = self._tokens.get(key)
            if newer is None or newer is found:
                newer = self._tokens[key] = self._got(key, claims)
            return newer

    def replace(self, token: Token) -> None:
        """Do nothing: the next sign-in has another token by itself."""

    def check(self) -> None:
        """Do nothing: each sign-in asks."""

    def forget(self) -> None:
        """Let go of the tokens."""
        self._tokens = {}
        close = getattr(self._sdk, "close", None)
        if close is not None:
            close()

    def _is_own(self, tenant: str | None) -> bool:
        """Say whether a tenant is the one that the sign-in's token is of, as far as that tells."""
        own = self._tokens.get(None)
        return tenant is None or (own is not None and own.tenant in {tenant, None})

    def _otherwise(self) -> str:
        """Return what else there is to do where az is of no use."""
        change = self._asked.change
        command = change.startswith("unvault ")
        return f"sign in otherwise: {change} --type browser" if command else change

    def _ask(self, options: Mapping[str, Any]) -> Any:
        from unvault_azure._http import trouble

        with trouble() as noted:
            try:
                return self._sdk.get_token_info(self._azure.connection.scope, options=options)
            except Exception:
                if noted and self._kind in {None, forms.MANAGED_IDENTITY}:
                    raise noted[0] from None
                raise

    def _got(self, tenant: str | None, claims: str | None) -> Token:
        if tenant and self._azure.connection.tenant:
            raise other_tenant()
        options: dict[str, Any] = {"enable_cae": True}
        options |= {"tenant_id": tenant} if tenant else {}
        options |= {"claims": claims} if claims else {}
        try:
            info = self._azure.work(partial(self._ask, options), self._asked)
        except CredentialMissing as error:
            why, hint = _NOTHING.get(self._kind or "", (error.message, error.hint or ""))
            failed = CredentialMissing(why, hint=hint.replace("{otherwise}", self._otherwise()))
        else:
            return _token(info, self._asked.where)
        raise failed


def _token(info: Any, where: str) -> Token:
    if not isinstance(info.token, str) or not info.token:
        raise no_answer(where)
    return Token(info.token, int(time.time()), int(info.expires_on))


def _sdk_credential(kind: str | None, azure: Azure, answers: Answers) -> Any:
    """Return the SDK's credential for a type; for none, what finds one by itself."""
    made = _MADE[kind]
    with quiet():
        try:
            found = made(azure, answers)
        # The second for a password that is needed, or is not, the third for a file of Azure's own.
        except (ValueError, TypeError, OSError):
            failed: UnvaultError = _misconfigured(kind)
        else:
            hush()  # what was imported for it
            return found
    raise failed


def _options(azure: Azure) -> dict[str, Any]:
    from unvault_azure._sending import TokenTransport

    return {"transport": TokenTransport(azure.sender), "retry_total": 0}


def _with_authority(azure: Azure) -> dict[str, Any]:
    return {
        **_options(azure),
        "authority": azure.connection.authority,
        # It would ask Microsoft's public cloud whether the authority is one; that is ours to say.
        "disable_instance_discovery": True,
    }


def _app(answers: Answers) -> dict[str, str]:
    return {"tenant_id": str(answers["tenant_id"]), "client_id": str(answers["client_id"])}


def _secret(azure: Azure, answers: Answers) -> Any:
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(
        **_app(answers), client_secret=str(answers["client_secret"]), **_with_authority(azure)
    )


def _certificate(azure: Azure, answers: Answers) -> Any:
    from azure.identity import CertificateCredential

    content = _read(answers.path("certificate_path"), "certificate_path")
    return CertificateCredential(
        **_app(answers),
        certificate_data=content,
        password=answers.text("certificate_password"),
        **_with_authority(azure),
    )


def _managed(azure: Azure, answers: Answers) -> Any:
    from azure.identity import ChainedTokenCredential, ManagedIdentityCredential

    found = ManagedIdentityCredential(client_id=answers.text("client_id"), **_options(azure))
    if any(os.environ.get(name) for name in _SIGNS):
        return found
    # In a chain, it sees within a second whether there is such a thing at all.
    return ChainedTokenCredential(found)


def _workload(azure: Azure, answers: Answers) -> Any:
    from azure.identity import WorkloadIdentityCredential

    path = answers.path("token_file")
    if not _read(path, "token_file").strip():
        raise _unreadable(path, "token_file")
    return WorkloadIdentityCredential(
        **_app(answers), token_file_path=str(path), **_with_authority(azure)
    )


def _cli(azure: Azure, answers: Answers) -> Any:
    from azure.identity import AzureCliCredential

    return AzureCliCredential(
        tenant_id=answers.text("tenant_id") or "",
        process_timeout=max(1, int(azure.connection.timeout)),
    )


def _ambient(azure: Azure, _answers: Answers) -> Any:
    from azure.identity import DefaultAzureCredential

    managed: dict[str, Any] = {}
    if not os.environ.get("AZURE_TOKEN_CREDENTIALS") and not may_be_managed(os.environ):
        managed["exclude_managed_identity_credential"] = True
    return DefaultAzureCredential(
        exclude_interactive_browser_credential=True,
        exclude_broker_credential=True,
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_powershell_credential=True,
        process_timeout=max(1, int(azure.connection.timeout)),
        **managed,
        **_with_authority(azure),
    )


def may_be_managed(environ: Mapping[str, str], tag: Path | None = None) -> bool:
    """Say whether this machine may have a managed identity, without asking for it.

    On a laptop the SDK would wait for an answer that never comes.

    Args:
        environ: The environment.
        tag: The file that has the machine's asset tag; Linux's own by default.
    """
    if any(environ.get(name) for name in _SIGNS):
        return True
    if os.name == "nt":
        return True  # where it cannot be told: the SDK waits for a second
    path = tag or Path("/sys/class/dmi/id/chassis_asset_tag")
    try:
        return path.read_text(encoding="ascii").strip() == _AZURES_TAG
    except (OSError, UnicodeError):
        return False


_MADE: Mapping[str | None, Callable[[Azure, Answers], Any]] = {
    forms.CLIENT_SECRET: _secret,
    forms.CLIENT_CERTIFICATE: _certificate,
    forms.MANAGED_IDENTITY: _managed,
    forms.WORKLOAD_IDENTITY: _workload,
    forms.CLI: _cli,
    None: _ambient,
}


def _read(path: Path | None, field: str) -> bytes:
    try:
        content = path.read_bytes() if path else b""
    except (OSError, ValueError):
        content = b""
    if not content or len(content) > _MOST_BYTES:
        raise _unreadable(path, field)
    return content


def _unreadable(path: Path | None, field: str) -> CredentialMissing:
    return CredentialMissing(
        f"the file {str(path)!r} cannot be read, or is empty", hint=f"check the field {field}"
    )


def _misconfigured(kind: str | None) -> UnvaultError:
    if kind == forms.CLIENT_CERTIFICATE:
        return CredentialRejected(
            "the certificate file cannot be used: it has to hold a certificate and its private key,"
            " as PEM or PKCS #12, and its password has to fit",
            hint="check the fields certificate_path and certificate_password",
        )
    return CredentialMissing(
        "what the AZURE_* variables or the credential say cannot be used",
        hint="check them: AZURE_TOKEN_CREDENTIALS, where it is set, has to be a name that the SDK"
        " knows, and AZURE_CLIENT_CERTIFICATE_PATH a file with a certificate and its private key"
        " that AZURE_CLIENT_CERTIFICATE_PASSWORD opens",
    )
