"""The authentication methods: what each sends to its mount's ``login``.

The requests are those of the API documentation, one page for each method:
https://developer.hashicorp.com/vault/api-docs/auth
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from unvault.errors import CredentialMissing, CredentialRejected
from unvault.model import Answers, Credential
from unvault_hashicorp import forms
from unvault_hashicorp._client import Client, Reply, part, unexpected
from unvault_hashicorp._errors import Refused, rejected
from unvault_hashicorp.connection import read_token

_SECRETS = ("secret_id", "wrapped_secret_id", "password", "jwt", "access_token")


@attrs.frozen
class Login:
    """What one method sends."""

    path: str
    """Behind the mount."""
    body: Mapping[str, object] = attrs.field(repr=False)
    """As JSON."""
    keep: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """What has to be kept for the next sign-in, besides the token."""


def log_in(client: Client, credential: Credential) -> tuple[Reply, Mapping[str, str]]:
    """Sign in by the credential's method.

    Returns:
        The ``auth`` part of the server's answer, and what has to be kept besides the token.

    Raises:
        CredentialRejected: The server refused the credential.
        CredentialMissing: A token that it names is not there.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    method = str(credential.answers["auth_method"])
    mount = mount_of(credential)
    client.token = ""
    client.close()  # an idle connection that broke meanwhile would leave open what became of it
    login = _METHODS[method](client, credential)
    known = [known for name in _SECRETS if (known := credential.answers.text(name))]
    sent = [value for value in login.body.values() if isinstance(value, str) and value]
    try:
        reply = client.write(
            f"auth/{mount}/{login.path}",
            client.connection.auth_namespace,
            login.body,
            once=method == forms.APPROLE,
        )
    except Refused as refused:
        if not 400 <= refused.status < 500:
            raise unexpected(refused, client.address) from None
        error = rejected(refused, method, mount, sent + known)
        if login.keep and not credential.kept.get("secret_id"):
            error.hint = "the wrapped secret id is used up: ask for another one"
    else:
        auth = reply.get("auth")
        if isinstance(auth, dict) and isinstance(auth.get("client_token"), str):
            return auth, login.keep
        error = _no_token(auth)
    raise error


def mount_of(credential: Credential) -> str:
    """Return where a credential's method is mounted."""
    own = credential.answers.text("auth_mount") or str(credential.answers["auth_method"])
    return own.strip("/")


def _no_token(auth: object) -> CredentialRejected:
    if isinstance(auth, dict) and auth.get("mfa_requirement"):
        return CredentialRejected(
            "the server wants a second factor, which nobody can give here",
            hint="use a credential that needs none, such as AppRole or a token",
        )
    return CredentialRejected("the server signed in without giving a token", hint="ask who runs it")


def _approle(client: Client, credential: Credential) -> Login:
    body = {"role_id": credential.answers["role_id"]}
    secret_id = credential.answers.text("secret_id")
    keep: dict[str, str] = {}
    if credential.answers.text("wrapped_secret_id"):
        secret_id = credential.kept.text("secret_id") or _unwrapped(client, credential.answers)
        keep = {"secret_id": secret_id}
    if secret_id:
        body["secret_id"] = secret_id
    return Login("login", body, keep)


def _unwrapped(client: Client, answers: Answers) -> str:
    """Return the secret id that a wrapping token stands for; that works once."""
    wrapping = str(answers["wrapped_secret_id"])
    client.token = wrapping
    try:
        reply = client.write("sys/wrapping/unwrap", client.connection.auth_namespace)
        found = part(reply, "data").get("secret_id")
    except Refused as refused:
        if refused.status not in {400, 403}:
            raise unexpected(refused, client.address) from None
        found = None
    finally:
        client.token = ""
    if isinstance(found, str) and found:
        return found
    raise CredentialRejected(
        "the wrapped secret id cannot be unwrapped: it was unwrapped before, has expired, or is"
        " no secret id",
        hint="if it was not you who unwrapped it, somebody else has it: ask for another one, and"
        " tell who runs the server",
    )


def _userpass(_client: Client, credential: Credential) -> Login:
    user = str(credential.answers["username"])
    return Login(f"login/{user}", {"password": credential.answers["password"]})


def _jwt(_client: Client, credential: Credential) -> Login:
    token = credential.answers.text("jwt")
    if token is None:
        if credential.answers.path("jwt_file") is None:
            raise CredentialMissing("there is no JWT", hint="answer the field jwt, or jwt_file")
        token = read_token(credential.answers, "jwt_file", "JWT file")
    return Login("login", _with_role(credential.answers, {"jwt": token.strip()}))


def _kubernetes(_client: Client, credential: Credential) -> Login:
    token = read_token(credential.answers, "token_file", "service account token file")
    return Login("login", _with_role(credential.answers, {"jwt": token}))


def _cert(client: Client, credential: Credential) -> Login:
    if client.connection.certificate is None:
        raise CredentialMissing(
            "there is no client certificate", hint="answer the fields client_cert and client_key"
        )
    name = credential.answers.text("role")
    return Login("login", {"name": name} if name else {})


def _with_role(answers: Answers, body: dict[str, object]) -> Mapping[str, object]:
    role = answers.text("role")
    return {**body, "role": role} if role else body


_METHODS: Mapping[str, Callable[[Client, Credential], Login]] = {
    forms.APPROLE: _approle,
    forms.USERPASS: _userpass,
    forms.JWT: _jwt,
    forms.KUBERNETES: _kubernetes,
    forms.CERT: _cert,
}
