"""The browser that the other tests here sign in with."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.servers import chromium
from tests.servers.chromium import BrowserFault, chromium_or_skip
from tests.servers.process import outlives_its_starter


def test_two_profiles_know_nothing_of_each_other(azure, chromium, ann):
    there = "https://login.microsoftonline.com/device"
    mine, other = chromium.profile(azure.address), chromium.profile(azure.address)
    mine.open(there).wait_for("form")
    mine.tabs[0].run("document.cookie = 'known=1'")
    mine.tabs[0].run("location.reload()")
    assert mine.tabs[0].wait_for("form")
    assert mine.tabs[0].run("document.cookie") == "known=1"
    other.open(there).wait_for("form")
    assert other.tabs[0].run("document.cookie") == ""
    for each in (mine, other):
        each.close()


def test_it_reaches_nothing_but_what_its_proxy_reaches(azure, profile, chromium):
    page = profile.open("https://www.example.com/")
    page.wait_for("#main-frame-error")
    assert "www.example.com" in azure.refused
    nowhere = chromium.profile()
    nowhere.open("https://login.microsoftonline.com/device").wait_for("#main-frame-error")
    assert "login.microsoftonline.com" not in azure.hosts
    nowhere.close()


def test_what_never_comes_is_an_error_that_shows_the_page(profile):
    page = profile.open("https://login.microsoftonline.com/device")
    page.wait_for("form")
    with pytest.raises(BrowserFault, match=r"nothing of .*never.* reads .*Next"):
        page.wait_for("#never", seconds=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2)")
def test_it_ends_with_the_process_that_started_it(tmp_path):
    chromium_or_skip()
    program = (
        "import pathlib\n"
        "from tests.servers.chromium import Chromium\n"
        f"pid = Chromium(pathlib.Path({str(tmp_path)!r})).__enter__()._process.pid"
    )
    assert not outlives_its_starter(program)


def test_where_it_is_missing_tests_are_skipped_but_in_ci_they_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(chromium, "COMMAND", tmp_path / "none")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="`make test` installs it"):
        chromium_or_skip()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="`make test` installs it"):
        chromium_or_skip()


def test_a_program_rings_a_bell_in_place_of_opening_a_page(doorbell):
    program = "import webbrowser; print(webbrowser.open('https://a.example/?b=1&c=%202'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=doorbell.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"
    assert doorbell.wait() == "https://a.example/?b=1&c=%202"
    assert len(doorbell.pages) == 1
