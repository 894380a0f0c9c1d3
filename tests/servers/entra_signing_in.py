"""What happens in the browser: somebody signs in, and allows what is asked for, or does not."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import attrs

from tests.servers.entra_directory import App, Person, Tenant, placed, resource_of
from tests.servers.entra_errors import Refused
from tests.servers.entra_pages import (
    Page,
    code_page,
    consent_page,
    done_page,
    error_page,
    sent_back,
    sign_in_page,
)

if TYPE_CHECKING:
    from tests.servers.entra import Entra

_TROUBLE = "Sorry, but we're having trouble signing you in."
_SHOWN_ONLY = {50011, 50020, 50194, 53003, 700016, 90002}
"""Errors that are shown, and that the application never hears of."""


@attrs.define(eq=False)
class Device:
    """A device that shows a code, and waits."""

    app: App
    tenant: Tenant | None
    scope: str
    user_code: str
    ends: float
    state: str = "pending"
    person: Person | None = None
    asked: float = 0.0


@attrs.define(eq=False)
class Flow:
    """One try to sign in."""

    app: App
    tenant: Tenant | None
    asked: Mapping[str, str]
    """The parameters of ``authorize``."""
    person: Person | None = None
    device: Device | None = None


@attrs.define(eq=False)
class Code:
    """An authorization code: what it is good for."""

    flow: Flow
    ends: float
    redeemed: bool = False


class SigningIn:
    """The pages, in order.

    Args:
        entra: The server that they are part of.
    """

    def __init__(self, entra: Entra) -> None:
        self._entra = entra
        self._flows: dict[str, Flow] = {}
        self._signed_in: dict[str, Person] = {}
        self.codes: dict[str, Code] = {}
        self.devices: dict[str, Device] = {}

    def answer(
        self, method: str, tenant: str, page: str, told: dict[str, str], cookies: str
    ) -> Page:
        """Return what a browser is answered."""
        try:
            if page == "authorize":
                return self._authorize(tenant, told, cookies)
            if page == "device":
                return self._device(method, told)
            if page == "logout":
                self._signed_in.clear()
                return done_page("You signed out of your account")
            flow = self._flows.get(told.get("flow", ""))
            if flow is None:
                return error_page(_TROUBLE, "This page is too old.")
            return self._sign_in(flow, told) if page == "login" else self._consent(flow, told)
        except Refused as refused:
            return error_page(_TROUBLE, refused.description(self._entra.now()))

    def _authorize(self, name: str, asked: dict[str, str], cookies: str) -> Page:
        entra = self._entra
        entra.opened.append(asked)
        tenant = entra.directory.tenant(name)
        app = entra.directory.app(asked.get("client_id", ""), tenant)
        uri = asked.get("redirect_uri", "")
        if not app.allows(uri):
            raise Refused(50011, uri=uri, app=app.client_id)
        flow = Flow(app, tenant, asked)
        try:
            _check(asked)
            person = self._signed_in.get(_cookie(cookies))
            if person and asked.get("prompt") not in {"select_account", "login"}:
                flow.person = person
                return self._after_sign_in(flow)
            if asked.get("prompt") == "none":
                raise Refused(50058)
        except Refused as refused:
            return self._refuse(flow, refused)
        hint = asked.get("login_hint", "")
        return sign_in_page("/common/login", self._keep(flow), hint=hint)

    def _sign_in(self, flow: Flow, told: dict[str, str]) -> Page:
        if told.get("go") == "cancel":
            return self._refuse(flow, Refused(65004), subcode="cancel")
        name = told.get("loginfmt", "")
        try:
            flow.person = self._entra.directory.person(name, told.get("passwd", ""))
        except Refused as refused:
            problem = refused.description(self._entra.now())
            return sign_in_page("/common/login", told["flow"], hint=name, problem=problem)
        flow.person.needs_mfa = False
        number = secrets.token_hex(16)
        self._signed_in[number] = flow.person
        cookie = f"ESTSAUTH={number}; Path=/; Secure; HttpOnly; SameSite=None"
        try:
            page = self._after_sign_in(flow)
        except Refused as refused:
            page = self._refuse(flow, refused)
        return page._replace(headers={**page.headers, "Set-Cookie": cookie})

    def _after_sign_in(self, flow: Flow) -> Page:
        person, app = _signed_in(flow), flow.app
        tenant = placed(person, flow.tenant, app)
        if person.blocked:
            raise Refused(53003)
        resource = resource_of(flow.asked.get("scope", ""), tenant)
        allowed = app.first_party or (app.client_id, resource) in person.consents
        if allowed and flow.asked.get("prompt") != "consent":
            return self._finish(flow)
        if not person.may_consent:
            raise Refused(90094, name=app.name)
        return consent_page(
            "/common/consent",
            self._keep(flow),
            name=app.name,
            user=person.name,
            scopes=flow.asked.get("scope", "").split(),
        )

    def _consent(self, flow: Flow, told: dict[str, str]) -> Page:
        if told.get("go") != "accept":
            return self._refuse(flow, Refused(65004))
        person = _signed_in(flow)
        tenant = placed(person, flow.tenant, flow.app)
        resource = resource_of(flow.asked.get("scope", ""), tenant)
        person.consents.add((flow.app.client_id, resource))
        self._entra.consents += 1
        return self._finish(flow)

    def _finish(self, flow: Flow) -> Page:
        if flow.device is not None:
            flow.device.state, flow.device.person = "approved", flow.person
            return done_page(f"You have signed in to {flow.app.name} on your device")
        code = f"0.{secrets.token_urlsafe(48)}"
        self.codes[code] = Code(flow, self._entra.now() + self._entra.code_seconds)
        return self._send_back(flow, {"code": code, "session_state": secrets.token_hex(16)})

    def _refuse(self, flow: Flow, refused: Refused, *, subcode: str = "") -> Page:
        if flow.device is not None and refused.code == 65004:
            flow.device.state = "declined"
            return done_page("You declined")
        told = refused.description(self._entra.now())
        if flow.device is not None or (
            refused.code in _SHOWN_ONLY and not self._entra.sends_all_errors_back
        ):
            return error_page(_TROUBLE, told)
        # At this endpoint OAuth has other names for some.
        known = {"invalid_grant": "interaction_required", "invalid_client": "unauthorized_client"}
        answer = {"error": known.get(refused.error, refused.error), "error_description": told}
        answer["error_uri"] = f"https://login.microsoftonline.com/error?code={refused.code}"
        return self._send_back(flow, answer | ({"error_subcode": subcode} if subcode else {}))

    def _send_back(self, flow: Flow, answer: dict[str, str]) -> Page:
        state = flow.asked.get("state")
        answer |= {} if state is None else {"state": state}
        mode = flow.asked.get("response_mode", "query")
        return sent_back(flow.asked["redirect_uri"], mode, answer)

    def _device(self, method: str, told: dict[str, str]) -> Page:
        code = told.get("otc", "").strip().upper()
        if method != "POST":
            return code_page("/device", code=code)
        now = self._entra.now()
        for device in self.devices.values():
            if device.user_code == code and device.ends > now and device.state == "pending":
                asked = {"scope": device.scope, "redirect_uri": ""}
                flow = Flow(device.app, device.tenant, asked, device=device)
                return sign_in_page("/common/login", self._keep(flow))
        return code_page("/device", problem="That code didn't work. Check the code and try again.")

    def _keep(self, flow: Flow) -> str:
        number = secrets.token_hex(16)
        self._flows[number] = flow
        return number


def form_of(body: bytes) -> dict[str, str]:
    """Return what a form sent."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _signed_in(flow: Flow) -> Person:
    assert flow.person is not None
    return flow.person


def _check(asked: dict[str, str]) -> None:
    """Look at what an application asks for; S256 is demanded of all of them."""
    if asked.get("response_type") != "code":
        raise Refused(90014, field="response_type")
    if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
        raise Refused(90014, field="code_challenge")


def _cookie(cookies: str) -> str:
    for each in cookies.split(";"):
        name, _, value = each.strip().partition("=")
        if name == "ESTSAUTH":
            return value
    return ""
