"""The suite is run for an installed provider by options of pytest, which disturb nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACT = """
from unvault.testing import ProviderContract


class Half(ProviderContract):
    provider = "acme"
    cannot = {"expiry": "its sessions do not end"}
"""


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest on the suite, in a folder that is nobody's."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def run_suite(folder: Path, *arguments: str) -> tuple[int, str]:
    return run(folder, "-rs", "--pyargs", "unvault.testing", *arguments)


def test_without_a_contract_what_needs_no_vault_is_tried(tmp_path):
    code, said = run_suite(tmp_path, "--unvault-provider", "acme")

    assert code == 0, said
    assert "8 passed" in said
    assert "give a contract with seed(path, value): --unvault-contract MODULE:CLASS" in said


def test_with_a_contract_what_is_neither_given_nor_declared_fails(tmp_path):
    (tmp_path / "half.py").write_text(CONTRACT, "utf-8")

    code, said = run_suite(tmp_path, "--unvault-contract", "half:Half")

    assert code == 1
    assert "sessions that the vault ends: its sessions do not end" in said
    assert "the contract has to give working(): with what to sign in" in said
    assert "cannot = {'deletion': 'why'}" in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "which provider? Give --unvault-provider NAME"),
        (("--unvault-provider", "amce"), "no installed distribution provides 'amce'"),
        (("--unvault-contract", "half"), "is written MODULE:CLASS, not 'half'"),
        (("--unvault-contract", "json:loads"), "json:loads is no subclass of ProviderContract"),
    ],
)
def test_wrong_options_are_told_in_a_line(tmp_path, options, why):
    code, said = run_suite(tmp_path, *options)

    assert code == 2
    assert why in said
    assert "Traceback" not in said


def loaded_by(statement: str) -> set[str]:
    program = (
        f"import sys, pytest; old = {{*sys.modules}}; {statement}; print(*{{*sys.modules}} - old)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_plugin_that_pytest_loads_everywhere_imports_nothing():
    names = {"unvault", "unvault.testing", "unvault.testing.options"}
    assert loaded_by("import unvault.testing.options") <= names


def test_unvault_itself_never_imports_pytest():
    program = "import sys, unvault.client; print('pytest' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


def test_without_pytest_the_error_names_the_extra():
    program = "import sys; sys.modules['pytest'] = None; import unvault.testing"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'unvault[testing]'" in done.stderr.splitlines()[-1]


def test_the_public_names_can_be_imported():
    import unvault.testing

    assert unvault.testing.__all__ == sorted(unvault.testing.__all__)
    assert set(unvault.testing.__all__) <= set(dir(unvault.testing))
    for name in unvault.testing.__all__:
        assert getattr(unvault.testing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = unvault.testing.Nonsense
