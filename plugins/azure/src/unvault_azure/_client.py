"""The only file that calls the SDK for vaults: clients of azure-keyvault-secrets, one for each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from unvault.errors import Unavailable, UnvaultError
from unvault.retries import Again, Retries
from unvault_azure import __version__
from unvault_azure._errors import Refused, no_answer, outage, refused, seconds_of
from unvault_azure._exceptions import chain, sdk_error
from unvault_azure._quiet import hush, quiet
from unvault_azure.bearer import Bearer, refused_challenge
from unvault_azure.connection import Connection
from unvault_azure.deadlines import within
from unvault_azure.entra import Asked, denial_in, entra_error, throttled
from unvault_azure.identifiers import is_vault
from unvault_azure.tokens import Tokens

if TYPE_CHECKING:
    from unvault_azure._http import Sender

_T = TypeVar("_T")


class Azure:
    """What asks Entra ID and vaults for one credential: in time, and again where that may help.

    Args:
        connection: Where Azure is asked, and how patiently.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._sender: Sender | None = None
        self._retries: dict[str, Retries] = {}
        self._lock = threading.Lock()

    @property
    def sender(self) -> Sender:
        """What sends the requests."""
        with self._lock:
            if self._sender is None:
                from unvault_azure._http import Sender

                self._sender = Sender()
            return self._sender

    def work(self, action: Callable[[], _T], asked: Asked, *, once: bool = False) -> _T:
        """Do something that sends requests: in time, and again where that may help.

        Args:
            action: What to do.
            asked: Who is asked, and in what circumstances.
            once: Whether it must not be done again, since its like works only once.

        Raises:
            Refused: A vault's answer is no success.
            UnvaultError: What else went wrong.
        """

        def attempt(seconds: float) -> _T:
            with within(seconds), quiet():
                try:
                    return action()
                except Exception as error:  # noqa: BLE001  # the SDK's have no common parent
                    failed, again = failure(error, asked)
            if again is not None and not once:
                raise again
            raise failed

        return self._patience(asked.where).call(attempt)

    def close(self) -> None:
        """Close the connections; it can be used again afterwards."""
        if self._sender is not None:
            self._sender.close()

    def _patience(self, where: str) -> Retries:
        """Return the patience with one server: another one that is down is no reason to hurry."""
        found = self._retries.get(where)
        if found is None:
            found = self._retries.setdefault(where, Retries(self.connection.timeout))
        return found


class Vaults:
    """Asks vaults, with a credential's tokens.

    Args:
        azure: What asks.
        tokens: Who gets the tokens.
    """

    def __init__(self, azure: Azure, tokens: Tokens) -> None:
        self.azure = azure
        self._tokens = tokens
        self._clients: dict[str, Any] = {}
        self._bearers: dict[str, Bearer] = {}
        self._lock = threading.Lock()

    def ask(self, host: str, path: str, asked: Asked, **parameters: str) -> Any:
        """Return what a vault answers, read as JSON.

        Args:
            host: The vault's.
            path: What is asked for.
            asked: The vault, as messages call it.
            parameters: Of the query.

        Raises:
            Refused: The answer is no success.
            UnvaultError: There is none.
        """
        from azure.core.rest import HttpRequest

        client = self._client(host)

        def send() -> Any:
            # Made anew each time: the SDK changes it.
            try:
                response = client.send_request(HttpRequest("GET", path, params=parameters or None))
            except ValueError:  # what the SDK says of a challenge that it does not believe
                raise refused_challenge() from None
            except AttributeError:
                # Where a vault refuses a token, the SDK forgets it for all threads, and stumbles in
                # one that was about to show it.
                raise Again(no_answer(asked.where)) from None
            return _body(response, asked.where)

        return self.azure.work(send, asked)

    def replace_token(self, host: str) -> None:
        """See to it that the next sign-in has another token than the one that a vault was shown."""
        last = self._bearers[host].last
        if last is not None:
            self._tokens.replace(last)

    def close(self) -> None:
        """Let go of the tokens, and close the connections."""
        self._clients.clear()
        self._bearers.clear()
        self._tokens.forget()
        self.azure.close()

    def _client(self, host: str) -> Any:
        found = self._clients.get(host)
        if found is not None:
            return found
        with self._lock:
            if host not in self._clients:
                with quiet():
                    self._clients[host] = self._made(host)
                hush()  # what was imported for it
            return self._clients[host]

    def _made(self, host: str) -> Any:
        from azure.core.pipeline.policies import RetryPolicy
        from azure.keyvault.secrets import SecretClient

        from unvault_azure._sending import Transport

        own = is_vault(host, self.azure.connection)
        bearer = self._bearers[host] = Bearer(self._tokens, self.azure.connection)
        return SecretClient(
            f"https://{host}",
            bearer,  # type: ignore[arg-type]  # the SDK asks for get_token_info where there is one
            transport=Transport(self.azure.sender),
            retry_policy=RetryPolicy.no_retries(),
            permit_redirects=False,
            # Where the credential allows another host, what the token is for is checked by Bearer.
            verify_challenge_resource=own,
            user_agent=f"unvault/{__version__}",
        )


def failure(error: Exception, asked: Asked) -> tuple[Exception, Again | None]:
    """Return what an exception is to us, and what says to try again where that may help.

    Args:
        error: It.
        asked: Who was asked, and in what circumstances.
    """
    if isinstance(error, Again):
        return error.error, error
    if isinstance(error, Refused):
        if not error.may_pass:
            return error, None
        out: UnvaultError = outage(error, asked.where)
        return out, Again(out, after=error.after)
    if isinstance(error, UnvaultError):
        return error, None
    for each in chain(error):
        passing = _passing(each, asked.where)
        if passing is not None:
            return passing.error, passing
    denial = next(filter(None, map(denial_in, chain(error))), None)
    if denial is not None:
        failed: UnvaultError = entra_error(denial, asked)
        return failed, Again(failed) if denial.may_pass else None
    failed, again = sdk_error(error, asked.where)
    return failed, Again(failed) if again else None


def _passing(error: BaseException, where: str) -> Again | None:
    """Return what says to try again, where an exception holds an answer that says so."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if not isinstance(status, int) or not (status == 429 or status >= 500):
        return None
    failed = (
        throttled(where)
        if status == 429
        else Unavailable(
            f"{where} cannot answer now (status {status})", hint="try again in a while"
        )
    )
    return Again(failed, after=seconds_of(getattr(response, "headers", {})))


def _body(response: Any, where: str) -> Any:
    """Return an answer, read as JSON.

    Raises:
        Refused: It is no success.
        Unavailable: It is no JSON.
    """
    status: int = response.status_code
    try:
        found = response.json()
    except ValueError:
        found = None
    if status != 200:
        raise refused(status, response.headers, found) from None
    if not isinstance(found, Mapping):
        raise no_answer(where) from None
    return found
