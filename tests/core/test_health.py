"""How installed providers stand: found out in processes of their own, and good news remembered."""

from __future__ import annotations

import json
import os
import time

import pytest
from tests.fakes import GOOD, FakeProvider, Site, lines

from unvault import health
from unvault.health import examine
from unvault.provider import ProviderState
from unvault.providers import Providers


class Examined(Site):
    """A site whose modules write down that they were imported, and by which process."""

    def watched(self, name: str, source: str = GOOD) -> None:
        noting = f"""
            import os
            with open({str(self.log(name))!r}, "a") as log:
                log.write(f"{{os.getpid()}}\\n")
        """
        self.provider(name, lines(noting) + source)

    def log(self, name: str):
        return self.folder / f"{name}.log"

    def imports(self, name: str) -> list[int]:
        """Return the processes that imported a module."""
        log = self.log(name)
        return [int(line) for line in log.read_text().split()] if log.exists() else []


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Examined(tmp_path / "site", monkeypatch)
    yield made
    made.forget()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def looked_at(name, cache=None, **options):
    """Examine, and return what was found out of one provider."""
    others = [each for each in Providers().ids() if each != name]
    found = examine(Providers(block=others, **options), cache)
    return next(info for info in found if info.id == name)


def test_a_good_one_is_ready_and_was_not_imported_here(site, cache):
    site.watched("good")
    info = looked_at("good", cache)
    assert (info.state, info.distribution, info.version) == (
        ProviderState.READY,
        "dist-good",
        "1.0",
    )
    assert site.imported() == set()
    (process,) = site.imports("good")
    assert process != os.getpid()


def test_a_good_verdict_is_remembered(site, cache):
    site.watched("good")
    for _ in range(3):
        assert looked_at("good", cache).state is ProviderState.READY
    assert len(site.imports("good")) == 1


def test_without_a_cache_folder_nothing_is_remembered(site):
    site.watched("good")
    for _ in range(2):
        assert looked_at("good").state is ProviderState.READY
    assert len(site.imports("good")) == 2


def test_a_changed_module_is_examined_again(site, cache):
    site.watched("good")
    assert looked_at("good", cache).state is ProviderState.READY
    file = site.folder / "provider_good.py"
    file.write_text(file.read_text() + "raise RuntimeError('since today')\n")
    os.utime(file, ns=(time.time_ns(), time.time_ns() + 10**9))
    info = looked_at("good", cache)
    assert info.state is ProviderState.BROKEN
    assert "since today" in (info.reason or "")


def test_an_older_file_that_changes_is_seen_too(site, cache):
    package = site.folder / "packaged"
    package.mkdir()
    (package / "__init__.py").write_text(GOOD)
    (package / "part.py").write_text("")
    os.utime(package / "__init__.py", (10_000, 10_000))
    site.distribution("dist-packaged", providers={"packaged": "packaged"})
    assert looked_at("packaged", cache).state is ProviderState.READY
    (package / "__init__.py").write_text(GOOD + "raise RuntimeError('older')\n")
    os.utime(package / "__init__.py", (20_000, 20_000))
    assert looked_at("packaged", cache).state is ProviderState.BROKEN


def test_another_version_is_examined_again(site, cache):
    site.watched("good")
    looked_at("good", cache)
    info = site.folder / "dist_good-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-good\nVersion: 2.0\n")
    assert looked_at("good", cache).state is ProviderState.READY
    assert len(site.imports("good")) == 2


def test_a_bad_verdict_is_never_remembered(site, cache):
    site.watched("bad", "import the_missing_one\n" + GOOD)
    for _ in range(2):
        info = looked_at("bad", cache)
        assert info.state is ProviderState.BROKEN
        assert "the_missing_one" in (info.reason or "")
    site.module("the_missing_one", "")
    assert looked_at("bad", cache).state is ProviderState.READY
    assert len(site.imports("bad")) == 3


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"no json", b'{"good": 3}', b"\xff\xfe", b'{"good": {}}']
)
def test_a_damaged_memory_is_no_memory(site, cache, content):
    site.watched("good")
    cache.mkdir()
    (cache / "providers.json").write_bytes(content)
    for _ in range(2):
        assert looked_at("good", cache).state is ProviderState.READY
    assert len(site.imports("good")) == 1


def test_a_memory_that_cannot_be_written_costs_time_only(site, cache):
    site.watched("good")
    cache.write_text("a file where the folder should be")
    for _ in range(2):
        assert looked_at("good", cache).state is ProviderState.READY
    assert len(site.imports("good")) == 2


def test_what_is_remembered_holds_no_more_than_marks(site, cache):
    site.watched("good")
    looked_at("good", cache)
    known = json.loads((cache / "providers.json").read_text())
    assert list(known) == ["good"]
    assert (cache / "providers.json").stat().st_mode & 0o077 == 0


def test_one_that_hangs_at_import_is_broken_after_a_while(site, monkeypatch):
    site.watched("slow", "import time\ntime.sleep(600)\n")
    monkeypatch.setattr(health, "SECONDS", 1.5)
    begun = time.monotonic()
    info = looked_at("slow")
    assert time.monotonic() - begun < 15
    assert info.state is ProviderState.BROKEN
    assert "did not load within" in (info.reason or "")
    (process,) = site.imports("slow")
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


ENDINGS = {
    "quietly": "import os\nos._exit(0)\n",
    "loudly": "import os\nprint('5', flush=True)\nos._exit(0)\n",
    "oddly": "import os\nprint('[1, 2]', flush=True)\nos._exit(0)\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "crashing": "import faulthandler\nfaulthandler._sigsegv()\n",
}


@pytest.mark.parametrize("how", ENDINGS)
def test_one_that_ends_the_process_is_broken_and_ends_no_other(site, how):
    site.watched("deadly", ENDINGS[how])
    info = looked_at("deadly")
    assert info.state is ProviderState.BROKEN
    assert info.reason == "it ended the process that loaded it"


def test_one_that_talks_at_import_and_at_exit_is_as_good_as_others(site):
    site.watched(
        "chatty",
        "import atexit, sys\nprint('hello', end='')\natexit.register(print, 'goodbye')\n"
        "print('warned', file=sys.stderr)\nsys.stdin.read()\n" + GOOD,
    )
    info = looked_at("chatty")
    assert (info.state, info.reason) == (ProviderState.READY, None)


def test_a_misspelt_hook_and_a_missing_one_are_seen(site):
    site.provider("misspelt", GOOD + "\n\n@hookimpl\ndef fetch_secretz():\n    pass\n")
    assert "fetch_secretz" in (looked_at("misspelt").reason or "")


def test_a_wrong_entry_point_is_a_broken_provider(site, cache):
    site.distribution("dist-lost", providers={"lost": "not a value!"})
    assert looked_at("lost", cache).state is ProviderState.BROKEN


def test_one_without_its_metadata_file_is_not_imported_here_either(site):
    site.watched("half")
    (site.folder / "dist_half-1.0.dist-info" / "METADATA").unlink()
    assert looked_at("half").state is ProviderState.READY
    assert os.getpid() not in site.imports("half")


@pytest.mark.parametrize("content", [b"[" * 5000, b"9" * 5000, b"\xff", b'{"good": []}', b"[]"])
def test_verdicts_that_cannot_be_read_are_found_out_anew(site, cache, content):
    site.watched("good")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "providers.json").write_bytes(content)
    assert looked_at("good", cache).state is ProviderState.READY
    assert len(site.imports("good")) == 1


def test_conflicts_and_blocked_ones_are_reported_and_not_loaded(site):
    site.watched("kept-out")
    for number in (1, 2):
        site.distribution(f"dist-twin{number}", providers={"twin": "provider_kept_out"})
    others = [each for each in Providers().ids() if each != "twin"]
    states = [
        (info.id, info.state)
        for info in examine(Providers(block=others))
        if info.id in {"twin", "kept-out"}
    ]
    assert states == [
        ("kept-out", ProviderState.BLOCKED),
        ("twin", ProviderState.CONFLICT),
        ("twin", ProviderState.CONFLICT),
    ]
    assert site.imports("kept-out") == []


def test_objects_of_the_application_are_checked_here():
    providers = Providers({"fine": FakeProvider(), "bad": object()}, discover=False)
    states = {info.id: info.state for info in examine(providers)}
    assert states == {"fine": ProviderState.READY, "bad": ProviderState.BROKEN}


def test_one_that_is_loaded_already_starts_no_process(site):
    site.watched("good")
    providers = Providers()
    providers.load("good")
    found = {info.id: info.state for info in examine(Providers(block=providers.ids()))}
    assert found["good"] is ProviderState.BLOCKED
    others = [each for each in providers.ids() if each != "good"]
    loaded = Providers(block=others)
    loaded.load("good")
    assert {info.id: info.state for info in examine(loaded)}["good"] is ProviderState.READY
    assert site.imports("good") == [os.getpid()]


def test_the_child_imports_nothing_from_the_current_folder(site, tmp_path, monkeypatch):
    site.watched("good")
    here = tmp_path / "somebody_elses"
    here.mkdir()
    mark = tmp_path / "executed"
    for name in ("json", "attr", "pluggy", "provider_good"):
        (here / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.chdir(here)
    assert looked_at("good").state is ProviderState.READY
    assert not mark.exists()


def test_the_child_sees_what_this_process_would_import(site, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")  # the folder is on this process's own path only
    site.watched("good")
    assert looked_at("good").state is ProviderState.READY
