"""The authentication methods: what each sends to its mount's ``login``.

The requests are those of the API documentation, one page for each method:
https://developer.hashicorp.com/vault/api-docs/auth
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from unvault.errors import CredentialMissing, CredentialRejected
from unvault.hookspecs import Keep
from unvault.model import Answers, Credential
from unvault_hashicorp import forms
from unvault_hashicorp._client import Client, Reply, part, unexpected
from unvault_hashicorp._errors import Refused, rejected
from unvault_hashicorp.connection import check_token, read_token


@attrs.frozen
class Login:
    """What one method sends."""

    path: str
    """Behind the mount."""
    body: Mapping[str, object] = attrs.field(repr=False)
    """As JSON."""


def log_in(client: Client, credential: Credential, keep: Keep) -> Reply:
    """Sign in by the credential's method.

    Args:
        client: The server.
        credential: What to sign in with.
        keep: Keeps what works only once, as soon as it is used up.

    Returns:
        The ``auth`` part of the server's answer.

    Raises:
        CredentialRejected: The server refused the credential.
        CredentialMissing: A token that it names is not there.
        Unavailable: The server cannot be reached, or cannot answer.
    """
    method = str(credential.answers["auth_method"])
    mount = mount_of(credential)
    client.token = ""
    client.close()  # an idle connection that broke meanwhile would leave open what became of it
    login = _METHODS[method](client, credential, keep)
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
        error = rejected(refused, method, mount)
    else:
        auth = reply.get("auth")
        if isinstance(auth, dict) and auth.get("client_token"):
            check_token(str(auth["client_token"]))
            return auth
        error = _no_token(auth)
    raise error


def mount_of(credential: Credential) -> str:
    """Return where a credential's method is mounted."""
    own = credential.answers.text("auth_mount") or str(credential.answers["auth_method"])
    return own.strip("/").removeprefix("auth/")


def _no_token(auth: object) -> CredentialRejected:
    if isinstance(auth, dict) and auth.get("mfa_requirement"):
        return CredentialRejected(
            "the server wants a second factor, which nobody can give here",
            hint="use a credential that needs none, such as AppRole or a token",
        )
    return CredentialRejected("the server signed in without giving a token", hint="ask who runs it")


def _approle(client: Client, credential: Credential, keep: Keep) -> Login:
    body = {"role_id": credential.answers["role_id"]}
    secret_id = credential.answers.text("secret_id")
    if credential.answers.text("wrapped_secret_id"):
        secret_id = credential.kept.text("secret_id")
        if secret_id is None:
            secret_id = _unwrapped(client, credential.answers)
            keep({"secret_id": secret_id})  # signing in may fail, and unwrapping works once
    if secret_id:
        body["secret_id"] = secret_id
    return Login("login", body)


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
        hint="ask for another one; and if nobody of yours unwrapped it, and no sign-in with it was"
        " cut off, somebody else has it: tell who runs the server",
    )


def _userpass(_client: Client, credential: Credential, _keep: Keep) -> Login:
    user = str(credential.answers["username"])
    return Login(f"login/{user}", {"password": credential.answers["password"]})


def _jwt(_client: Client, credential: Credential, _keep: Keep) -> Login:
    token = credential.answers.text("jwt")
    if token is None:
        if credential.answers.path("jwt_file") is None:
            raise CredentialMissing("there is no JWT", hint="answer the field jwt, or jwt_file")
        token = read_token(credential.answers, "jwt_file", "JWT file")
    return Login("login", _with_role(credential.answers, {"jwt": token.strip()}))


def _kubernetes(_client: Client, credential: Credential, _keep: Keep) -> Login:
    token = read_token(credential.answers, "token_file", "service account token file")
    return Login("login", _with_role(credential.answers, {"jwt": token}))


def _cert(client: Client, credential: Credential, _keep: Keep) -> Login:
    if client.connection.certificate is None:
        raise CredentialMissing(
            "there is no client certificate", hint="answer the fields client_cert and client_key"
        )
    name = credential.answers.text("role")
    return Login("login", {"name": name} if name else {})


def _with_role(answers: Answers, body: dict[str, object]) -> Mapping[str, object]:
    role = answers.text("role")
    return {**body, "role": role} if role else body


_METHODS: Mapping[str, Callable[[Client, Credential, Keep], Login]] = {
    forms.APPROLE: _approle,
    forms.USERPASS: _userpass,
    forms.JWT: _jwt,
    forms.KUBERNETES: _kubernetes,
    forms.CERT: _cert,
}
