"""What the tests of the AWS provider share."""

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
from tests.plugins.aws.using import GET, at, opened, write
from tests.servers.aws_account import allow
from tests.servers.aws_proxy import AwsProxy
from tests.servers.connect import Connect, aws_hosts
from tests.servers.ministack import Ministack
from tests.servers.sso import Sso
from tests.servers.tokens import Issuer

_ON_THE_WAY = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
_AUTHORITIES = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}
_NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the port of "discard": what is not for this machine fails at once."""

for name in [*os.environ]:
    if name.startswith(("AWS_", "BOTO_")):
        del os.environ[name]


def _import_the_sdk_at_a_home_of_its_own() -> Path:
    """Return the home that botocore knows: it looks up the folder of its caches when imported."""
    home = Path(tempfile.mkdtemp(prefix="unvault-aws-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("HOME", "USERPROFILE"):
            patch.setenv(variable, str(home))
        import botocore.session

        known = botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR
    assert known.startswith(str(home)), f"something imported botocore earlier, at {known}"
    return home


_HOME = _import_the_sdk_at_a_home_of_its_own()


@pytest.fixture(scope="session")
def authority():
    """Return a CA that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ministack(tmp_path_factory):
    """Return the server that the tests of one process share, each in an account of its own."""
    with Ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture
def new_account(ministack):
    """Return what makes an account."""
    return ministack.new_account


@pytest.fixture
def account(new_account):
    """Return an account of the test's own, in eu-west-1."""
    return new_account()


@pytest.fixture
def proxy(ministack):
    """Return a proxy before the shared server."""
    with AwsProxy(ministack.address) as made:
        yield made


@pytest.fixture
def sso():
    """Return IAM Identity Center, without any roles."""
    with Sso() as made:
        yield made


@pytest.fixture
def sso_app(account, sso, monkeypatch):
    """Return an account with a secret ``app``, and a person who by SSO has a role that reads it."""
    account.put("app", "canary-1")
    sso.assign(account, account.role(allow(GET), name="Reader"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", sso.address)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", sso.address)
    return account


@pytest.fixture
def sso_config(sso_app, sso, own_home):
    """Return the config file, with a profile of each kind that has to do with SSO."""
    return write(
        own_home / ".aws" / "config",
        f"""
        [profile dev]
        sso_session = corp
        sso_account_id = {sso_app.number}
        sso_role_name = Reader
        region = eu-west-1

        [profile old]
        sso_start_url = {sso.start_url}
        sso_region = eu-west-1
        sso_account_id = {sso_app.number}
        sso_role_name = Reader

        [profile admin]
        sso_session = corp
        sso_account_id = {sso_app.number}
        sso_role_name = Admin

        [profile spaced]
        sso_session = my corp
        sso_account_id = {sso_app.number}
        sso_role_name = Reader

        [profile lost]
        sso_session = nowhere
        sso_account_id = {sso_app.number}
        sso_role_name = Reader

        [profile half]
        sso_session = corp

        [profile keys]
        aws_access_key_id = AKIANOBODY
        aws_secret_access_key = canary-x

        [sso-session corp]
        sso_region = eu-west-1
        sso_start_url = {sso.start_url}
        sso_registration_scopes = sso:account:access

        [sso-session my corp]
        sso_region = eu-west-1
        sso_start_url = {sso.start_url}
        """,
    )


@pytest.fixture
def dev(sso_config, ministack):
    """Return the answers for the profile ``dev`` of that file."""
    return at(ministack.address, section="dev")


@pytest.fixture
def connect(authority, tmp_path, ministack, sso):
    """Return a proxy behind which AWS's names in eu-west-1 are, and nothing else."""
    with Connect(authority, tmp_path, aws_hosts(ministack.address, sso.address)) as made:
        yield made


@pytest.fixture(scope="session")
def issuer():
    """Return what signs web identities."""
    return Issuer()


@pytest.fixture(autouse=True)
def own_home(monkeypatch):
    """No test here reads what is kept by whoever runs it, or asks anything but this machine."""
    shutil.rmtree(_HOME / ".aws", ignore_errors=True)
    for variable in [*os.environ]:
        if variable.startswith(("AWS_", "BOTO_")) or variable.upper() in _ON_THE_WAY | _AUTHORITIES:
            monkeypatch.delenv(variable)
    for variable, value in {
        "HOME": str(_HOME),
        "USERPROFILE": str(_HOME),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(variable, value)
    return _HOME


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
