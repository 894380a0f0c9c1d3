"""Importing a provider and asking what it is costs nothing and reaches nobody."""

from __future__ import annotations

from unvault.testing.author import Author
from unvault.testing.loading import Loaded, home, loaded
from unvault.testing.verdict import keeps


class LoadingPromises(Author):
    """The promises of a provider's package, and of the hooks that describe it."""

    def test_no_sdk_is_imported_before_it_is_used(self) -> None:
        """Only the standard library, unvault and the provider's own package are."""
        found = self._loaded()
        keeps(
            "importing and describing the provider has to import no SDK, and it imports"
            f" {', '.join(found.packages)}: import that inside the hook that needs it, or name it"
            " in own_packages if it is the provider's own",
            kept=not found.packages,
        )

    def test_nobody_is_asked_before_it_is_used(self) -> None:
        """Importing, listing and describing providers works without a network."""
        found = self._loaded()
        keeps(
            "importing, listing and describing providers reaches no network, and it asked for"
            f" {', '.join(found.network)}",
            kept=not found.network,
        )

    def _loaded(self) -> Loaded:
        __tracebackhide__ = True
        with self._bench() as bench:
            _ = bench.provider  # what keeps it from being loaded is told better here
            entry = bench.vault.providers.source(bench.id).entry
            own = home(self.provider, entry.value if entry else None)
            return loaded(self.provider, {own, *self.own_packages})
