"""A server for AWS Secrets Manager, IAM, STS and KMS: ministack, which checks what is signed.

What ministack 1.5.33 does with AUTH=true, as `tests/plugins/aws/test_servers.py` shows it:

* Signatures of users and roles are verified, with the Host that the client named, and so are the
  tokens and the end of roles' keys. What root signs is not, and any twelve digits are the access
  key of that account's root: only users and roles show anything about signing in.
* Keys that ended are forgotten when somebody next assumes a role. From then on they are called
  unknown (UnrecognizedClientException), not expired (ExpiredTokenException).
* Policies of users, roles and secrets are evaluated, for each id of a batch as well.

And what it does not, for which a test lets the proxy answer as AWS does:

* KMS is never asked, so that no key keeps a secret from anybody. AWS: AccessDeniedException,
  "Access to KMS is not allowed".
* A secret of another account is not found, whatever its policy says.
* A web identity's issuer, audience and subject are compared with the role's trust, but neither its
  signature nor its end are looked at. AWS: InvalidIdentityToken, ExpiredTokenException.
* A batch of more than 20 is answered. AWS: ValidationException. No answer has a NextToken.
* VersionStage is ignored where there is a VersionId. AWS: InvalidRequestException.
* The beginning of an ARN is enough to find a secret, wherever it ends. AWS: only the last hyphen
  and the six characters behind it may be missing.
* The filter "name" of ListSecrets finds the words anywhere and in either case. AWS: at the
  beginning, and the case counts.
* A denial has the status 403 (AWS: 400), and a message that does not always name the secret.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.servers.answers import NotAnswered
from tests.servers.aws_account import ROOT_SECRET, Account
from tests.servers.process import Link, end_process, free_ports, start_process

_STARTING_SECONDS = 20
_ROOT = "AKIAROOTOFMINISTACK0"
_NOT_THERE = (
    "ministack is not installed: it has an environment of its own at {place}, because it needs "
    "another botocore. `make test` makes it."
)


class Ministack:
    """A server on a free port of 127.0.0.1, while it is used as a context manager.

    It keeps everything in memory. Accounts are apart from each other, and one is made by being
    used: each test has one of its own, so that nothing has to be reset.

    Args:
        folder: Where its files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._link = Link()
        self._numbers = itertools.count(111_111_111_111)

    @property
    def address(self) -> str:
        """Where it listens: the endpoint of every service."""
        return f"http://127.0.0.1:{self._port}"

    def new_account(self, region: str = "eu-west-1") -> Account:
        """Return an account that nobody used yet."""
        return Account(self, str(next(self._numbers)), region)

    def start(self) -> Self:
        """Start it, on the port it had before; where one is taken the first time, on another."""
        again = bool(self._port)
        for _ in range(8):
            if not again:
                (self._port,) = free_ports(1)
            if self._start_once():
                return self
            if again:
                time.sleep(0.1)
        raise AssertionError((self.folder / "output.log").read_text())

    def kill(self) -> None:
        """End it as a power cut would. It forgets everything."""
        process, self._process = self._process, None
        self._link.close()
        if process is not None:
            end_process(process, signal.SIGKILL)

    def send(self, text: str, headers: dict[str, str]) -> bytes:
        """Ask any service, and return the body of the answer.

        Raises:
            NotAnswered: The answer is no success.
        """
        status, answer = self._link.send(self._port, "POST", "/", text.encode(), headers)
        if status >= 300:
            raise NotAnswered(status, answer.decode())
        return answer

    def health(self) -> Any:
        """Return what it says of itself."""
        status, answer = self._link.send(self._port, "GET", "/_ministack/health", None, {})
        if status != 200:
            raise NotAnswered(status, answer.decode())
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _start_once(self) -> bool:
        self._process = start_process(
            [_python(), "-m", "ministack"],
            self.folder,
            {
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(self._port),
                "AWS_ACCESS_KEY_ID": _ROOT,
                "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
                "TMPDIR": str(self.folder),
                "STATE_DIR": str(self.folder),
                # It would listen at a fixed port for each of these.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "LOG_LEVEL": "WARNING",
            },
        )
        end = time.monotonic() + _STARTING_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException, NotAnswered):
                return bool(self.health())
            time.sleep(0.01)
        self.kill()
        return False


def _python() -> Path:
    """Return the interpreter of the environment that only ministack is in."""
    place = Path(sys.prefix) / "ministack"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        raise AssertionError(_NOT_THERE.format(place=place))
    return python
