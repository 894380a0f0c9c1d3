"""What people have in their pipelines for Insomnia works as it is."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
from tests.plugins.gcp.using import opened

pytestmark = pytest.mark.usefixtures("quiet_log")

FOREIGN = "cloudCred_0123456789abcdef0123456789abcdef"


@pytest.fixture
def environ(gcp, connect, tmp_path):
    """Return all that Insomnia's command line is told: where the key file is."""
    gcp.put("acme", "app", {"password": "canary-old"})
    gcp.put("acme", "app", {"password": "canary-1"})
    file = gcp.reader().key_file(tmp_path / "key.json")
    return {"INSOMNIA_GCP_SERVICEACCOUNTKEYFILEPATH": str(file)}


def rendered(environ, lookup):
    with opened(environ=environ) as unvault:
        text = json.dumps(lookup)
        encoded = base64.b64encode(text.encode()).decode()
        plain = unvault.render("{% vault 'gcp', '" + FOREIGN + "', '" + text + "' %}")
        packed = unvault.render(f"{{% vault 'gcp', '{FOREIGN}', 'b64::{encoded}::46b' %}}")
        assert plain == packed
        return plain


@pytest.mark.parametrize(
    ("lookup", "value"),
    [
        ({"secretName": "app"}, "canary-1"),
        ({"secretName": "app", "version": "latest"}, "canary-1"),
        ({"secretName": "app", "version": "1"}, "canary-old"),
        ({"secretName": "app", "version": ""}, "canary-1"),
        ({"secretName": "projects/acme/secrets/app"}, "canary-1"),
        ({"secretName": "projects/acme/secrets/app", "version": "1"}, "canary-old"),
        ({"secretName": "projects/acme/secrets/app/versions/1"}, "canary-old"),
        ({"secretName": "projects/acme/secrets/app/versions/1", "version": "latest"}, "canary-old"),
    ],
)
def test_look_ups_as_insomnia_writes_them(environ, lookup, value):
    assert rendered(environ, lookup) == json.dumps({"password": value})


def test_the_path_of_the_key_file_is_all_that_has_to_be_said(environ):
    with opened(environ=environ) as unvault:
        assert unvault.render("password={% vault 'gcp/app#password' %}") == "password=canary-1"
        names = unvault.credentials.environment("gcp")
    assert list(names) == ["INSOMNIA_GCP_SERVICEACCOUNTKEYFILEPATH"]


def test_the_command_renders_a_file_with_it(environ, gcp, connect, tmp_path):
    file = tmp_path / "request.http"
    file.write_text("Authorization: Bearer {% vault 'gcp/app#password' %}\n")
    variables = gcp.environment | connect.environment | environ
    done = subprocess.run(
        [sys.executable, "-m", "unvault_cli", "render", str(file)],
        env={**_plain(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "Authorization: Bearer canary-1\n"
    assert done.stderr == ""
    assert set(connect.hosts) == {"secretmanager.googleapis.com"}


def _plain(home):
    import os

    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "UNVAULT_HOME": str(home / "unvault"), "HOME": str(home)}


def test_our_own_variables_say_it_too(environ, gcp):
    file = environ["INSOMNIA_GCP_SERVICEACCOUNTKEYFILEPATH"]
    for transport in ("grpc", "rest"):
        ours = {"UNVAULT_GCP_KEY_FILE": file, "UNVAULT_GCP_TRANSPORT": transport}
        with opened(environ=ours) as unvault:
            assert unvault.fetch("gcp/app#password").text() == "canary-1"
    assert {each.transport for each in gcp.requests} == {"grpc", "rest"}
