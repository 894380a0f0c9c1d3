"""A person signs in on another device, with a code."""

from __future__ import annotations

import re
import threading
import time

import pytest
from tests.plugins.azure.using import Person
from tests.servers.visitor import Visitor

from unvault.errors import AccessDenied, InteractionRequired

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(vault, entra):
    vault.put("api-key", "canary-1")


class Phone(Person):
    """Somebody who types the code that was shown in on another device.

    Args:
        entra: The server.
        who: Who signs in.
        seconds: After how many.
        accept: Whether the sign-in is accepted.
    """

    def __init__(self, entra, who, *, seconds=0.0, accept=True):
        super().__init__(self._type)
        self._visitor = Visitor(entra.port, who.name, who.password)
        self._seconds = seconds
        self._accept = accept

    def _type(self, page):
        time.sleep(self._seconds)
        code = re.search(r"the code (\S+)$", "\n".join(self.told), re.MULTILINE)[1]
        first = self._visitor.send(self._visitor.open(page), otc=code)
        if not self._accept:
            return self._visitor.send(first, "cancel")
        return self._visitor.send(first)


def test_the_code_that_is_shown_leads_to_a_secret_and_to_a_name(open_unvault, entra, ann):
    phone = Phone(entra, ann)
    unvault = open_unvault({}, kind="device_code", interaction=phone)
    session = unvault.credentials.test("prod")
    assert (session.identity, session.suggested_name) == (ann.name, ann.name)
    assert unvault.fetch("prod/app/api-key").text() == "canary-1"
    assert phone.pages == ["https://login.microsoftonline.com/device"]
    assert entra.granted("device_code") >= 1
    phone.join()


def test_the_next_process_fetches_without_anybody(open_unvault, entra, ann, tmp_path):
    phone = Phone(entra, ann)
    with open_unvault({}, kind="device_code", home=tmp_path / "h", interaction=phone) as unvault:
        unvault.credentials.test("prod")
    phone.join()
    entra.ahead = 3700
    unvault = open_unvault(home=tmp_path / "h")
    assert unvault.fetch("prod/app/api-key").text() == "canary-1"
    assert len(entra.devices) == 1
    entra.revoke(ann)
    entra.ahead = 7400
    with pytest.raises(InteractionRequired, match="sign-in"):
        open_unvault(home=tmp_path / "h").fetch("prod/app/api-key")


def test_a_code_that_is_typed_in_later_is_waited_for(open_unvault, entra, ann):
    phone = Phone(entra, ann, seconds=1.2)
    unvault = open_unvault({}, kind="device_code", interaction=phone)
    assert unvault.credentials.test("prod").identity == ann.name
    phone.join()
    assert entra.granted("device_code") >= 2


def test_a_sign_in_that_is_declined(open_unvault, entra, ann):
    phone = Phone(entra, ann, accept=False)
    unvault = open_unvault({}, kind="device_code", interaction=phone)
    with pytest.raises(AccessDenied, match="declined"):
        unvault.credentials.test("prod")
    phone.join()


def test_a_code_that_nobody_types_in(open_unvault, entra):
    entra.device_seconds = 1
    unvault = open_unvault({}, kind="device_code", interaction=Person())
    with pytest.raises(InteractionRequired, match="was not typed in") as raised:
        unvault.credentials.test("prod")
    assert "unvault credentials login prod" in raised.value.hint


def test_it_is_left_alone_as_long_as_it_asks_for(open_unvault, entra, ann):
    entra.interval = 0  # MSAL would ask for ever
    phone = Phone(entra, ann, seconds=0.5)
    unvault = open_unvault({}, kind="device_code", interaction=phone)
    assert unvault.credentials.test("prod").identity == ann.name
    phone.join()
    assert entra.granted("device_code") <= 3


def test_nothing_is_shown_where_nobody_is_there(open_unvault, entra):
    before = threading.active_count()
    unvault = open_unvault({}, kind="device_code")
    with pytest.raises(InteractionRequired, match="nobody is signed in"):
        unvault.fetch("prod/app/api-key")
    assert entra.requests == []
    assert threading.active_count() < before + 50
