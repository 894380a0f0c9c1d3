"""What the tests of the Azure provider share."""

from __future__ import annotations

import contextlib
import logging
import os

import pytest
import trustme
from azure.keyvault.secrets._shared import http_challenge_cache
from tests.plugins.azure.using import Person as Somebody
from tests.plugins.azure.using import opened
from tests.servers.azure import Azure
from tests.servers.chromium import Chromium, chromium_or_skip
from tests.servers.doorbell import Doorbell
from tests.servers.entra_person import signed_in
from tests.servers.entra_tokens import Key
from tests.servers.tokens import Issuer
from tests.servers.visitor import Visitor

_OTHERS = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "BROWSER", "ALL_PROXY"}
_AZURES = ("AZURE_", "MSI_", "IDENTITY_", "MSAL_", "IMDS_")
_NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the port of "discard": what is not for this machine fails at once."""


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    """No test here reads what is kept by whoever runs it, or asks anything but this machine."""
    home = tmp_path / "own-home"
    home.mkdir()
    for variable in [*os.environ]:
        if variable.startswith(_AZURES) or variable.upper() in _OTHERS:
            monkeypatch.delenv(variable)
    for variable, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(variable, value)
    return home


@pytest.fixture(autouse=True)
def no_challenges():
    """Forget what vaults asked for in other tests: the SDK keeps it by host, for all clients."""
    http_challenge_cache.clear()


@pytest.fixture(scope="session")
def authority():
    """Return a CA that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def signing_key():
    """Return what Entra ID signs with: it takes a moment to make."""
    return Key()


@pytest.fixture
def azure(authority, signing_key, tmp_path, monkeypatch):
    """Return Azure, whose real names lead to servers of the test's; this process goes there."""
    with Azure(authority, tmp_path, signing_key) as made:
        for variable, value in made.environment.items():
            monkeypatch.setenv(variable, value)
        yield made


@pytest.fixture
def entra(azure):
    """Return the authority, with a tenant and without people."""
    return azure.entra


@pytest.fixture
def vaults(azure):
    """Return Key Vault, without vaults."""
    return azure.vaults


@pytest.fixture
def ann(entra):
    """Return somebody of the tenant."""
    return entra.person("ann")


@pytest.fixture
def vault(vaults, ann):
    """Return a vault, ``app``, which Ann may read and list."""
    return vaults.new("app").allow(ann)


@pytest.fixture
def visit(entra):
    """Return what opens a page as somebody, and does what its forms ask for."""

    def visit(person, page, **choices):
        return Visitor(entra.port, person.name, person.password).sign_in(page, **choices)

    return visit


@pytest.fixture(scope="session")
def issuer():
    """Return what signs the identities of workloads."""
    return Issuer()


@pytest.fixture
def open_unvault():
    """Return what makes an `Unvault`, as `opened` does, and closes it afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(opened(*args, **options))


@pytest.fixture
def somebody(ann, visit):
    """Return Ann at a browser, who signs in and accepts."""
    person = Somebody(lambda page: visit(ann, page))
    yield person
    person.join()


@pytest.fixture
def quiet_log(caplog, entra):
    """No log, down to the SDK's, holds a token, a code, a password, or a value of a test."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    said = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    assert "canary" not in said
    assert [each for each in entra.issued if each in said] == []


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Return a real browser, which the tests of one process share."""
    chromium_or_skip()
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def profile(chromium, azure):
    """Return a browser that knows nobody yet, and reaches Azure only."""
    made = chromium.profile(azure.address)
    yield made
    made.close()


@pytest.fixture
def sign_in_at(profile):
    """Return what signs somebody in by a real browser: with ``accept=False``, without consent."""

    def sign_in(page, person, **choices):
        return signed_in(profile.open(page), person, **choices)

    return sign_in


@pytest.fixture
def doorbell(tmp_path):
    """Return what a program under test takes for a browser."""
    return Doorbell(tmp_path)
