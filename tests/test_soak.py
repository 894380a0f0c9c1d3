"""The two forms of a test: what runs in `make test`, and what in `make soak`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
from hypothesis import strategies as st
from tests.soak import fuzz, rounds

@rounds(2, 1200)
def test_repeated(rounds):
    print(f"<{rounds} rounds>")

@fuzz(7, number=st.integers())
def test_drawn(number, tmp_path):
    assert tmp_path.is_dir()
    print(f"<{type(number).__name__}>")
"""


def output(folder: Path, *options: str, minutes: str = "") -> str:
    file = folder / "test_forms.py"
    file.write_text(TESTS)
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-c", str(root / "pyproject.toml"), "-n", "0", "-s"]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", *options, str(file)],
        env={**os.environ, "PYTHONPATH": str(root), "SOAK_MINUTES": minutes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed, 2 deselected" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_the_short_forms_run_unless_the_long_ones_are_asked_for(tmp_path):
    shown = output(tmp_path)
    assert shown.count("<2 rounds>") == 1
    assert 1 < shown.count("<int>") <= 7


@pytest.mark.parametrize(("minutes", "shown_rounds"), [("0.06", 12), ("0.01", 2)])
def test_the_long_forms_are_as_long_as_the_minutes_say(tmp_path, minutes, shown_rounds):
    shown = output(tmp_path, "-m", "soak", minutes=minutes)
    assert shown.count(f"<{shown_rounds} rounds>") == 1
    assert shown.count("<int>") > 7
