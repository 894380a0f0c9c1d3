"""Rendering: that it is linear, and that a text without tags costs next to nothing."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Row
from benchmarks.timing import side_by_side
from unvault import Secret, SecretRequest, Session, Unvault, hookimpl
from unvault.forms import CredentialForm, CredentialType

_FEW, _MANY = 10_000, 100_000
_BYTES = 50_000_000
_TAG = "{% vault 'memory/greeting' %}"
_TEXTS = {
    "plain text": "It was a bright cold day in April, and the clocks were striking thirteen.\n",
    "full of {": '{"name": {"first": [{"of": {}}]}}\n',
    "full of {{ }}": "{{ name }} {{- greeting | upper -}}\n",
    "full of {% %}": "{% if name %}{%- include 'a' -%}{% endif %}\n",
}


class _Memory:
    """A provider whose vault has the same value everywhere, and no network before it."""

    @hookimpl
    def describe_credential_form(self) -> CredentialForm:
        return CredentialForm("Memory", types=[CredentialType("none")])

    @hookimpl
    def authenticate(self) -> Session:
        return Session(client=None)

    @hookimpl
    def fetch_secret(self, session: Session, request: SecretRequest) -> Secret:
        return Secret("an invented value")

    @hookimpl
    def fetch_secrets(self, session: Session, requests: Sequence[SecretRequest]) -> list[Secret]:
        return [self.fetch_secret(session, each) for each in requests]


def run() -> list[Row]:
    """Return what was measured."""
    return [
        _growth("the same reference", *(f"{_TAG}\n" * count for count in (_MANY, _FEW))),
        _growth("different references", *(_different(count) for count in (_MANY, _FEW))),
        *(_untagged(kind, line) for kind, line in _TEXTS.items()),
        _one_tag(),
    ]


def _growth(what: str, many: str, few: str) -> Row:
    """Render many tags, and a tenth of them."""
    actions = [lambda: _render(many), lambda: _render(few)]
    ours, theirs = side_by_side(actions, rounds=5, warm_up=1, least=True)
    beside = f"{_FEW:,} tags"
    return Row(f"render {_MANY:,} tags, {what}", ours * 1e3, theirs * 1e3, beside, at_most=12)


def _different(count: int) -> str:
    return "".join(f"{{% vault 'memory/greeting-{number}' %}}\n" for number in range(count))


def _untagged(kind: str, line: str) -> Row:
    content = (line * (_BYTES // len(line) + 1))[:_BYTES].encode()
    with _unvault() as vault:
        assert vault.render_bytes(content) == content
        seconds, copied = side_by_side(
            [lambda: vault.render_bytes(content), lambda: content.replace(b"{% vault", b"")],
            rounds=5,
            warm_up=1,
            least=True,
        )
    what = f"render 50 MB without a tag, {kind}"
    return Row(what, seconds * 1e3, copied * 1e3, "bytes.replace", limit=250)


def _one_tag() -> Row:
    """Render as much with one tag in it: so the whole text is gone through."""
    line = _TEXTS["full of {% %}"]
    content = (line * (_BYTES // len(line)) + _TAG).encode()
    with _unvault() as vault:
        [seconds] = side_by_side(
            [lambda: vault.render_bytes(content)], rounds=5, warm_up=1, least=True
        )
    return Row("render 50 MB full of {% %}, a tag at the end", seconds * 1e3)


def _render(text: str) -> None:
    with _unvault() as vault:
        assert len(vault.render(text)) < len(text)


def _unvault() -> Unvault:
    return Unvault.in_memory(discover=False, environ={}, plugins={"memory": _Memory()})
