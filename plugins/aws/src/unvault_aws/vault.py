"""Secrets Manager with keys: reads secrets, one by one and many at once, and lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unvault.errors import AccessDenied, SessionExpired, UnvaultError
from unvault.model import Outcome, SecretInfo, SecretRequest
from unvault.secret import Secret
from unvault_aws._client import Aws, Keys
from unvault_aws._configuration import no_region
from unvault_aws._errors import DENIED, Refused, rejected, unexpected
from unvault_aws.batches import Batches
from unvault_aws.reading import Wanted, next_page, refusal_of, secret_of, wanted
from unvault_aws.watching import Watch

_SERVICE = "secretsmanager"
_PAGE = 100


class Vault:
    """What a session's hooks use.

    Args:
        aws: The SDK, set up for the credential.
        keys: What requests are signed with.
        watch: The files that the keys were read from.
        advice: What to do where the keys are not valid, and no others can be had.
    """

    def __init__(self, aws: Aws, keys: Keys, watch: Watch, *, advice: str) -> None:
        self.aws = aws
        self.keys = keys
        self.advice = advice
        self.region = aws.region
        """The region of secrets that are named by their names."""
        self._watch = watch
        self._batches = Batches(self._ask_for_many, self._fetch)

    def fetch(self, request: SecretRequest) -> Secret:
        """Return a secret.

        Raises:
            UnvaultError: See `unvault_aws.plugin.fetch_secret`.
        """
        self._check_files()
        return self._fetch(wanted(request))

    def fetch_all(self, requests: Sequence[SecretRequest]) -> Sequence[Outcome]:
        """Return an outcome for each request, in order."""
        self._check_files()
        outcomes: dict[int, Outcome] = {}
        asked: dict[int, tuple[Wanted, str]] = {}
        for number, request in enumerate(requests):
            try:
                secret = wanted(request)
                asked[number] = secret, self._region_of(secret)
            except UnvaultError as error:
                outcomes[number] = error
        outcomes |= self._batches.fetch(asked)
        return [outcomes[number] for number in range(len(requests))]

    def browse(self, prefix: str) -> Iterator[SecretInfo]:
        """Return the secrets of the credential's region whose names start with a prefix."""
        self._check_files()
        if self.region is None:
            raise no_region()
        options: dict[str, Any] = {"MaxResults": _PAGE, "SortBy": "name", "SortOrder": "asc"}
        if prefix and not prefix.startswith("!"):  # which would mean: not
            options["Filters"] = [{"Key": "name", "Values": [prefix]}]
        page: str | None = None
        while True:
            reply = self._listed(self.region, options | ({"NextToken": page} if page else {}))
            for entry in reply.get("SecretList") or ():
                name = str(entry.get("Name") or "")
                if name.startswith(prefix) and name:
                    yield SecretInfo(name, version=_current(entry.get("SecretVersionsToStages")))
            page = next_page(reply, page)
            if page is None:
                return

    def close(self) -> None:
        """Close the connections."""
        self.aws.close()

    def _check_files(self) -> None:
        if self._watch.changed:
            raise SessionExpired("a file that the keys were read from has changed", hint="again")

    def _fetch(self, secret: Wanted) -> Secret:
        region = self._region_of(secret)
        try:
            reply = self.aws.ask(
                _SERVICE, "get_secret_value", region=region, keys=self.keys, **secret.parameters
            )
        except Refused as refusal:
            failed = self._rejected(refusal, region) or refusal_of(refusal, secret, region)
        else:
            return secret_of(reply, secret)
        raise failed

    def _ask_for_many(self, ids: Sequence[str], region: str, more: str | None) -> Mapping[str, Any]:
        """Return an answer about several secrets.

        Raises:
            Refused: There are none for anybody, or not so.
            UnvaultError: As for one secret.
        """
        options = {"NextToken": more} if more else {}
        try:
            return self.aws.ask(
                _SERVICE,
                "batch_get_secret_value",
                region=region,
                keys=self.keys,
                SecretIdList=[*ids],
                **options,
            )
        except Refused as refusal:
            failed = self._rejected(refusal, region) or refusal
        raise failed

    def _listed(self, region: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self.aws.ask(_SERVICE, "list_secrets", region=region, keys=self.keys, **options)
        except Refused as refusal:
            failed = self._rejected(refusal, region)
            if failed is None and refusal.code in DENIED:
                failed = AccessDenied(
                    "the keys may not list secrets",
                    hint='a policy has to allow "secretsmanager:ListSecrets" on "*"',
                )
            failed = failed or unexpected(refusal, f"Secrets Manager in {region}")
        raise failed

    def _region_of(self, secret: Wanted) -> str:
        region = secret.region or self.region
        if region is None:
            raise no_region()
        return region

    def _rejected(self, refusal: Refused, region: str) -> UnvaultError | None:
        where = f"Secrets Manager in {region}"
        return rejected(refusal, where, self.advice, renewable=self.keys.expires is not None)


def _current(stages: object) -> str | None:
    """Return the id of the version that has the label AWSCURRENT."""
    known = stages if isinstance(stages, Mapping) else {}
    return next((str(each) for each, labels in known.items() if "AWSCURRENT" in labels), None)
