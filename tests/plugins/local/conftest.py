"""What the tests of the local vault share."""

import traceback

import pytest


def chained(error):
    """Yield an error and all that it is chained to."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.fixture(scope="session")
def told():
    """Return everything a log, a traceback or a debugger could show of an error."""

    def everything(error):
        parts = traceback.format_exception(error)
        for each in chained(error):
            # A codec's error keeps the whole text in `object`, and json's in `doc`.
            kept = (getattr(each, name, None) for name in ("args", "object", "doc", "__dict__"))
            parts += [repr(each), *map(repr, kept)]
        return "\n".join(parts)

    return everything


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Keep everything of unvault's in a folder of the test's own."""
    monkeypatch.setenv("UNVAULT_HOME", str(tmp_path))
    monkeypatch.delenv("UNVAULT_LOCAL_PATH", raising=False)
    monkeypatch.delenv("UNVAULT_LOCAL_PASSPHRASE", raising=False)
    return tmp_path
