"""`ProviderContract`: the tests that every provider passes."""

from __future__ import annotations

from unvault.testing.promises.declarations import DeclarationPromises
from unvault.testing.promises.loading import LoadingPromises
from unvault.testing.promises.many import ManyPromises
from unvault.testing.promises.secrecy import SecrecyPromises
from unvault.testing.promises.signing_in import SignInPromises
from unvault.testing.promises.threads import ThreadPromises
from unvault.testing.promises.values import ValuePromises


class ProviderContract(
    DeclarationPromises,
    LoadingPromises,
    SignInPromises,
    ValuePromises,
    SecrecyPromises,
    ThreadPromises,
    ManyPromises,
):
    """The tests that every provider passes: subclass it, and pytest runs them.

    Each test says which promise of `unvault.hookspecs` is broken. What a provider cannot do is
    declared in `cannot` with a reason, and shows as skipped (``pytest -rs``); a declaration that is
    not true fails.

    A fixture of the author's own may start a vault, as for any class of tests.
    """
