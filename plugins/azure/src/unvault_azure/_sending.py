"""What the SDK and MSAL send through: a `Sender`, in the shape that each of them wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

# Nothing of the plugin imports this module before a sign-in.
from azure.core.exceptions import HttpResponseError, TooManyRedirectsError  # noqa: TID253
from azure.core.pipeline.transport import HttpTransport  # noqa: TID253
from azure.core.rest import HttpRequest, HttpResponse  # noqa: TID253

from unvault_azure._http import Answer, Sender, note
from unvault_azure.entra import denial_in

_TOKENS = "/oauth2/v2.0/token"
"""How Entra ID's addresses for tokens end."""

_FORM = "application/x-www-form-urlencoded"


class MsalClient:
    """What MSAL sends through.

    Args:
        sender: What sends.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """Send a GET request."""
        return _checked(self._sender.send("GET", _with_query(url, params), headers))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """Send a POST request."""
        kind = {} if isinstance(data, str | None) else {"Content-Type": _FORM}
        body = data if isinstance(data, str | None) else urlencode(data)
        whole = {**kind, **(headers or {})}
        return _checked(self._sender.send("POST", _with_query(url, params), whole, body))

    def close(self) -> None:
        """Do nothing: the connections belong to others, too."""


class Transport(HttpTransport[HttpRequest, HttpResponse]):
    """What the SDK's pipelines send through.

    Args:
        sender: What sends.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def send(
        self, request: HttpRequest, *, connection_timeout: float | None = None, **_: object
    ) -> HttpResponse:
        """Send a request, and return its answer, which was read to its end."""
        body: Any = request.content
        if isinstance(body, Mapping):
            body = urlencode(body)
        answer = self._sender.send(
            request.method, request.url, request.headers, body, connect=connection_timeout
        )
        return Reply(request, answer)

    def open(self) -> None:
        """Do nothing: connections are opened when they are needed."""

    def close(self) -> None:
        """Do nothing: the connections belong to others, too."""

    def __enter__(self) -> Transport:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class TokenTransport(Transport):
    """What the SDK's ways to sign in send through.

    What may pass never gets to MSAL: it would say the same for a while, and not ask again.
    """

    def send(self, request: HttpRequest, **options: Any) -> HttpResponse:
        """Send a request, and return its answer, if it is one of Entra ID's that will stay.

        Raises:
            AzureError: It is none.
        """
        reply = super().send(request, **options)
        if not request.url.partition("?")[0].endswith(_TOKENS):
            return reply
        failed = _passing(reply)
        if failed is None:
            return reply
        note(request.url, failed)
        raise failed


class Reply(HttpResponse):
    """An answer as the SDK wants to read it.

    Args:
        request: What was asked.
        answer: What was answered.
    """

    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        self._request = request
        self._answer = answer
        self._encoding: str | None = None

    request = property(lambda self: self._request)
    status_code = property(lambda self: self._answer.status_code)
    headers = property(lambda self: self._answer.headers)
    content = property(lambda self: self._answer.content)
    url = property(lambda self: self._request.url)
    content_type = property(lambda self: self.headers.get("Content-Type"))
    reason = property(lambda self: f"status {self.status_code}")
    is_closed = is_stream_consumed = property(lambda _self: True)

    @property
    def encoding(self) -> str | None:
        """How the body is to be read as text."""
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    def text(self, encoding: str | None = None) -> str:
        """Return the body as text."""
        return self._answer.content.decode(encoding or self._encoding or "utf-8-sig", "replace")

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return self._answer.json()

    def raise_for_status(self) -> None:
        """Raise ``HttpResponseError`` where it is no success."""
        self._answer.raise_for_status()

    def read(self) -> bytes:
        """Return the body."""
        return self._answer.content

    def iter_raw(self, **_: object) -> Iterator[bytes]:
        """Yield the body."""
        yield self._answer.content

    def iter_bytes(self, **_: object) -> Iterator[bytes]:
        """Yield the body."""
        yield self._answer.content

    def close(self) -> None:
        """Do nothing: it was read."""

    def __enter__(self) -> Reply:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


def _passing(reply: HttpResponse) -> HttpResponseError | None:
    """Return what is to be raised of an answer that is not about what was asked."""
    status = reply.status_code
    if 300 <= status < 400:
        return TooManyRedirectsError([])  # none is followed
    try:
        reply.raise_for_status()
    except HttpResponseError as error:
        denial = denial_in(error)
        if status == 429 or status >= 500 or (denial is not None and denial.may_pass):
            return error
    return None


def _with_query(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


def _checked(answer: Answer) -> Answer:
    """Return an answer, unless it says that there is none now: MSAL would not know what to do."""
    if answer.status_code == 429 or answer.status_code >= 500:
        answer.raise_for_status()
    return answer
