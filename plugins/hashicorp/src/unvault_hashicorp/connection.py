"""Where a server is, and how to reach it."""

from __future__ import annotations

import attrs

from unvault.errors import CredentialMissing, CredentialRejected
from unvault.model import Answers
from unvault_hashicorp.forms import SERVER_ADDRESS


@attrs.frozen
class Connection:
    """Where a server is, and how to reach it."""

    address: str
    """Its address, such as ``https://vault.example.com:8200``."""
    namespace: str = ""
    """Where the secrets are; empty for the root namespace."""
    auth_namespace: str = ""
    """Where to sign in."""
    ca: str | None = None
    """File or folder of the certificates to trust; None for what REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE
    or SSL_CERT_FILE name, or else for certifi's."""
    certificate: str | tuple[str, str] | None = None
    """The client's certificate, with its key in the same file or in another."""
    verify: bool = True
    """Whether the server's certificate is verified."""
    timeout: float = 10
    """Seconds that one piece of work may take, all tries together."""


def connection_from(answers: Answers) -> Connection:
    """Return the connection that a credential's answers describe.

    Raises:
        CredentialMissing: A file that they name cannot be read.
    """
    namespace = (answers.text("namespace") or "").strip("/")
    own = answers.text("auth_namespace")
    check_address(str(answers["server_address"]), "the field server_address")
    certificate, key = _file(answers, "client_cert"), _file(answers, "client_key")
    return Connection(
        address=str(answers["server_address"]),
        namespace=check_namespace(namespace),
        auth_namespace=check_namespace(namespace if own is None else own.strip("/")),
        ca=_file(answers, "ca_file"),
        certificate=(certificate, key) if certificate and key else certificate,
        verify=not answers.get("skip_verify"),
        timeout=int(answers.get("timeout") or 10),
    )


def read_token(answers: Answers, name: str, what: str) -> str:
    """Return the token in the file that a field names.

    Raises:
        CredentialMissing: It cannot be read, or is empty.
    """
    path = answers.path(name)
    try:
        token = path.read_text(encoding="utf-8").strip() if path else ""
    except (OSError, UnicodeError):
        token = ""
    if not token:
        raise CredentialMissing(
            f"the {what} {str(path)!r} cannot be read, or is empty",
            hint=f"check the field {name}",
        )
    return token


def check_address(address: str, where: str) -> None:
    """Refuse an address that a credential's form would refuse, without repeating it.

    Raises:
        CredentialMissing: It is one.
    """
    from unvault.checking import check_answer

    try:
        check_answer(SERVER_ADDRESS, address)
        if "?" in address or "#" in address:
            raise ValueError("has a query or a fragment, and no server's has")
        if address.rstrip("/").endswith("/v1"):
            raise ValueError("ends in /v1, which is added by itself")
    except ValueError as error:
        why = str(error)
    else:
        return
    raise CredentialMissing(
        f"the server's address in {where} {why}",
        hint="correct it: such as https://vault.example.com:8200",
    )


def check_namespace(namespace: str) -> str:
    """Return a namespace that can be named in a header.

    Raises:
        CredentialMissing: It cannot be one.
    """
    if not (namespace.isascii() and namespace.isprintable()) or ".." in namespace.split("/"):
        raise CredentialMissing(
            "the namespace has a character that no namespace has, or a part '..'",
            hint="check namespace and auth_namespace",
        )
    return namespace


def check_token(token: str) -> str:
    """Return a token that can be sent in a header.

    Raises:
        CredentialRejected: No server would have given it.
    """
    if not token or " " in token or not (token.isascii() and token.isprintable()):
        raise CredentialRejected(
            "the token is empty, or has a character that no token has",
            hint="check where it comes from: it is one word, without a line end",
        )
    return token


def _file(answers: Answers, name: str) -> str | None:
    path = answers.path(name)
    if path is None:
        return None
    try:
        with path.open("rb"):
            return str(path)
    except OSError as error:
        raise CredentialMissing(
            f"the file {str(path)!r} cannot be read: {error.strerror}",
            hint=f"check the field {name}",
        ) from None
