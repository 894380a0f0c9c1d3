"""What stands before the servers of AWS and makes trouble."""

from __future__ import annotations

import json
from typing import Self
from urllib.parse import parse_qs

from tests.servers.proxy import Proxy
from tests.servers.serving import Seen, as_json


def action_of(seen: Seen) -> str:
    """Return what a request asks for: ``secretsmanager.GetSecretValue``, ``sts.AssumeRole``, …

    A request that names no action is known by its path, such as ``/federation/credentials``.
    """
    headers = {name.lower(): value for name, value in seen.headers.items()}
    service, _, action = headers.get("x-amz-target", "").rpartition(".")
    if action:
        return f"{'sts' if service.startswith('AWSSecurityToken') else service.lower()}.{action}"
    if "form-urlencoded" in headers.get("content-type", ""):
        form = parse_qs(seen.body.decode())
        scope = headers.get("authorization", "").partition("Credential=")[2].split("/")
        # What is asked without a signature is STS: AssumeRoleWithWebIdentity.
        return f"{scope[3] if len(scope) > 3 else 'sts'}.{form.get('Action', [''])[0]}"
    return seen.path.partition("?")[0]


class AwsProxy(Proxy):
    """A proxy that the server can verify signatures through: it keeps the name of the host.

    ``where`` is a part of the action, as `action_of` says it::

        with AwsProxy(ministack.address) as proxy:
            proxy.fail("ThrottlingException", where="GetSecretValue", times=2)
            proxy.fail("AccessDeniedException", "Access to KMS is not allowed", where="GetSecret")
            proxy.hang(where="sts.")
            proxy.answer(200, body=b"<html>", where="secretsmanager.")
            proxy.milliseconds = 20
    """

    keeps_host = True

    @property
    def actions(self) -> list[str]:
        """What was asked so far, in order."""
        with self.lock:
            return [action_of(seen) for seen in self.requests]

    def asked(self, action: str = "") -> int:
        """Return how often an action was asked for, by a part of it."""
        return sum(action in each for each in self.actions)

    def fail(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        where: str = "",
        times: int = 1,
    ) -> Self:
        """Answer with an error of AWS so many times instead of passing on, and then pass on.

        It comes as the service would say it: in JSON, or in XML where a form was sent.
        """

        def body(seen: Seen) -> bytes:
            if seen.body[:1] in {b"{", b""}:
                return as_json({"__type": code, "message": message})
            return _XML.format(code=code, message=message).encode()

        headers = {"x-amzn-ErrorType": code, "x-amzn-RequestId": "00000000-invented"}
        return self.answer(status, where=where, times=times, headers=headers, body=body)

    def subject(self, seen: Seen) -> str:
        return action_of(seen)


def asked_for(seen: Seen) -> dict[str, object]:
    """Return what a request in JSON holds."""
    told: dict[str, object] = json.loads(seen.body)
    return told


_XML = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    "</Error><RequestId>00000000-invented</RequestId></ErrorResponse>"
)
