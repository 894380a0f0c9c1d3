"""Turns: one after another, whoever it is, and never a reason to fail."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from unvault_aws.turns import turn

HOLD = """
import sys, time
from pathlib import Path
from unvault_aws.turns import turn
with turn(Path(sys.argv[1]), 10):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_threads_take_turns(tmp_path):
    inside, most = [0], [0]

    def work():
        with turn(tmp_path / "lock", 30):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1]


def test_a_process_that_is_killed_has_had_its_turn(tmp_path):
    file = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        start = time.monotonic()
        with turn(file, 0.1):  # it waited in vain, and goes on
            assert time.monotonic() - start >= 0.1
        other.kill()
        other.wait()
    with turn(file, 60):
        pass


def test_without_a_file_everybody_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    with turn(tmp_path / "file" / "lock", 1):
        pass


def test_an_error_ends_the_turn(tmp_path):
    with pytest.raises(ValueError, match="mine"), turn(tmp_path / "lock", 1):
        raise ValueError("mine")
    with turn(tmp_path / "lock", 60):
        pass
