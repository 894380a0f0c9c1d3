"""Hooks are called from any thread, from several at once, and for several credentials."""

from __future__ import annotations

from collections.abc import Sequence

from unvault.errors import UnvaultError
from unvault.testing.author import Author
from unvault.testing.bench import Bench
from unvault.testing.verdict import broken, keeps, side_by_side

_THREADS = 32
_SECRETS = 4
_ROUNDS = 3


class ThreadPromises(Author):
    """The promises of all hooks about being called side by side."""

    def test_32_threads_read_what_they_asked_for(self) -> None:
        """One session serves all of them, and each gets its own answer."""
        with self._bench() as bench:
            values = self._values(bench)
            head = self._signed_in(bench)
            session, call = bench.session(head), bench.provider.call
            wrong: list[str] = []

            def fetch(number: int) -> None:
                for turn in range(_ROUNDS):
                    path, value = values[(number + turn) % _SECRETS]
                    request = bench.request(head, path)
                    found = call("fetch_secret", session=session, request=request)
                    if bench.value(head, path, found) != value:
                        wrong.append(path)

            promise = f"{_THREADS} threads may fetch with one session at the same time"
            _check(bench, promise, bench.within(lambda: side_by_side(_THREADS, fetch)))
            keeps(f"{promise}; {len(wrong)} times another secret came back", kept=not wrong)

    def test_32_threads_sign_in_once(self) -> None:
        """Signing in for every fetch would lock accounts and cost time."""
        with self._bench() as bench:
            values = self._values(bench)
            head = self._signed_in(bench)

            def fetch(number: int) -> None:
                bench.vault.fetch(f"{head}/{values[number % _SECRETS][0]}", fresh=True)

            promise = f"{_THREADS} threads that begin at once share one sign-in"
            _check(bench, promise, bench.within(lambda: side_by_side(_THREADS, fetch)))
            count = len(bench.recorder.sign_ins)
            keeps(f"{promise}; there were {count}", kept=count == 1)

    def test_two_credentials_are_never_mixed(self) -> None:
        """Each session reads what its own credential may, also side by side."""
        self._needs("second")
        with self._bench() as bench:
            mine, other = bench.canary("mine"), bench.canary("other")
            path = self._path(bench, "mixed")
            first, second = self.seed(path, mine) or path, self.seed_second(path, other) or path
            heads = [(self._signed_in(bench), first, mine)]
            heads.append((bench.add(self.second(), "second"), second, other))
            wrong: list[str] = []

            def fetch(number: int) -> None:
                for turn in range(_ROUNDS):
                    head, path, value = heads[(number + turn) % 2]
                    if bench.vault.fetch(f"{head}/{path}", fresh=True).reveal() != value:
                        wrong.append(head)

            promise = "sessions of two credentials, used side by side, are not mixed"
            _check(bench, promise, bench.within(lambda: side_by_side(_THREADS // 4, fetch)))
            keeps(f"{promise}; {len(wrong)} times the other's secret came back", kept=not wrong)

    def _values(self, bench: Bench) -> Sequence[tuple[str, bytes]]:
        values = [bench.canary(f"thread-{n}") for n in range(_SECRETS)]
        return [
            (self._seeded(bench, f"thread-{n}", value), value) for n, value in enumerate(values)
        ]


def _check(bench: Bench, promise: str, errors: Sequence[BaseException]) -> None:
    """Fail the test where threads raised something."""
    __tracebackhide__ = True
    for error in errors:
        if not isinstance(error, UnvaultError):
            raise error
        broken(f"{promise}; {len(errors)} of them failed, one with {bench.shown(error)}")
