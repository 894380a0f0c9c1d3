"""The suite finds what is wrong: a good provider passes all of it, each bad one fails one test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import pytest
from tests.fakes import bad_kin as kin
from tests.fakes.bad import GoodProvider
from tests.fakes.bad_vault import VaultServer

from unvault.testing import ProviderContract

Skipped = pytest.skip.Exception
Failed = pytest.fail.Exception

TESTS = sorted(name for name in dir(ProviderContract) if name.startswith("test_"))


class Contract(ProviderContract):
    """The contract of the good provider and its kin, for a server of its own."""

    endpoint = "address"
    impatient: ClassVar = {"timeout": 3}

    def __init__(self, provider: Any, server: VaultServer) -> None:
        self.provider = provider
        self.server = server
        server.accounts = {"token-of-one": {}, "token-of-two": {}}

    def login(self, token):
        return "token", {"address": self.server.address, "token": token}

    def working(self):
        return self.login("token-of-one")

    def seed(self, path, value):
        self.server.put("token-of-one", path, value)

    def refused(self):
        return self.login("token-of-nobody")

    def ambient(self):
        return {"GOOD_ADDRESS": self.server.address, "GOOD_TOKEN": "token-of-one"}

    def second(self):
        return self.login("token-of-two")

    def seed_second(self, path, value):
        self.server.put("token-of-two", path, value)

    def delete(self, path):
        self.server.accounts["token-of-one"][path] = [None]

    def deny(self, path):
        self.seed(path, b"nobody may read this")
        self.server.denied.add(path)

    def expire(self):
        self.server.sessions.clear()


class Bad(NamedTuple):
    """A defect, the test that finds it, and what that says."""

    test: str
    provider: type[GoodProvider]
    why: str
    also: tuple[str, ...] = ()
    """Other tests that cannot but fail, too."""


BAD = [
    Bad("test_the_credential_form_is_complete", kin.ShowsPassword, "'password'.* plain view"),
    Bad("test_the_credential_form_is_complete", kin.NoAmbientWord, "what an empty credential"),
    Bad("test_the_secret_form_is_complete", kin.NamesNothing, "require one of the fields"),
    Bad("test_the_forms_are_the_same_at_every_call", kin.ChangesItsMind, "same at every call"),
    Bad("test_the_forms_are_json_schemas_and_back", kin.HasOddForm, "from its JSON Schema"),
    Bad("test_no_sdk_is_imported_before_it_is_used", kin.ImportsItsSdk, "imports .*jsonschema"),
    Bad("test_nobody_is_asked_before_it_is_used", kin.AsksTheNetwork, "getaddrinfo 'localhost'"),
    Bad("test_a_credential_that_works_signs_in", kin.TellsTwoLines, "identity is a line of text"),
    Bad("test_an_empty_credential_is_valid", kin.WantsAnswers, "is valid for every.*KeyError"),
    Bad(
        "test_an_empty_credential_looks_where_the_vaults_tools_look",
        kin.IgnoresTheEnvironment,
        "reads what it may; it raised CredentialMissing",
    ),
    Bad(
        "test_a_refused_credential_is_told_apart",
        kin.DeniesTheRefused,
        "has to raise CredentialRejected, and raised AccessDenied",
    ),
    Bad(
        "test_an_ended_session_is_told_and_replaced",
        kin.DeniesTheEnded,
        "has to raise SessionExpired, not AccessDenied",
    ),
    Bad(
        "test_an_ended_session_is_told_and_replaced",
        kin.SignsInByItself,
        "SessionExpired, not nothing",
    ),
    Bad("test_text_comes_back_as_it_was_stored", kin.MendsLines, "as it was stored; it is"),
    Bad("test_a_map_comes_back_as_json", kin.WritesPython, "has to come back as JSON"),
    Bad("test_bytes_come_back_as_they_were_stored", kin.KnowsTextOnly, "in place of 272"),
    Bad("test_an_empty_value_is_a_value", kin.TakesEmptyForMissing, "raised SecretNotFound"),
    Bad("test_64_kib_come_back_as_they_were_stored", kin.CutsOff, "60000 bytes in place of 65536"),
    Bad(
        "test_letters_of_all_languages_come_back_as_they_were_stored",
        kin.WritesLatin,
        "has to come back as it was stored",
    ),
    Bad("test_versions_are_told_apart", kin.ReadsTheNewest, "named is the one that is read"),
    Bad(
        "test_a_version_that_is_not_there_is_told_apart",
        kin.MissesVersions,
        "has to raise VersionNotFound, and raised SecretNotFound",
    ),
    Bad("test_a_missing_secret_is_told_apart", kin.HelpsNobody, "no hint what to do next"),
    Bad(
        "test_a_deleted_secret_is_told_apart",
        kin.MissesDeleted,
        "has to raise SecretDeleted, and raised SecretNotFound",
    ),
    Bad("test_odd_paths_do_no_harm", kin.StumblesOverDots, "nothing but the core's errors: '..'"),
    Bad(
        "test_a_denied_secret_is_told_apart",
        kin.MissesDenied,
        "has to raise AccessDenied, and raised SecretNotFound",
    ),
    Bad(
        "test_signing_in_to_a_vault_that_is_not_there",
        kin.confusing("/login", kin.GONE),
        "cannot be reached: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad(
        "test_fetching_from_a_vault_that_is_not_there_any_more",
        kin.confusing("/secret", kin.GONE),
        "any more: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad(
        "test_signing_in_to_a_vault_that_never_answers",
        kin.confusing("/login", TimeoutError),
        "never answers: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad(
        "test_fetching_from_a_vault_that_does_not_answer_any_more",
        kin.confusing("/secret", TimeoutError),
        "any more: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad(
        "test_signing_in_to_a_busy_vault",
        kin.misreading("/login", 429),
        "429 to a sign-in: it has to raise Throttled, and raised AccessDenied",
    ),
    Bad(
        "test_fetching_from_a_busy_vault",
        kin.misreading("/secret", 429),
        "429 to a fetch: it has to raise Throttled, and raised AccessDenied",
    ),
    Bad(
        "test_signing_in_to_a_failing_vault",
        kin.misreading("/login", 500),
        "500 to a sign-in: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad(
        "test_fetching_from_a_failing_vault",
        kin.misreading("/secret", 500),
        "500 to a fetch: it has to raise Unavailable, and raised AccessDenied",
    ),
    Bad("test_an_answer_without_sense_does_no_harm", kin.Chokes, "core's errors.*JSONDecodeError"),
    Bad("test_errors_hold_no_secret", kin.TellsTheToken, "a refused credential holds the answer"),
    Bad("test_errors_hold_no_secret", kin.ChainsTheToken, "a refused credential holds the answer"),
    Bad(
        "test_a_failing_vaults_answer_is_not_repeated",
        kin.RepeatsTheAnswer,
        "whose answer is failing holds .*the vault's answer",
    ),
    Bad(
        "test_a_failing_vaults_answer_is_not_repeated",
        kin.LogsTheAnswerOfAFailure,
        "printed while the vault fails holds .*the vault's answer",
    ),
    Bad("test_logs_hold_no_secret", kin.LogsTheToken, "printed holds the answer to token"),
    Bad("test_logs_hold_no_secret", kin.PrintsTheValue, "printed holds the value of"),
    Bad("test_representations_hold_no_secret", kin.ShowsTheToken, "session's client holds"),
    Bad(
        "test_32_threads_read_what_they_asked_for",
        kin.RemembersTheRequest,
        "times another secret came back",
    ),
    Bad(
        "test_32_threads_sign_in_once",
        kin.EndsAtFirst,
        "share one sign-in; there were 2",
        also=(
            "test_32_threads_read_what_they_asked_for",
            "test_a_closed_client_can_be_used_again",
            "test_closing_a_session_harms_nothing",
            "test_representations_hold_no_secret",
        ),
    ),
    Bad("test_two_credentials_are_never_mixed", kin.KeepsOneClient, "the other's secret came back"),
    Bad("test_a_batch_keeps_its_order", kin.Reorders, "in the order of the requests"),
    Bad("test_one_failure_in_a_batch_harms_no_other", kin.FailsAsAWhole, "failed as a whole"),
    Bad("test_browsing_finds_what_is_there", kin.ListsExactly, "has to find what is there"),
    Bad("test_browsing_keeps_to_the_prefix", kin.ListsAll, "has to keep to the prefix"),
    Bad("test_closing_a_session_harms_nothing", kin.FailsToClose, "close_session must not raise"),
    Bad("test_a_closed_client_can_be_used_again", kin.ClosesForGood, "the next fetch signs in"),
]

DECLARED = [
    ({"telepathy": "it has none"}, "there is no feature 'telepathy'; there are: text"),
    ({"empty": " "}, "'empty' needs a reason"),
    ({"deletion": "it keeps all"}, r"'deletion' is declared, and the contract gives delete\(\)"),
    ({"listing": "it has no list"}, "the provider has the hook list_secrets"),
    ({"closing": "nothing is open"}, "the provider has the hook close_session"),
    ({"versions": "it has none"}, "its references have the parameter 'version'"),
    ({"network": "it is a file"}, "the contract gives an endpoint"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[VaultServer]:
    server = VaultServer()
    yield server
    server.close()


# What takes longest is run for the good provider, and for the bad ones that it has to find.
COSTLY = {
    "test_a_failing_vaults_answer_is_not_repeated",
    "test_32_threads_read_what_they_asked_for",
    "test_32_threads_sign_in_once",
    "test_fetching_from_a_vault_that_does_not_answer_any_more",
    "test_no_sdk_is_imported_before_it_is_used",
    "test_nobody_is_asked_before_it_is_used",
    "test_signing_in_to_a_vault_that_never_answers",
}


def outcomes(bad: Bad, server: VaultServer) -> dict[str, BaseException]:
    """Run the suite and return what each test that does not pass raised."""
    found: dict[str, BaseException] = {}
    provider, wanted = bad.provider, {bad.test, *bad.also}
    for name in [each for each in TESTS if each in wanted or each not in COSTLY]:
        # A connection may break on a busy machine; what fails for its defect fails again.
        for _ in range(1 if name in wanted else 2):
            try:
                getattr(Contract(provider(), server), name)()
            except (Failed, Skipped) as error:
                found[name] = error
            else:
                found.pop(name, None)
                break
    return found


@pytest.mark.parametrize("name", TESTS)
def test_a_good_provider_passes(name: str, server: VaultServer) -> None:
    getattr(Contract(GoodProvider(), server), name)()


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.provider.__name__}-{bad.test}")
def test_a_bad_provider_fails_one_test_for_the_right_reason(bad: Bad, server: VaultServer) -> None:
    found = outcomes(bad, server)

    assert set(found) == {bad.test, *bad.also}
    failure = found[bad.test]
    assert isinstance(failure, Failed)
    with pytest.raises(Failed, match=bad.why):
        raise failure


@pytest.mark.parametrize(("cannot", "why"), DECLARED, ids=str)
def test_a_wrong_declaration_fails(cannot: Any, why: str, server: VaultServer) -> None:
    contract = Contract(GoodProvider(), server)
    contract.cannot = cannot
    with pytest.raises(Failed, match=why):
        contract.test_what_it_cannot_do_is_declared_truthfully()


def test_a_hook_that_does_not_return_fails_and_does_not_hang(server: VaultServer) -> None:
    contract = Contract(kin.WaitsForEver(), server)
    contract.patience = 0.2
    with pytest.raises(Failed, match=r"did not return within 0\.2 seconds: network calls carry"):
        contract.test_text_comes_back_as_it_was_stored()


def test_every_test_of_the_suite_has_a_bad_provider() -> None:
    declared = {"test_what_it_cannot_do_is_declared_truthfully"}
    assert {bad.test for bad in BAD} | declared == set(TESTS)
