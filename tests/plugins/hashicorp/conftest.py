"""What the tests of the HashiCorp provider share."""

from __future__ import annotations

import contextlib
import logging
import os

import pytest
import trustme
from tests.plugins.hashicorp.using import TOKEN, opened
from tests.servers.hcp import Hcp
from tests.servers.kubernetes import Kubernetes
from tests.servers.openbao import OpenBao
from tests.servers.proxy import Proxy
from tests.servers.tokens import Issuer

for name in [*os.environ]:
    if name.startswith(("VAULT_", "BAO_", "HCP_")):
        del os.environ[name]


_ON_THE_WAY = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
}


@pytest.fixture(scope="session")
def authority():
    """Return a CA that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def openbao(tmp_path_factory, authority):
    """Return the server that the tests of one process share, each in a namespace of its own."""
    with OpenBao(tmp_path_factory.mktemp("openbao"), authority=authority) as server:
        yield server


@pytest.fixture
def new_namespace(openbao):
    """Return what makes a namespace."""
    return openbao.new_namespace


@pytest.fixture
def namespace(new_namespace):
    """Return a namespace of the test's own, with a KV v2 engine at ``secret``."""
    made = new_namespace()
    made.mount("secret")
    return made


@pytest.fixture
def second_openbao(tmp_path):
    """Return another server of the test's own, in dev mode."""
    folder = tmp_path / "second"
    folder.mkdir()
    with OpenBao(folder) as server:
        yield server


@pytest.fixture(scope="session")
def _lasting(tmp_path_factory):
    with OpenBao(tmp_path_factory.mktemp("lasting"), dev=False) as server:
        server.initialize().unseal()
        yield server


@pytest.fixture
def lasting_openbao(_lasting):
    """Return a server whose data outlives it: it may be killed, started, sealed and unsealed."""
    return _lasting.revive()


@pytest.fixture
def proxy(openbao):
    """Return a proxy before the shared server."""
    with Proxy(openbao.address) as made:
        yield made


@pytest.fixture
def kubernetes(authority):
    """Return what reviews tokens."""
    with Kubernetes(authority) as made:
        yield made


@pytest.fixture
def hcp():
    """Return HCP, with one service principal."""
    with Hcp() as made:
        made.principals["client-1"] = "hcp-client-secret-0f3a"
        yield made


@pytest.fixture(scope="session")
def issuer():
    """Return what signs tokens."""
    return Issuer()


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test here reads what is kept by whoever runs it."""
    home = tmp_path / "home"
    home.mkdir()
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    for variable in [*os.environ]:
        if variable.upper() in _ON_THE_WAY:
            monkeypatch.delenv(variable)
    return home


@pytest.fixture(autouse=True)
def quiet_log(caplog):
    """No log, down to the libraries', holds a secret: each value of a test has ``canary`` in it."""
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call"):
        for record in caplog.get_records(when):
            message = record.getMessage()
            assert "canary" not in message
            assert not TOKEN.search(message), record.name


@pytest.fixture
def open_unvault():
    """Return what makes an `Unvault`, as `opened` does, and closes it afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(opened(*args, **options))


@pytest.fixture
def reader(namespace):
    """Return a policy that allows reading one secret, ``secret/app``, that is there."""
    namespace.write("secret", "app", password="canary-1", user="me")
    return namespace.allow("reader", {"secret/data/app": "read"})
