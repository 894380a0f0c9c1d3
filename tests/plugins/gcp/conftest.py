"""What the tests of the GCP provider share."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import trustme
from tests.plugins.gcp.using import opened
from tests.servers.connect import Connect
from tests.servers.gcp import Gcp
from tests.servers.tokens import Issuer

_AUTHORITY = trustme.CA()
_FOLDER = Path(tempfile.mkdtemp(prefix="unvault-gcp-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_AUTHORITY.cert_pem.write_to_path(_FOLDER / "google-authority.pem")
# gRPC reads these once in a process, when it is first used.
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(_FOLDER / "google-authority.pem")
os.environ["GRPC_VERBOSITY"] = "NONE"

_OF_THE_SDK = ("GOOGLE_", "CLOUDSDK_", "GCE_", "GCLOUD_", "GAE_", "K_SERVICE", "KUBERNETES_")
_ON_THE_WAY = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GRPC_PROXY", "NO_GRPC_PROXY"}
_AUTHORITIES = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}
_NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the port of "discard": what is not for this machine fails at once."""


@pytest.fixture(scope="session")
def authority():
    """Return a CA that nobody trusts unless told to."""
    return _AUTHORITY


@pytest.fixture
def gcp(own_home):
    """Return Google Cloud, without anything in it."""
    with Gcp(_AUTHORITY, _FOLDER) as made:
        yield made


@pytest.fixture
def trusted(gcp, monkeypatch):
    """Return Google Cloud, whose certificate is trusted."""
    for variable, value in gcp.environment.items():
        monkeypatch.setenv(variable, value)
    return gcp


@pytest.fixture
def connect(trusted, tmp_path, monkeypatch):
    """Return a proxy behind which Google's names are and nothing else, and which is used."""
    with Connect(_AUTHORITY, tmp_path, tunnels=trusted.hosts) as made:
        for variable, value in made.environment.items():
            monkeypatch.setenv(variable, value)
        yield made


@pytest.fixture(scope="session")
def issuer():
    """Return what signs the tokens of workloads."""
    return Issuer()


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path_factory):
    """No test here reads what is kept by whoever runs it, or asks anything but this machine."""
    home = tmp_path_factory.mktemp("home")
    for variable in [*os.environ]:
        if variable.startswith(_OF_THE_SDK) or variable.upper() in _ON_THE_WAY | _AUTHORITIES:
            monkeypatch.delenv(variable)
    for variable, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home),
        "NO_GCE_CHECK": "true",
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
        "http_proxy": _NOWHERE,
        "https_proxy": _NOWHERE,
        "no_proxy": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(variable, value)
    return home


@pytest.fixture(params=["grpc", "rest"])
def transport(request):
    """Return the name of each transport in turn."""
    return request.param


@pytest.fixture
def open_unvault():
    """Return what makes an `Unvault`, as `opened` does, and closes it afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(opened(*args, **options))


@pytest.fixture
def quiet_log(caplog):
    """No log, down to the SDK's, holds a secret: each value of a test has ``canary`` in it."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    for record in caplog.get_records("call"):
        assert "canary" not in record.getMessage(), record.name
