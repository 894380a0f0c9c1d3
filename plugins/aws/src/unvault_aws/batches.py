"""Many secrets with few requests: twenty with each, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from unvault.errors import UnvaultError
from unvault.model import Outcome
from unvault.parallel import run_side_by_side
from unvault.secret import Secret
from unvault_aws._errors import DENIED, Refused, refused
from unvault_aws.reading import Wanted, next_page, refusal_of, secret_of

_MOST = 20
"""How many secrets one request may ask for."""

_PARALLEL = 32

_AskForMany = Callable[[Sequence[str], str, str | None], Mapping[str, Any]]
_Asked = tuple[Wanted, str]


class Batches:
    """Fetches many secrets: in batches where that is allowed, else one by one.

    Args:
        ask: Asks for the secrets with these ids, in a region, from a page on.
        fetch: Fetches one secret.
    """

    def __init__(self, ask: _AskForMany, fetch: Callable[[Wanted], Secret]) -> None:
        self._ask = ask
        self._fetch = fetch
        self._refused: set[str] = set()  # regions where no batches are allowed

    def fetch(self, asked: Mapping[int, _Asked]) -> Mapping[int, Outcome]:
        """Return an outcome for each secret that is asked for, by number."""
        outcomes: dict[int, Outcome] = {}
        work: list[Callable[[], Sequence[int]]] = []
        # Apart: another account's secret, named by its ARN, may have the name of one of ours.
        together: dict[tuple[str, bool], list[int]] = defaultdict(list)
        alone: list[int] = []
        for number, (secret, region) in asked.items():
            batched = secret.fits_a_batch and region not in self._refused
            (together[region, secret.region is None] if batched else alone).append(number)
        for (region, _), numbers in together.items():
            for chunk in _chunks(numbers):
                if len(chunk) == 1:
                    alone += chunk
                else:
                    work.append(partial(self._batch, asked, chunk, region, outcomes))
        work += [partial(self._single, asked, number, outcomes) for number in alone]
        left: list[int] = []
        _side_by_side(lambda each: left.extend(each()), work)
        again = [partial(self._single, asked, number, outcomes) for number in left]
        _side_by_side(lambda each: each(), again)
        return outcomes

    def _single(
        self, asked: Mapping[int, _Asked], number: int, outcomes: dict[int, Outcome]
    ) -> Sequence[int]:
        try:
            outcomes[number] = self._fetch(asked[number][0])
        except UnvaultError as error:
            outcomes[number] = error
        return ()

    def _batch(
        self,
        asked: Mapping[int, _Asked],
        numbers: Sequence[int],
        region: str,
        outcomes: dict[int, Outcome],
    ) -> Sequence[int]:
        """Fetch up to twenty at once; return those that have to be fetched one by one."""
        if region in self._refused:
            return numbers
        try:
            answer = self._pages([asked[number][0].id for number in numbers], region)
        except Refused as refusal:
            if refusal.code in DENIED:
                self._refused.add(region)
            return numbers
        except UnvaultError as error:
            outcomes |= dict.fromkeys(numbers, error)
            return ()
        left = []
        for number in numbers:
            secret = asked[number][0]
            outcome = answer.outcome(secret, region)
            if outcome is None:
                left.append(number)
            else:
                outcomes[number] = outcome
        return left

    def _pages(self, ids: Sequence[str], region: str) -> _Answer:
        answer = _Answer()
        more: str | None = None
        while True:
            reply = self._ask(ids, region, more)
            answer.add(reply)
            more = next_page(reply, more)
            if more is None:
                return answer


class _Answer:
    """What a batch brought."""

    def __init__(self) -> None:
        self._by_name: dict[str, Mapping[str, Any]] = {}
        self._by_arn: dict[str, Mapping[str, Any]] = {}
        self._by_part: dict[str, Mapping[str, Any]] = {}
        self._errors: dict[str, Refused] = {}

    def add(self, reply: Mapping[str, Any]) -> None:
        """Take a page of it."""
        for value in reply.get("SecretValues") or ():
            arn = str(value.get("ARN"))
            self._by_name[str(value.get("Name"))] = value
            self._by_arn[arn] = value
            self._by_part[arn[:-7]] = value  # without the hyphen and six characters at its end
        for error in reply.get("Errors") or ():
            told = {"Code": error.get("ErrorCode"), "Message": error.get("Message")}
            self._errors[str(error.get("SecretId"))] = refused({"Error": told})

    def outcome(self, secret: Wanted, region: str) -> Outcome | None:
        """Return what became of a secret; None where it has to be asked for by itself."""
        if secret.region is None:
            value = self._by_name.get(secret.id)
        else:
            value = self._by_arn.get(secret.id) or self._by_part.get(secret.id)
        if value is not None:
            try:
                return secret_of(value, secret)
            except UnvaultError:
                return None
        refusal = self._errors.get(secret.id)
        # Another account's may be refused to a batch only.
        if refusal is None or secret.region is not None or refusal.may_pass:
            return None
        return refusal_of(refusal, secret, region)


def _chunks(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (numbers[start : start + _MOST] for start in range(0, len(numbers), _MOST))


def _side_by_side(action: Callable[[Any], Any], work: Sequence[Callable[[], object]]) -> None:
    if len(work) == 1:
        action(work[0])
    elif work:
        run_side_by_side(action, work, bound=_PARALLEL, name="unvault-aws")
