"""The only file that calls the AWS SDK: a session of botocore's, and its clients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs

from unvault.errors import CredentialMissing, UnvaultError
from unvault.retries import Again, Retries
from unvault_aws import __version__
from unvault_aws._errors import Refused, no_answer, outage, refused
from unvault_aws._exceptions import sdk_error
from unvault_aws._quiet import hush, quiet
from unvault_aws.connection import Connection
from unvault_aws.endpoints import check_endpoints

DEFAULT_REGION = "us-east-1"
"""Where STS is asked when no region is known: whose keys are is the same in every region."""

_NAMES = {
    "secretsmanager": "Secrets Manager",
    "sso": "the SSO portal",
    "sso-oidc": "the SSO sign-in service",
    "sts": "STS",
}

Reply = dict[str, Any]
"""What an operation answers."""

_GARBLED = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What the SDK runs into when it reads an answer that AWS would not give: it has no word for it."""

_T = TypeVar("_T")


@attrs.frozen
class Keys:
    """What requests are signed with."""

    access_key: str = attrs.field(repr=False)
    """The access key's id."""
    secret_key: str = attrs.field(repr=False)
    """The secret access key."""
    token: str | None = attrs.field(default=None, repr=False)
    """The session token of temporary keys."""
    expires: datetime | None = None
    """When they end; None where that is not known, and others cannot be had."""
    origin: str = ""
    """Where they come from, for a person to read."""

    @property
    def fault(self) -> str | None:
        """What is wrong with how they are written, without what they are; None for nothing."""
        parts = {"id": self.access_key, "secret": self.secret_key, "token": self.token or ""}
        for name, text in parts.items():
            if not (text.isascii() and text.isprintable()) or " " in text:
                return f"the {name} has a blank, a line end or another character that none has"
            if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
                return f"the {name} stands in quotation marks, which AWS takes for a part of it"
        return None


class Aws:
    """One session of the SDK's, set up for one credential.

    Args:
        connection: Where AWS is asked, by which files, and how patiently.
    """

    def __init__(self, connection: Connection) -> None:
        from botocore.session import Session

        self.connection = connection
        self._retries = Retries(connection.timeout)
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._senders: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        hush()
        with quiet():
            self.sdk = Session(profile=connection.profile)
            self._set_up()

    def _set_up(self) -> None:
        from botocore.config import Config

        for variable, path in (
            ("credentials_file", self.connection.credentials_file),
            ("config_file", self.connection.config_file),
        ):
            if path is not None:
                self.sdk.set_config_variable(variable, str(path))
        if self.connection.region:
            self.sdk.set_config_variable("region", self.connection.region)
        self.sdk.set_default_client_config(
            Config(
                connect_timeout=self.connection.timeout,
                read_timeout=self.connection.timeout,
                retries={"total_max_attempts": 1, "mode": "standard"},
                parameter_validation=False,
                user_agent_extra=f"unvault/{__version__}",
            )
        )
        self.sdk.register("before-send", self._send)

    @property
    def region(self) -> str | None:
        """The region, as the credential or else the SDK's own configuration says."""
        import os

        found = self.look(lambda: self.sdk.get_config_variable("region"))
        return found or os.environ.get("AWS_REGION") or None

    @property
    def files(self) -> list[Path]:
        """The files that the SDK reads."""
        names = ("credentials_file", "config_file")
        found = (self.look(partial(self.sdk.get_config_variable, name)) for name in names)
        return [Path(each).expanduser() for each in found if each]

    def ask(
        self,
        service: str,
        operation: str,
        *,
        region: str,
        keys: Keys | None = None,
        **parameters: object,
    ) -> Reply:
        """Return what an operation answers.

        Args:
            service: As the SDK calls it.
            operation: The name of the client's method.
            region: Where.
            keys: What the request is signed with; None for one that is not signed.
            parameters: Of the operation.

        Raises:
            Refused: The answer is no success.
            Unavailable: There is none, or it says that the service cannot answer now.
            CredentialMissing: What is configured cannot be used.
        """
        method = getattr(self._client(service, region, keys), operation)
        where = f"{_NAMES[service]} in {region}"

        def asked() -> Reply:
            try:
                reply: Reply = method(**parameters)
            except _GARBLED:
                pass
            else:
                return reply
            raise no_answer(where)

        return self.work(asked, where)

    def work(self, action: Callable[[], _T], where: str) -> _T:
        """Do something that may send requests: in time, and again where that may help.

        Args:
            action: What to do.
            where: Who is asked.

        Raises:
            Refused: An answer is no success.
            UnvaultError: What else went wrong.
        """

        def attempt(seconds: float) -> _T:
            from unvault_aws._http import at_work

            with at_work(seconds), quiet():
                try:
                    return action()
                except Exception as error:  # noqa: BLE001  # the SDK's have no common parent
                    caught = error
                failed, again = self._failure(caught, where)
                del caught  # what it says may be shown with this frame
            if again is not None:
                raise again
            raise failed

        return self._retries.call(attempt)

    def look(self, action: Callable[[], _T]) -> _T:
        """Do something that reads files and the environment only.

        Raises:
            UnvaultError: They cannot be used.
        """
        with quiet():
            try:
                return action()
            except Exception as error:  # noqa: BLE001  # the SDK's have no common parent
                caught = error
            failed, _ = self._failure(caught, "AWS")
            del caught
        raise failed

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        for sender in [*self._senders.values()]:
            sender.close()

    def _client(self, service: str, region: str, keys: Keys | None) -> Any:
        key = (service, region, keys.access_key if keys else "")
        found = self._clients.get(key)
        if found is not None:
            return found
        with self._lock:  # the SDK makes one at a time only
            if key not in self._clients:
                # Past the deadline's clock: it takes work, and asks nobody.
                self._clients[key] = self.look(lambda: self._made(service, region, keys))
            return self._clients[key]

    def _made(self, service: str, region: str, keys: Keys | None) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        endpoints = {
            "secretsmanager": self.connection.endpoint_in(region),
            "sts": self.connection.sts_endpoint,
        }
        if keys is not None and keys.fault is not None:
            raise CredentialMissing(
                f"the keys {keys.origin} cannot be used: {keys.fault}", hint="write it anew"
            )
        options: dict[str, Any] = {"endpoint_url": endpoints.get(service)}
        if endpoints.get(service) is None:
            check_endpoints(self.sdk, [service])
        if keys is None:
            options["config"] = Config(signature_version=UNSIGNED)
        else:
            options |= {
                "aws_access_key_id": keys.access_key,
                "aws_secret_access_key": keys.secret_key,
                "aws_session_token": keys.token,
            }
        made = self.sdk.create_client(service, region_name=region, **options)
        hush()  # what was imported for it
        return made

    def _failure(self, error: Exception, where: str) -> tuple[Exception, Again | None]:
        """Return what an exception is to us, and what says to try again where that may help."""
        if isinstance(error, UnvaultError | Refused):
            return error, None
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            refusal = refused(response)
            if not refusal.may_pass:
                return refusal, None
            failed: UnvaultError = outage(refusal, where)
            return failed, Again(failed, after=refusal.after)
        if type(error) is ValueError:  # what the SDK says of an address of its own that is none
            try:
                check_endpoints(self.sdk)
            except CredentialMissing as wrong:
                return wrong, None
        failed, again = sdk_error(error, where)
        return failed, Again(failed) if again else None

    def _send(self, request: Any, **_: object) -> Any:
        """Send in place of the SDK's client, which would not keep our deadline."""
        host = request.url.partition("?")[0]
        found = self._senders.get(host)
        if found is None:
            with self._sending:  # or each of many threads would have connections of its own
                found = self._senders.get(host)
                if found is None:
                    found = self._senders[host] = self._sender(request.url)
        return found.send(request)

    def _sender(self, url: str) -> Any:
        """Return what sends to an address: by the same proxy and CA as the SDK would."""
        import os

        from botocore.utils import get_environ_proxies

        from unvault_aws._http import Sender

        verify = self.sdk.get_config_variable("ca_bundle")
        if verify is None:
            verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        return Sender(verify=verify, proxies=get_environ_proxies(url))


@contextmanager
def opened(connection: Connection) -> Iterator[Aws]:
    """Yield a session that is closed afterwards."""
    aws = Aws(connection)
    try:
        yield aws
    finally:
        aws.close()
