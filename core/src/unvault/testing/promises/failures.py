"""What goes wrong is told in the core's words: denied, not reachable, slow, busy, failing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from unvault.errors import AccessDenied, Throttled, Unavailable, UnvaultError
from unvault.testing.author import Author
from unvault.testing.bench import Bench
from unvault.testing.faults import Fault, FaultyVault
from unvault.testing.verdict import broken


class FailurePromises(Author):
    """The promises of all hooks where a vault does not do what it is asked."""

    def test_a_denied_secret_is_told_apart(self) -> None:
        """The credential is good, and may not read this."""
        self._needs("denial")
        with self._bench() as bench:
            path = self._path(bench, "denied")
            path = self.deny(path) or path
            head = self._signed_in(bench)
            promise = "a secret that one may not read"
            bench.fails(AccessDenied, promise, lambda: bench.fetch(head, path))

    def test_signing_in_to_a_vault_that_is_not_there(self) -> None:
        """Nothing answers at the address."""
        self._needs("unreachable")
        with self._bench() as bench:
            if self.endpoint is None:
                self._refuses_to_work(bench, bench.add(self.unreachable(), "unreachable"))
                return
            with self._faulty(bench) as faulty:
                faulty.close()
                self._refuses_to_work(bench, self._through(bench, faulty))

    def test_fetching_from_a_vault_that_is_not_there_any_more(self) -> None:
        """The session is open, and the connection gone."""
        with self._opened() as (bench, faulty, head, path):
            faulty.close()
            promise = "a vault that cannot be reached any more"
            bench.fails(Unavailable, promise, lambda: bench.fetch(head, path))

    def test_signing_in_to_a_vault_that_never_answers(self) -> None:
        """It accepts the connection, and that is all."""
        self._signs_in(Fault.SILENT, Unavailable, "a vault that never answers")

    def test_fetching_from_a_vault_that_does_not_answer_any_more(self) -> None:
        """The session is open, and then it is silent."""
        self._fetches(Fault.SILENT, Unavailable, "a vault that does not answer any more")

    def test_signing_in_to_a_busy_vault(self) -> None:
        """It answers 429."""
        self._signs_in(Fault.BUSY, Throttled, "a vault that answers 429 to a sign-in")

    def test_fetching_from_a_busy_vault(self) -> None:
        """It answers 429."""
        self._fetches(Fault.BUSY, Throttled, "a vault that answers 429 to a fetch")

    def test_signing_in_to_a_failing_vault(self) -> None:
        """It answers 500."""
        self._signs_in(Fault.FAILING, Unavailable, "a vault that answers 500 to a sign-in")

    def test_fetching_from_a_failing_vault(self) -> None:
        """It answers 500."""
        self._fetches(Fault.FAILING, Unavailable, "a vault that answers 500 to a fetch")

    def test_an_answer_without_sense_does_no_harm(self) -> None:
        """Something else answers at the address, such as a proxy's page."""
        with self._opened() as (bench, faulty, head, path):
            faulty.fault = Fault.NONSENSE
            error = bench.raised(lambda: bench.fetch(head, path))
            promise = "an answer that is none of the vault's is one of the core's errors"
            bench.no_fault(error, promise)
            if error is None:
                broken(f"{promise}: it raised nothing, and took the answer for a secret")

    def _signs_in(self, fault: Fault, wanted: type[UnvaultError], promise: str) -> None:
        __tracebackhide__ = True
        self._needs("network")
        with self._bench() as bench, self._faulty(bench) as faulty:
            head = self._through(bench, faulty)
            faulty.fault = fault
            path = self._path(bench, "fault")
            bench.fails(wanted, promise, lambda: bench.fetch(head, path))

    def _fetches(self, fault: Fault, wanted: type[UnvaultError], promise: str) -> None:
        __tracebackhide__ = True
        with self._opened() as (bench, faulty, head, path):
            faulty.fault = fault
            bench.fails(wanted, promise, lambda: bench.fetch(head, path))

    def _refuses_to_work(self, bench: Bench, head: str) -> None:
        __tracebackhide__ = True
        path = self._path(bench, "unreachable")
        promise = "a vault that cannot be reached"
        bench.fails(Unavailable, promise, lambda: bench.fetch(head, path))

    @contextmanager
    def _opened(self) -> Iterator[tuple[Bench, FaultyVault, str, str]]:
        """Sign in through a server that can fail, and fetch a secret while it does not."""
        self._needs("network")
        with self._bench() as bench, self._faulty(bench) as faulty:
            path = self._seeded(bench, "fault", value := bench.canary("fault"))
            head = self._through(bench, faulty)
            bench.reads(head, path, value, "a secret is fetched through the endpoint")
            for token in faulty.tokens:
                bench.canaries.add("a token", token)
            yield bench, faulty, head, path

    @contextmanager
    def _faulty(self, bench: Bench) -> Iterator[FaultyVault]:
        """Put a server that can fail between the provider and its vault."""
        if self.endpoint is None:
            self._lacks("endpoint", "the field with the vault's address, or declare 'network'")
        _, answers = self.working()
        if self.endpoint not in answers:
            broken(f"working() has to answer the endpoint {self.endpoint!r}")
        canary = bench.canary("answer").decode()
        bench.canaries.add("the vault's answer", canary)
        address = str(answers[self.endpoint])
        faulty = FaultyVault(address, canary, keeps_host=self.signs_host)
        try:
            yield faulty
        finally:
            faulty.close()

    def _through(self, bench: Bench, faulty: FaultyVault) -> str:
        """Add the credential that works, at the address of the server that can fail."""
        kind, answers = self.working()
        there = {**answers, **self.impatient, str(self.endpoint): faulty.address}
        return bench.add((kind, there), "faulty")
