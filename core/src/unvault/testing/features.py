"""What a provider can do, as far as a contract may declare that it cannot."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Feature:
    """One thing that a provider may be unable to do."""

    what: str
    """The thing, in words."""
    given: tuple[str, ...] = ()
    """Names of the methods that an author gives for it."""
    hook: str | None = None
    """The hook without which there is none of it."""


FEATURES: Mapping[str, Feature] = {
    "text": Feature("values that are text"),
    "json": Feature("values that are maps, as JSON"),
    "binary": Feature("values that are no text"),
    "empty": Feature("values of no length"),
    "large": Feature("values of 64 KiB"),
    "non_ascii": Feature("values with other letters than English ones"),
    "versions": Feature("versions of a secret"),
    "ambient": Feature("signing in with an empty credential", ("ambient",)),
    "refusal": Feature("refusing a credential", ("refused",)),
    "expiry": Feature("sessions that the vault ends", ("expire",)),
    "second": Feature("two credentials side by side", ("second", "seed_second")),
    "deletion": Feature("secrets that were deleted", ("delete",)),
    "denial": Feature("secrets that one may not read", ("deny",)),
    "unreachable": Feature("a vault that cannot be reached"),
    "network": Feature("a vault that is slow, busy or failing"),
    "listing": Feature("browsing", hook="list_secrets"),
    "closing": Feature("closing a session", hook="close_session"),
}
"""The features that `ProviderContract.cannot` may name."""
