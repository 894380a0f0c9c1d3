"""Which variables a program does not inherit from unvault: those that may open a vault."""

from __future__ import annotations

from unvault.inheritance import without_credentials


def test_what_may_open_a_vault_is_taken_out_whoever_it_is_for() -> None:
    kept = ["UNVAULT_HOME", "UNVAULT_BLOCK", "UNVAULT_EXTENSIONS", "PATH", "VAULT_TOKEN", "UNVAULT"]
    taken = [
        "UNVAULT_PASSPHRASE",
        "UNVAULT_NEW_PASSPHRASE",
        "UNVAULT_LOCAL_PASSPHRASE",
        "UNVAULT_NOT_INSTALLED_TOKEN",
        "INSOMNIA_AWS_SECRET",
        "unvault_local_path",  # as Windows may have it
    ]
    left = without_credentials(dict.fromkeys([*kept, *taken], "x"))
    assert [*left] == kept
