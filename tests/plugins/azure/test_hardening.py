"""What a hostile network, a foreign vault, or an unusual browser must not bring about."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import parse_qs, urlsplit

from tests.plugins.azure.using import Person


def port_of(page):
    """Return the port that a page comes back to."""
    return urlsplit(parse_qs(urlsplit(page).query)["redirect_uri"][0]).port


class TestTheBrowser:
    def test_it_may_be_one_that_the_program_waits_for(self, open_unvault, ann, vault, visit):
        class AtATerminal(Person):
            def open_page(self, address):
                self.seen.append(visit(ann, address))  # it is back when the page is closed
                return True

        vault.put("api-key", "canary-1")
        person = AtATerminal()
        unvault = open_unvault({}, interaction=person)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert "You are signed in" in person.seen[0].text

    def test_it_may_open_connections_that_it_never_uses(self, open_unvault, ann, vault, visit):
        with contextlib.ExitStack() as idle:

            class Eager(Person):
                def open_page(self, address):
                    there = "127.0.0.1", port_of(address)
                    for _ in range(20):
                        idle.enter_context(socket.create_connection(there))
                    return super().open_page(address)

            vault.put("api-key", "canary-1")
            person = Eager(lambda page: visit(ann, page))
            unvault = open_unvault({"wait": 4}, interaction=person)
            assert unvault.fetch("prod/app/api-key").text() == "canary-1"
            person.join()
