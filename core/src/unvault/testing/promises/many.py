"""Batches, browsing and closing."""

from __future__ import annotations

from collections.abc import Sequence

from unvault.errors import SecretNotFound
from unvault.model import Outcome, SecretInfo
from unvault.reference import Reference
from unvault.secret import Secret
from unvault.testing.author import Author
from unvault.testing.bench import Bench
from unvault.testing.features import FEATURES
from unvault.testing.verdict import broken, cannot, keeps

_COUNT = 5


class ManyPromises(Author):
    """The promises of the hooks that a provider may lack."""

    def test_a_batch_keeps_its_order(self) -> None:
        """One outcome for each request, in the same order."""
        with self._bench() as bench:
            values = [bench.canary(f"batch-{n}") for n in range(_COUNT)]
            paths = [self._seeded(bench, f"batch-{n}", value) for n, value in enumerate(values)]
            head = self._signed_in(bench)
            pairs = [*zip(paths, values, strict=True)]
            for ordered in (pairs, pairs[::-1]):
                wanted = [path for path, _ in ordered]
                found = [_shown(bench, each) for each in self._batch(bench, head, wanted)]
                keeps(
                    "a batch has an outcome for each request, in the order of the requests",
                    kept=found == [value for _, value in ordered],
                )

    def test_one_failure_in_a_batch_harms_no_other(self) -> None:
        """What fails is an outcome among the others, as `fetch_secret` would have raised it."""
        with self._bench() as bench:
            values = [bench.canary(f"lone-{n}") for n in range(2)]
            paths = [self._seeded(bench, f"lone-{n}", value) for n, value in enumerate(values)]
            head = self._signed_in(bench)
            missing = self._path(bench, "missing")
            found = self._batch(bench, head, [paths[0], missing, paths[1]])
            promise = "one secret of a batch that is missing does not fail the others"
            keeps(
                promise,
                kept=[_shown(bench, found[n]) for n in (0, 2)] == values,
            )
            got = type(found[1]).__name__
            keeps(
                f"a missing secret of a batch has to be SecretNotFound, as an outcome, not {got}",
                kept=isinstance(found[1], SecretNotFound),
            )

    def test_browsing_finds_what_is_there(self) -> None:
        """Each path that is listed can be fetched, and no value is among what is told."""
        self._hook("listing")
        with self._bench() as bench:
            self._seeded(bench, "listed")
            head = self._signed_in(bench)
            infos = self._listed(bench, head, self.prefix)
            wanted = self._path(bench, "listed")
            keeps(
                f"list_secrets has to find what is there: {wanted} is not among"
                f" {len(infos)} that begin with {self.prefix!r}",
                kept=wanted in {info.path for info in infos},
            )
            keeps(
                "list_secrets returns names and versions, and never a value",
                kept=not bench.canaries.found(repr(infos)),
            )
            tail = str(Reference("anything", wanted)).partition("/")[2]
            bench.works("a path that is listed can be fetched", lambda: bench.fetch(head, tail))

    def test_browsing_keeps_to_the_prefix(self) -> None:
        """The provider filters: the core shows whatever it is given."""
        self._hook("listing")
        with self._bench() as bench:
            for name in ("one", "other"):
                self._seeded(bench, name)
            head = self._signed_in(bench)
            prefix = self._path(bench, "one")
            infos = self._listed(bench, head, prefix)
            strangers = [info.path for info in infos if not info.path.startswith(prefix)]
            keeps(
                f"list_secrets has to keep to the prefix {prefix!r}: it also returned"
                f" {len(strangers)} that begin otherwise",
                kept=not strangers,
            )
            keeps(f"list_secrets has to find {prefix!r} by its whole name", kept=infos)

    def test_closing_a_session_harms_nothing(self) -> None:
        """It raises nothing, and other sessions of the same credential go on."""
        self._hook("closing")
        with self._bench() as bench:
            path = self._seeded(bench, "closing", value := bench.canary("closing"))
            head = self._signed_in(bench)
            session, other = bench.session(head), bench.session(head)
            request, call = bench.request(head, path), bench.provider.call
            for _ in range(2):
                bench.works(
                    "close_session must not raise, also when it is called again",
                    lambda: call("close_session", session=session),
                )
            found = bench.works(
                "closing one session leaves the others open",
                lambda: call("fetch_secret", session=other, request=request),
            )
            keeps(
                "closing one session leaves the others as they are",
                kept=bench.value(head, path, found) == value,
            )
            call("close_session", session=other)

    def test_a_closed_client_can_be_used_again(self) -> None:
        """Closing ends sessions; the next fetch signs in."""
        with self._bench() as bench:
            path = self._seeded(bench, "reopened", value := bench.canary("reopened"))
            head = self._signed_in(bench)
            for _ in range(2):
                bench.reads(head, path, value, "after closing, the next fetch signs in again")
                bench.vault.close()
            if bench.provider.has("close_session"):
                count = bench.recorder.closed
                keeps(f"each session is closed once: 2 in place of {count}", kept=count == 2)

    def _hook(self, feature: str) -> None:
        """Skip the test where the provider lacks the hook: that says enough."""
        __tracebackhide__ = True
        self._needs(feature)
        with self._bench() as bench:
            hook = FEATURES[feature].hook or ""
            if not bench.provider.has(hook):
                cannot(f"it has no {hook}")

    def _batch(self, bench: Bench, head: str, paths: Sequence[str]) -> Sequence[Outcome]:
        """Fetch a batch through the core, and where there is a hook for it, through the hook."""
        __tracebackhide__ = True
        references = [f"{head}/{path}" for path in paths]
        found: Sequence[Outcome] = bench.within(
            lambda: bench.vault.fetch_many(references, fresh=True)
        )
        if bench.recorder.raised and not any(isinstance(each, Secret) for each in found):
            broken(f"a batch failed as a whole: {bench.shown(bench.recorder.raised[0])}")
        return found

    @staticmethod
    def _listed(bench: Bench, head: str, prefix: str) -> Sequence[SecretInfo]:
        __tracebackhide__ = True
        infos: Sequence[SecretInfo] = bench.works(
            "list_secrets returns what is there", lambda: [*bench.vault.list(head, prefix)]
        )
        return infos


def _shown(bench: Bench, outcome: Outcome) -> bytes | str:
    return outcome.reveal() if isinstance(outcome, Secret) else bench.shown(outcome)
