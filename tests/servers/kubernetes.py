"""What a Kubernetes cluster says of its service accounts' tokens: the TokenReview API."""

from __future__ import annotations

import json
import ssl
from typing import Any

from tests.servers.serving import Connection, Seen, Serving, as_json
from tests.servers.tokens import Issuer

_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


class Kubernetes(Serving):
    """An API server that knows the tokens it made, and nothing else.

    Args:
        authority: A CA of trustme, which ``certificate`` is of.
    """

    def __init__(self, authority: Any) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        super().__init__(tls)
        self.certificate: str = authority.cert_pem.bytes().decode()
        self._issuer = Issuer()
        self._known: dict[str, tuple[str, str]] = {}

    def token(self, account: str = "app", namespace: str = "default") -> str:
        """Return a service account's token."""
        name = f"system:serviceaccount:{namespace}:{account}"
        about = {"name": account, "uid": "0e5d0e0e-0000-4000-8000-000000000001"}
        token = self._issuer.issue(
            iss="https://kubernetes.default.svc",
            sub=name,
            aud=["https://kubernetes.default.svc"],
            **{"kubernetes.io": {"namespace": namespace, "serviceaccount": about}},
        )
        self._known[token] = (name, about["uid"])
        return token

    def revoke(self, token: str) -> None:
        """Know a token no more: its account was removed."""
        del self._known[token]

    def respond(self, seen: Seen, connection: Connection) -> None:
        if seen.path != _REVIEWS or seen.method != "POST":
            connection.answer(404, as_json({"kind": "Status", "status": "Failure", "code": 404}))
            return
        review = json.loads(seen.body)
        known = self._known.get(review["spec"]["token"])
        status: dict[str, object] = {"authenticated": False, "error": "invalid bearer token"}
        if known:
            name, uid = known
            groups = ["system:serviceaccounts", "system:authenticated"]
            user = {"username": name, "uid": uid, "groups": groups}
            status = {"authenticated": True, "user": user}
            if review["spec"].get("audiences"):
                status["audiences"] = review["spec"]["audiences"]
        connection.answer(201, as_json({**review, "status": status}))
