"""No value, no token and no answer to a secret field shows anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from unvault.errors import UnvaultError
from unvault.testing.bench import Bench
from unvault.testing.faults import Fault
from unvault.testing.features import FEATURES
from unvault.testing.leaks import Overheard, overhearing, told
from unvault.testing.promises.failures import FailurePromises
from unvault.testing.verdict import keeps

_FETCHED = 3

_Mistake = tuple[str, Callable[[], object]]
"""Something that goes wrong: what it is, and what makes it happen."""


class SecrecyPromises(FailurePromises):
    """The promises of all hooks about what they say."""

    def test_errors_hold_no_secret(self) -> None:
        """Neither the message, nor what is chained to it, nor what a traceback shows."""
        with self._bench() as bench:
            for what, error in self._errors(bench, self._mistakes(bench)):
                self._check(bench, f"the error for {what}", told(error))

    def test_a_failing_vaults_answer_is_not_repeated(self) -> None:
        """What a vault answers may hold the token, or the value: no error holds the answer."""
        with self._opened() as (bench, faulty, head, path), self._overheard(bench) as heard:
            for fault in (Fault.FAILING, Fault.NONSENSE, Fault.BUSY, Fault.SILENT):
                faulty.fault = Fault.NONE
                bench.raised(lambda: bench.fetch(head, path))  # so that there is a session
                for token in faulty.tokens:
                    bench.canaries.add("a token", token)
                faulty.fault = fault
                for when in ("a fetch", "a sign-in"):
                    error = bench.raised(lambda: bench.fetch(head, path))
                    if error is not None:
                        what = f"the error for {when} whose answer is {fault.value}"
                        self._check(bench, what, told(error))
                    bench.within(bench.vault.close)  # so that the next fetch signs in
            for what, error in self._errors(bench, ()):
                self._check(bench, f"while the vault fails: {what}", told(error))
        self._check(bench, "what is logged, warned of or printed while the vault fails", heard.text)

    def test_logs_hold_no_secret(self) -> None:
        """No logger of the provider's, or of what it uses, at any level; no warning, no output."""
        with self._bench() as bench:
            paths = [self._seeded(bench, f"logged-{n}") for n in range(_FETCHED)]
            mistakes = [*self._mistakes(bench)]  # what the author's own client logs is not meant
            with self._overheard(bench) as heard:
                self._do_everything(bench, paths)
                for _ in self._errors(bench, mistakes):
                    pass
        self._check(bench, "what is logged, warned of or printed", heard.text)

    def test_representations_hold_no_secret(self) -> None:
        """Sessions and clients are shown by debuggers and crash reports."""
        with self._bench() as bench:
            path = self._seeded(bench, "shown")
            head = self._signed_in(bench)
            session, request = bench.session(head), bench.request(head, path)
            call = bench.provider.call
            secret = bench.works(
                "a secret that is there is fetched",
                lambda: call("fetch_secret", session=session, request=request),
            )
            self._check(bench, "repr of the session", f"{session!r} {session!s}")
            told = bench.described(session)
            self._check(bench, "what a session tells people", f"{told.identity} {told.details}")
            # A client may be a vault in memory: then it holds values, but no token.
            self._check(bench, "repr of the session's client", f"{session.client!r}", values=False)
            self._check(bench, "what a secret tells of itself", f"{secret!r} {secret.version}")

    @staticmethod
    def _errors(bench: Bench, mistakes: Iterable[_Mistake]) -> Iterator[tuple[str, UnvaultError]]:
        """Make each mistake, and yield the errors: what the core raised, and what the hooks did."""
        for what, action in mistakes:
            error = bench.raised(action)
            if error is not None:
                yield what, error
        for each in bench.recorder.raised:
            if isinstance(each, UnvaultError):
                yield f"{type(each).__name__}, which the hook raised", each

    def _mistakes(self, bench: Bench) -> Iterator[_Mistake]:
        """Prepare everything that can go wrong."""
        path = self._seeded(bench, "mistakes")
        head = self._signed_in(bench)

        def fetch(wanted: str, who: str = head) -> Callable[[], object]:
            return lambda: bench.fetch(who, wanted)

        yield "a missing secret", fetch(self._path(bench, "missing"))
        yield "a missing version", fetch(self.reads_version(path, self.no_version))
        if self._can("deletion"):
            gone = self._seeded(bench, "gone")
            self.delete(self._path(bench, "gone"))
            yield "a deleted secret", fetch(gone)
        if self._can("denial"):
            denied = self._path(bench, "denied")
            yield "a denied secret", fetch(self.deny(denied) or denied)
        if self._can("refusal"):
            yield "a refused credential", fetch(path, bench.add(self.refused(), "refused"))
        if self._can("unreachable") and self._gives("unreachable"):
            away = bench.add(self.unreachable(), "unreachable")
            yield "a vault that is not there", fetch(path, away)

    def _do_everything(self, bench: Bench, paths: Sequence[str]) -> None:
        head = self._signed_in(bench)
        vault = bench.vault
        for path in paths:
            bench.raised(partial(bench.fetch, head, path))
        bench.raised(partial(vault.credentials.test, bench.credential(head)))
        bench.within(lambda: vault.fetch_many([f"{head}/{each}" for each in paths], fresh=True))
        if bench.provider.has("list_secrets"):
            bench.raised(lambda: [*vault.list(head, self.prefix)])

    @contextmanager
    def _overheard(self, bench: Bench) -> Iterator[Overheard]:
        """Listen, and close the client while that is heard too."""
        with ExitStack() as stack:
            heard = stack.enter_context(overhearing())
            stack.callback(bench.vault.close)
            yield heard

    def _can(self, feature: str) -> bool:
        given = all(self._gives(name) for name in FEATURES[feature].given)
        return given and feature not in self.cannot

    def _check(self, bench: Bench, where: str, text: str, *, values: bool = True) -> None:
        __tracebackhide__ = True
        for called, token in self.tokens().items():
            bench.canaries.add(called, token)
        found = bench.canaries.found(text)
        if not values:
            found = [each for each in found if not each.startswith("the value")]
        keeps(f"{where} holds {' and '.join(found)}", kept=not found)
