"""Each way to sign in, set up on a real server: answers that work, and answers that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import trustme
from tests.servers.kubernetes import Kubernetes
from tests.servers.namespace import Namespace
from tests.servers.tokens import Issuer


@attrs.frozen
class Bad:
    """Answers that a server refuses."""

    answers: Mapping[str, Any]
    secrets: tuple[str, ...]
    """What of them must not show."""


@attrs.frozen
class Way:
    """One way to sign in."""

    good: Mapping[str, Any]
    bad: Mapping[str, Bad]
    """By what is wrong with them."""


@attrs.frozen
class Ground:
    """What a way needs besides a server."""

    folder: Path
    kubernetes: Kubernetes
    issuer: Issuer
    authority: trustme.CA

    def file(self, name: str, text: str | bytes) -> str:
        """Write a file, and return its path."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def certificate(self, name: str, authority: trustme.CA | None = None) -> str:
        """Write a client's certificate with its key, and return the file's path."""
        made = (authority or self.authority).issue_cert("client.example.org", common_name="client")
        return self.file(name, made.private_key_and_cert_chain_pem.bytes())


def _token(place: Namespace, policy: str, _mount: str | None, _ground: Ground) -> Way:
    revoked = place.create_token(policy)
    place.revoke(revoked)
    wrong = "s.canarywrongcanarywrong00"
    return Way(
        {"access_token": place.create_token(policy)},
        {
            "a wrong token": Bad({"access_token": wrong}, (wrong,)),
            "a revoked token": Bad({"access_token": revoked}, (revoked,)),
        },
    )


def _approle(place: Namespace, policy: str, mount: str | None, _ground: Ground) -> Way:
    role = place.approle(policy, mount=mount)
    spent = role.new_secret_id(num_uses=1)
    login = {"role_id": role.role_id, "secret_id": spent}
    place.call("POST", f"auth/{role.mount}/login", login, token="")
    fixed = {"auth_method": "approle", "role_id": role.role_id}
    wrong = "canary-wrong-secret-id"
    return Way(
        {**fixed, "secret_id": role.secret_id},
        {
            "a wrong secret id": Bad({**fixed, "secret_id": wrong}, (wrong,)),
            "a secret id that is used up": Bad({**fixed, "secret_id": spent}, (spent,)),
            "no secret id": Bad(fixed, ()),
            "a wrong role id": Bad(
                {**fixed, "role_id": "nobody", "secret_id": role.secret_id}, (role.secret_id,)
            ),
        },
    )


def _userpass(place: Namespace, policy: str, mount: str | None, _ground: Ground) -> Way:
    place.userpass("ann.b-c", "canary-password", policy, mount=mount)
    good = {"auth_method": "userpass", "username": "ann.b-c", "password": "canary-password"}
    return Way(
        good,
        {
            "a wrong password": Bad({**good, "password": "canary-wrong"}, ("canary-wrong",)),
            "a wrong name": Bad({**good, "username": "bob"}, ("canary-password",)),
        },
    )


def _jwt(place: Namespace, policy: str, mount: str | None, ground: Ground) -> Way:
    place.jwt(ground.issuer.public_key, policy, mount=mount)

    def signed(issuer: Issuer = ground.issuer, **claims: Any) -> str:
        return issuer.issue(**{"sub": "me", "aud": "unvault"} | claims)

    def bad(token: str, **more: Any) -> Bad:
        answers = {"auth_method": "jwt", "role": "app", "jwt": token, **more}
        return Bad(answers, (token, *token.split(".")[1:]))

    return Way(
        {"auth_method": "jwt", "role": "app", "jwt": signed()},
        {
            "another audience": bad(signed(aud="somebody else")),
            "a token that has expired": bad(signed(seconds=-600)),
            "a token signed with another key": bad(signed(Issuer())),
            "what is no token": bad("canary.canary.canary"),
            "a wrong role": bad(signed(), role="nobody"),
        },
    )


def _kubernetes(place: Namespace, policy: str, mount: str | None, ground: Ground) -> Way:
    cluster = ground.kubernetes
    place.kubernetes(cluster.address, cluster.certificate, policy, mount=mount)

    def answers(name: str, token: str, role: str = "app") -> dict[str, Any]:
        file = ground.file(name, f"{token}\n")
        return {"auth_method": "kubernetes", "role": role, "token_file": file}

    def bad(name: str, token: str, role: str = "app") -> Bad:
        return Bad(answers(name, token, role), (token, *token.split(".")[1:]))

    revoked = cluster.token()
    good = cluster.token()
    cluster.revoke(revoked)
    return Way(
        answers("good", good),
        {
            "another account": bad("other", cluster.token("other")),
            "a token the cluster does not know": bad("revoked", revoked),
            "a wrong role": bad("role", good, "nobody"),
        },
    )


def _cert(place: Namespace, policy: str, mount: str | None, ground: Ground) -> Way:
    server = place.server
    place.cert(server.ca_file.read_text(), policy, mount=mount)
    fixed = {
        "auth_method": "cert",
        "server_address": server.tls_address,
        "ca_file": str(server.ca_file),
    }
    good = ground.certificate("client.pem")
    stranger = ground.certificate("stranger.pem", trustme.CA())
    return Way(
        {**fixed, "client_cert": good},
        {
            "a certificate of another CA": Bad({**fixed, "client_cert": stranger}, ()),
            "a wrong role": Bad({**fixed, "client_cert": good, "role": "nobody"}, ()),
        },
    )


WAYS: Mapping[str, Callable[[Namespace, str, str | None, Ground], Way]] = {
    "token": _token,
    "approle": _approle,
    "userpass": _userpass,
    "jwt": _jwt,
    "kubernetes": _kubernetes,
    "cert": _cert,
}
"""What sets each of them up: in a namespace, for a policy, at a mount (None: the usual one)."""

REFUSALS = [
    ("token", "a wrong token"),
    ("token", "a revoked token"),
    ("approle", "a wrong secret id"),
    ("approle", "a secret id that is used up"),
    ("approle", "no secret id"),
    ("approle", "a wrong role id"),
    ("userpass", "a wrong password"),
    ("userpass", "a wrong name"),
    ("jwt", "another audience"),
    ("jwt", "a token that has expired"),
    ("jwt", "a token signed with another key"),
    ("jwt", "what is no token"),
    ("jwt", "a wrong role"),
    ("kubernetes", "another account"),
    ("kubernetes", "a token the cluster does not know"),
    ("kubernetes", "a wrong role"),
    ("cert", "a certificate of another CA"),
    ("cert", "a wrong role"),
]
