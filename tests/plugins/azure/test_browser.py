"""A person signs in on a page, and others go on with it: as long as that goes, without the person.

Where it is about a real browser: `test_chromium.py`.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.request import Request, urlopen

import pytest
from tests.plugins.azure.using import Person, add

from unvault.errors import (
    AccessDenied,
    CredentialRejected,
    FormError,
    InteractionRequired,
    SessionExpired,
    Unavailable,
    UnvaultError,
)

SCOPES = {"https://vault.azure.net/user_impersonation", "offline_access", "openid", "profile"}
pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture(autouse=True)
def secret(vault):
    vault.put("api-key", "canary-1")


@pytest.fixture
def signed_in(open_unvault, somebody, tmp_path):
    """Return the folder of an `Unvault` in which Ann signed in, in a process that has ended."""
    home = tmp_path / "home"
    with open_unvault({}, home=home, interaction=somebody) as unvault:
        unvault.credentials.test("prod")
    return home


def make_older(unvault):
    """Let the token that is kept have been got an hour ago."""
    credential = unvault.credentials.get("prod")
    cache = json.loads(credential.kept["cache"])
    for token in cache["AccessToken"].values():
        token["cached_at"] = str(int(token["cached_at"]) - 3600)
    unvault.credentials._store.keep(credential, {**credential.kept, "cache": json.dumps(cache)})


class TestSigningIn:
    def test_it_leads_to_a_secret_with_one_page_and_one_request_for_a_token(
        self, open_unvault, somebody, entra
    ):
        unvault = open_unvault({}, interaction=somebody)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        (page,) = entra.opened
        assert len(somebody.pages) == 1
        assert (page["code_challenge_method"], page["response_mode"]) == ("S256", "form_post")
        assert set(page["scope"].split()) == SCOPES
        assert [set(each) for each in entra.scopes] == [SCOPES]
        somebody.join()
        assert "You are signed in" in somebody.seen[0].text

    def test_the_credential_takes_the_name_of_the_account(self, open_unvault, somebody, ann):
        unvault = open_unvault(interaction=somebody)
        draft = unvault.credentials.draft("azure", "browser")
        added = unvault.credentials.add(draft, session=unvault.credentials.test(draft))
        assert added.name == ann.name == "ann@contoso.example"
        assert unvault.fetch("ann@contoso.example/app/api-key").text() == "canary-1"
        assert len(somebody.pages) == 1

    def test_it_tells_who_signed_in_and_until_when(self, open_unvault, somebody, entra):
        unvault = open_unvault({}, interaction=somebody)
        session = unvault.credentials.test("prod")
        assert session.identity == "ann@contoso.example"
        assert dict(session.details) == {"tenant": entra.tenant.id, "cloud": "public"}
        assert 3000 < session.expires.timestamp() - time.time() < 3700
        assert entra.granted("refresh") == 0

    def test_an_application_of_ones_own_asks_for_consent_once(self, open_unvault, somebody, entra):
        app = entra.app("ours", public=True)
        answers = {"client_id": app.client_id, "tenant_id": entra.tenant.id}
        unvault = open_unvault(answers, interaction=somebody)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert entra.consents == 1
        assert entra.opened[0]["client_id"] == app.client_id

    def test_a_redirect_port_is_used_where_the_registration_names_one(
        self, open_unvault, somebody, entra
    ):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        unvault = open_unvault({"redirect_port": port}, interaction=somebody)
        unvault.credentials.test("prod")
        assert entra.opened[0]["redirect_uri"] == f"http://localhost:{port}"

    @pytest.mark.parametrize(("port", "there"), [(1, True), (65535, True), (65536, False)])
    def test_a_redirect_port_that_there_is_not_is_refused_when_it_is_typed_in(
        self, open_unvault, port, there
    ):
        draft = open_unvault().credentials.draft
        if there:
            assert draft("azure", "browser", {"redirect_port": port}, name="prod")
            return
        with pytest.raises(FormError, match="1 to 65535"):
            draft("azure", "browser", {"redirect_port": port}, name="prod")

    @pytest.mark.parametrize(
        ("cloud", "domain", "login"),
        [
            ("china", "vault.azure.cn", "login.chinacloudapi.cn"),
            ("usgov", "vault.usgovcloudapi.net", "login.microsoftonline.us"),
        ],
    )
    def test_other_clouds_have_their_own_names(
        self, open_unvault, somebody, azure, ann, cloud, domain, login
    ):
        azure.vaults.new("far", domain=domain).allow(ann).put("api-key", "canary-2")
        unvault = open_unvault({"cloud": cloud}, interaction=somebody)
        assert unvault.fetch("prod/far/api-key").text() == "canary-2"
        assert set(azure.hosts) == {login, f"far.{domain}"}


class TestGoingOn:
    def test_the_next_process_fetches_without_a_page_or_a_token(
        self, open_unvault, signed_in, entra
    ):
        asked = entra.count("token")
        unvault = open_unvault(home=signed_in)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert (len(entra.opened), entra.count("token")) == (1, asked)

    def test_a_fetch_that_renews_nothing_writes_nothing(self, open_unvault, signed_in):
        files = [each for each in signed_in.rglob("*") if each.is_file()]
        before = {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in files}
        open_unvault(home=signed_in).fetch("prod/app/api-key")
        assert {each: (each.read_bytes(), each.stat().st_mtime_ns) for each in files} == before

    def test_a_draft_that_is_tried_twice_is_stored_with_its_sign_in(
        self, open_unvault, somebody, tmp_path
    ):
        with open_unvault(home=tmp_path / "h", interaction=somebody) as unvault:
            draft = unvault.credentials.draft("azure", "browser", name="prod")
            unvault.credentials.test(draft)
            unvault.credentials.add(draft, session=unvault.credentials.test(draft))
        assert len(somebody.pages) == 1
        assert open_unvault(home=tmp_path / "h").fetch("prod/app/api-key").text() == "canary-1"

    def test_an_hour_later_it_refreshes_and_nobody_notices(self, open_unvault, signed_in, entra):
        entra.ahead = 3700
        unvault = open_unvault(home=signed_in)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert (len(entra.opened), entra.granted("refresh")) == (1, 1)
        again = open_unvault(home=signed_in)
        assert again.fetch("prod/app/api-key").text() == "canary-1"
        assert entra.granted("refresh") == 1

    def test_a_token_that_is_about_to_end_is_refreshed_first(
        self, open_unvault, somebody, entra, tmp_path
    ):
        entra.token_seconds = 200
        with open_unvault({}, home=tmp_path / "home", interaction=somebody) as unvault:
            unvault.credentials.test("prod")
            make_older(unvault)
        entra.token_seconds = 3600
        unvault = open_unvault(home=tmp_path / "home")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert (len(entra.opened), entra.granted("refresh")) == (1, 1)

    def test_where_that_cannot_be_asked_for_it_is_used_as_long_as_it_lives(
        self, open_unvault, somebody, entra, tmp_path
    ):
        entra.token_seconds = 200
        options = {"home": tmp_path / "home", "interaction": somebody}
        with open_unvault({"timeout": 1}, **options) as unvault:
            unvault.credentials.test("prod")
            make_older(unvault)
        entra.answer(503, times=100, where="/token")
        unvault = open_unvault(home=tmp_path / "home")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert entra.granted("refresh") > 0

    def test_a_refresh_token_that_is_good_once_is_replaced_by_the_next(
        self, open_unvault, signed_in, entra
    ):
        entra.refreshes_once = True
        for hour in (1, 2, 3):
            entra.ahead = 3700 * hour
            with open_unvault(home=signed_in) as unvault:
                assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert (len(entra.opened), entra.granted("refresh")) == (1, 3)

    def test_after_revocation_it_asks_for_the_sign_in_by_name(
        self, open_unvault, signed_in, entra, ann
    ):
        entra.revoke(ann)
        entra.ahead = 3700
        unvault = open_unvault(home=signed_in)
        for _ in range(2):
            with pytest.raises(InteractionRequired) as raised:
                unvault.fetch("prod/app/api-key")
            assert "unvault credentials login prod" in raised.value.hint
        assert entra.granted("refresh") == 1  # what is over is not asked again

    def test_a_process_that_has_the_old_sign_in_goes_on_with_the_new_one(
        self, open_unvault, signed_in, entra, ann, somebody
    ):
        running = open_unvault(home=signed_in)
        assert running.fetch("prod/app/api-key").text() == "canary-1"
        entra.revoke(ann)
        entra.ahead = 3700
        with open_unvault(home=signed_in, interaction=somebody) as unvault:
            unvault.credentials.test("prod")
        for unvault in (running, open_unvault(home=signed_in)):
            assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        assert len(entra.opened) == 2

    def test_then_signing_in_again_names_the_account_and_works(
        self, open_unvault, signed_in, entra, ann, somebody
    ):
        entra.revoke(ann)
        entra.ahead = 3700
        with open_unvault(home=signed_in, interaction=somebody) as unvault:
            assert unvault.credentials.test("prod").identity == ann.name
        assert entra.opened[1]["login_hint"] == ann.name
        unvault = open_unvault(home=signed_in)
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"
        assert len(entra.opened) == 2

    def test_a_test_of_the_credential_finds_out_that_it_was_revoked(
        self, open_unvault, signed_in, entra, ann
    ):
        unvault = open_unvault(home=signed_in)
        assert unvault.credentials.test("prod").identity == ann.name
        assert entra.granted("refresh") == 1
        entra.revoke(ann)
        with pytest.raises(InteractionRequired, match=r"'ann@contoso\.example' has ended"):
            unvault.credentials.test("prod")

    def test_a_vault_that_wants_a_newer_token_gets_one(self, open_unvault, signed_in, vault, entra):
        unvault = open_unvault(home=signed_in)
        unvault.fetch("prod/app/api-key")
        time.sleep(0.01)
        vault.newer_than = entra.now()
        assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
        assert "nbf" in entra.tokens.of_kind("access")[-1].claims
        assert len(entra.opened) == 1
        assert open_unvault(home=signed_in).fetch("prod/app/api-key").text() == "canary-1"
        assert entra.granted("refresh") == 1

    def test_a_guest_reads_a_vault_of_the_other_organization_too(
        self, open_unvault, somebody, entra, vaults, ann
    ):
        other = entra.directory.new_tenant("fabrikam.example")
        ann.guest_of.append(other)
        vaults.new("theirs", other).allow(ann).put("api-key", "canary-2")
        unvault = open_unvault({}, interaction=somebody)
        for _ in range(3):
            assert unvault.fetch("prod/app/api-key", fresh=True).text() == "canary-1"
            assert unvault.fetch("prod/theirs/api-key", fresh=True).text() == "canary-2"
        assert (len(entra.opened), entra.granted("refresh")) == (1, 1)

    def test_many_that_need_a_new_token_together_get_one(self, open_unvault, signed_in, entra):
        unvault = open_unvault(home=signed_in)
        unvault.fetch("prod/app/api-key")
        entra.ahead = 3700
        failed = []

        def fetch():
            try:
                unvault.fetch("prod/app/api-key", fresh=True)
            except UnvaultError as error:
                failed.append(error)

        threads = [threading.Thread(target=fetch) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert entra.granted("refresh") == 1


class TestNotSigningIn:
    def test_nobody_is_asked_where_nobody_is_there(self, open_unvault, entra):
        unvault = open_unvault({})
        with pytest.raises(InteractionRequired) as raised:
            unvault.fetch("prod/app/api-key")
        assert "unvault credentials login prod" in raised.value.hint
        assert (entra.opened, entra.requests) == ([], [])

    def test_a_credential_that_is_not_stored_is_to_be_added(self, open_unvault):
        unvault = open_unvault(environ={"UNVAULT_AZURE_TYPE": "browser"}, interaction=Person())
        draft = unvault.credentials.draft("azure", "browser", {}, name="new")
        for credential in (draft, "azure"):
            with pytest.raises(InteractionRequired) as raised:
                unvault.credentials.test(credential)
            assert "unvault credentials add azure --type device_code" in raised.value.hint

    def test_declined_consent(self, open_unvault, entra, ann, visit):
        app = entra.app("ours", public=True)
        person = Person(lambda page: visit(ann, page, accept=False))
        answers = {"client_id": app.client_id, "tenant_id": entra.tenant.id}
        unvault = open_unvault(answers, interaction=person)
        with pytest.raises(AccessDenied, match=r"declined.*65004") as raised:
            unvault.credentials.test("prod")
        assert "accept" in raised.value.hint
        person.join()
        assert "did not work" in person.seen[0].text

    def test_consent_that_only_an_administrator_can_give(self, open_unvault, entra, ann, somebody):
        ann.may_consent = False
        app = entra.app("ours", public=True)
        answers = {"client_id": app.client_id, "tenant_id": entra.tenant.id}
        unvault = open_unvault(answers, interaction=somebody)
        with pytest.raises(AccessDenied, match="consented") as raised:
            unvault.credentials.test("prod")
        assert "administrator" in raised.value.hint

    def test_a_tenant_that_there_is_not(self, open_unvault, somebody):
        unvault = open_unvault({"tenant_id": "nowhere.example"}, interaction=somebody)
        with pytest.raises(CredentialRejected, match=r"no tenant 'nowhere\.example'") as raised:
            unvault.credentials.test("prod")
        assert "tenant_id" in raised.value.hint
        assert somebody.pages == []

    @pytest.mark.parametrize("number", [50020, 700016, 53003])
    def test_what_the_page_only_shows_ends_with_the_wait(
        self, open_unvault, somebody, entra, ann, number
    ):
        answers = {"wait": 1}
        if number == 50020:
            answers["tenant_id"] = entra.directory.new_tenant("fabrikam.example").id
        elif number == 53003:
            ann.blocked = True
        else:
            answers["client_id"] = "00000000-0000-4000-8000-000000000000"
        unvault = open_unvault(answers, interaction=somebody)
        with pytest.raises(InteractionRequired, match="in time, or it was closed") as raised:
            unvault.credentials.test("prod")
        assert "what the page says" in raised.value.hint
        assert f"AADSTS{number}" in somebody.seen[0].text

    def test_an_account_of_another_organization_where_the_answer_tells(
        self, open_unvault, somebody, entra
    ):
        entra.sends_all_errors_back = True
        other = entra.directory.new_tenant("fabrikam.example")
        unvault = open_unvault({"tenant_id": other.id}, interaction=somebody)
        with pytest.raises(AccessDenied, match=r"another organization.*50020") as raised:
            unvault.credentials.test("prod")
        assert "guest" in raised.value.hint

    def test_a_vault_of_another_organization(self, open_unvault, somebody, entra, vaults, ann):
        other = entra.directory.new_tenant("fabrikam.example")
        vaults.new("theirs", other).allow(ann).put("api-key", "canary-2")
        unvault = open_unvault({}, interaction=somebody)
        with pytest.raises(AccessDenied, match=r"another organization.*50020"):
            unvault.fetch("prod/theirs/api-key")
        assert unvault.fetch("prod/app/api-key").text() == "canary-1"  # the sign-in is as good
        assert len(entra.opened) == 1

    def test_no_browser(self, open_unvault):
        unvault = open_unvault({}, interaction=Person())
        with pytest.raises(InteractionRequired, match="no browser") as raised:
            unvault.credentials.test("prod")
        assert "--type device_code" in raised.value.hint

    def test_a_port_that_is_taken(self, open_unvault, somebody):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            unvault = open_unvault({"redirect_port": port}, interaction=somebody)
            with pytest.raises(CredentialRejected, match=f"port {port}") as raised:
                unvault.credentials.test("prod")
        assert "redirect_port" in raised.value.hint
        assert somebody.pages == []
        unvault.credentials.test("prod")  # a failed start leaves nothing behind

    def test_a_page_that_is_closed(self, open_unvault):
        person = Person(lambda _page: None)
        unvault = open_unvault({"wait": 1}, interaction=person)
        started = time.monotonic()
        with pytest.raises(InteractionRequired, match="closed") as raised:
            unvault.credentials.test("prod")
        assert time.monotonic() - started < 5
        assert "unvault credentials login prod" in raised.value.hint

    def test_an_authority_that_cannot_be_reached(self, open_unvault, somebody, entra):
        entra.answer(503, times=100)
        unvault = open_unvault({"timeout": 1}, interaction=somebody)
        with pytest.raises(Unavailable, match="Entra ID"):
            unvault.credentials.test("prod")
        assert somebody.pages == []

    def test_an_account_that_may_not_read_the_vault(self, open_unvault, entra, visit):
        bob = entra.person("bob")
        person = Person(lambda page: visit(bob, page))
        unvault = open_unvault({}, interaction=person)
        with pytest.raises(AccessDenied, match="may not read the secret 'api-key'") as raised:
            unvault.fetch("prod/app/api-key")
        assert "Key Vault Secrets User" in raised.value.hint
        person.join()


class TestThePageThatComesBack:
    def test_what_is_not_of_this_sign_in_is_passed_over(self, open_unvault, ann, visit, entra):
        said = []

        def strange(page):
            port = page.partition("localhost%3A")[2].partition("&")[0]
            at = f"http://127.0.0.1:{port}"
            forged = "code=canary&state=guessed"
            for address, form in [
                (f"{at}/?{forged}", None),
                (at, forged.encode()),
                (f"{at}/favicon.ico", None),
                (at, b"x" * 200_000),
            ]:
                try:
                    request = Request(address, data=form)  # noqa: S310  # it is http
                    urlopen(request, timeout=5).close()  # noqa: S310
                except OSError as error:
                    said.append(getattr(error, "code", "cut"))
            with socket.create_connection(("127.0.0.1", int(port))) as rude:
                rude.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n")
            return visit(ann, page)

        person = Person(strange)
        unvault = open_unvault({}, interaction=person)
        assert unvault.credentials.test("prod").identity == ann.name
        person.join()
        assert said[:3] == [404, 404, 404]
        assert len(said) == 4

    def test_it_sends_back_nothing_of_what_came(self, open_unvault, somebody, entra):
        open_unvault({}, interaction=somebody).credentials.test("prod")
        somebody.join()
        page = somebody.seen[0].text
        assert [each for each in entra.issued if each in page] == []


class TestSigningOut:
    @pytest.mark.parametrize("way", ["clear", "remove"])
    def test_it_removes_the_tokens_from_memory_and_store(self, open_unvault, signed_in, way, entra):
        unvault = open_unvault(home=signed_in)
        unvault.fetch("prod/app/api-key")
        assert "cache" in unvault.credentials.get("prod").kept
        held = unvault._resolver.sessions._held
        (session,) = [each.session for each in held.values()]
        person = session.client.tokens
        getattr(unvault.credentials, way)("prod")
        assert (person._tokens, person.account.cache, session.client.token) == ({}, "", None)
        with pytest.raises(InteractionRequired):
            person.token(None, None)
        assert held == {}
        if way == "clear":
            assert dict(unvault.credentials.get("prod").kept) == {}
        add(unvault, "again", {})
        with pytest.raises(InteractionRequired):
            unvault.fetch("again/app/api-key")

    def test_what_is_kept_is_nowhere_in_the_clear(self, signed_in, entra, own_home):
        entra_issued = [each.encode() for each in entra.issued if len(each) > 8]
        assert len(entra_issued) > 3
        files = [each for top in (signed_in, own_home) for each in top.rglob("*") if each.is_file()]
        assert files
        for file in files:
            content = file.read_bytes()
            assert [each for each in entra_issued if each in content] == [], file
            assert b"contoso" not in content


def test_a_session_whose_token_ends_is_replaced_without_a_fault(
    open_unvault, signed_in, entra, vault
):
    """A token that the vault never accepts is replaced once, and not for ever."""
    unvault = open_unvault(home=signed_in)
    unvault.fetch("prod/app/api-key")
    entra.token_seconds = -1  # each new one is over at once, for the vault
    entra.ahead = 3700
    with pytest.raises((SessionExpired, Unavailable, InteractionRequired)):
        unvault.fetch("prod/app/api-key", fresh=True)
    assert entra.granted("refresh") <= 4
