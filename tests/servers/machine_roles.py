"""Where containers and machines of AWS get the keys of their role: ECS, EKS, and EC2 (IMDSv2)."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from tests.servers.aws_account import Account, Keys
from tests.servers.serving import Connection, Seen, Serving, as_json

_TTL, _TOKEN = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
_LONGEST = 21600


class _Role(Serving):
    """Gives out the keys of one role, the same ones until they end, as AWS does.

    Args:
        account: Mints the keys, so that what they may do is real.
        role: The role's ARN.
    """

    def __init__(self, account: Account, role: str) -> None:
        super().__init__()
        self.role = role
        self.seconds = 3600
        """How long new keys are valid."""
        self.minted = 0
        """How many keys there were."""
        self._account = account
        self._keys: Keys | None = None

    def keys(self) -> Keys:
        """Return the keys of now."""
        with self.lock:
            if self._keys is None or (self._keys.expires or 0) <= time.time():
                session = f"i-{secrets.token_hex(4)}"
                self._keys = self._account.assume(self.role, seconds=self.seconds, session=session)
                self.minted += 1
            return self._keys

    def told(self) -> dict[str, Any]:
        """Return the keys as both kinds of server tell them."""
        keys = self.keys()
        ends = datetime.fromtimestamp(keys.expires or 0, UTC)
        return {
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret_key,
            "Token": keys.session_token,
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class ContainerRole(_Role):
    """What ``AWS_CONTAINER_CREDENTIALS_FULL_URI`` names: of ECS, or of EKS's pod identities.

    It gives keys to those only who send its token, which is in a file of EKS's pods::

        with ContainerRole(account, role) as container:
            environment = container.environment
            token_file.write_text(container.token)
    """

    def __init__(self, account: Account, role: str) -> None:
        super().__init__(account, role)
        self.token = f"canary-{secrets.token_hex(12)}"
        """What has to be in the header ``Authorization``."""

    @property
    def environment(self) -> dict[str, str]:
        """The variable that names it."""
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.address}/v1/credentials"}

    def respond(self, seen: Seen, connection: Connection) -> None:
        if (seen.method, seen.path) != ("GET", "/v1/credentials"):
            connection.answer(404, as_json({"code": "NotFound", "message": "canary-404"}))
        elif _header(seen, "authorization") != self.token:
            body = {"code": "AccessDeniedException", "message": f"not {self.token}"}
            connection.answer(401, as_json(body))
        else:
            connection.answer(200, as_json({"RoleArn": self.role, **self.told()}))


class MachineRole(_Role):
    """What ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` names: it asks for a token first (IMDSv2)."""

    def __init__(self, account: Account, role: str) -> None:
        super().__init__(account, role)
        self._tokens: dict[str, float] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name it."""
        return {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.address,
            "AWS_EC2_METADATA_DISABLED": "false",
        }

    def respond(self, seen: Seen, connection: Connection) -> None:
        text = {"Content-Type": "text/plain"}
        if seen.path == "/latest/api/token":
            self._give_token(seen, connection, text)
            return
        name = self.role.rpartition("/")[2]
        folder = "/latest/meta-data/iam/security-credentials/"
        if self._tokens.get(_header(seen, _TOKEN), 0) <= time.time():
            connection.answer(401, headers=text)
        elif seen.path == folder:
            connection.answer(200, name.encode(), text)
        elif seen.path == folder + name:
            kind = {"Code": "Success", "Type": "AWS-HMAC"}
            connection.answer(200, as_json(kind | self.told()), text)
        else:
            connection.answer(404, headers=text)

    def _give_token(self, seen: Seen, connection: Connection, text: dict[str, str]) -> None:
        seconds = _header(seen, _TTL)
        if seen.method != "PUT" or _header(seen, "x-forwarded-for"):
            connection.answer(403, headers=text)
        elif not seconds.isdigit() or not 1 <= int(seconds) <= _LONGEST:
            connection.answer(400, headers=text)
        else:
            token = f"canary-{secrets.token_hex(12)}"
            self._tokens[token] = time.time() + int(seconds)
            connection.answer(200, token.encode(), text | {_TTL: seconds})


def _header(seen: Seen, name: str) -> str:
    return {key.lower(): value for key, value in seen.headers.items()}.get(name, "")
