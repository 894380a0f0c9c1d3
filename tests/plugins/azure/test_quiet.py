"""The SDK logs what it sends and gets, and what failed: not what it does for us."""

from __future__ import annotations

import logging

import pytest
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from tests.plugins.azure.using import add, by_secret

from unvault.errors import UnvaultError


@pytest.fixture
def robot(entra, vault):
    made = entra.app("robot")
    vault.allow(made).put("api-key", "canary-1")
    return made


def use(unvault):
    for head in ("prod", "ann"):
        unvault.fetch(f"{head}/app/api-key", fresh=True)
        unvault.credentials.test(head)
    list(unvault.list("prod", "app/"))
    for broken in ("wrong/app/api-key", "prod/app/none", "prod/none/x", "azure/app/api-key"):
        with pytest.raises(UnvaultError):
            unvault.fetch(broken)


@pytest.fixture
def unvault(open_unvault, robot, somebody, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    unvault = open_unvault(by_secret(robot, timeout=1), kind="client_secret", interaction=somebody)
    add(unvault, "ann", {"client_id": robot.client_id} if robot.public else {})
    add(
        unvault,
        "wrong",
        {**by_secret(robot), "client_secret": "canary-wrong"},
        kind="client_secret",
    )
    return unvault


def test_nothing_is_logged_by_the_sdk_whatever_happens(unvault, caplog, entra):
    caplog.set_level(logging.DEBUG)

    use(unvault)

    sdk = [each for each in caplog.records if each.name.partition(".")[0] in {"azure", "msal"}]
    assert [record.getMessage() for record in sdk] == []
    assert "canary" not in caplog.text
    assert [each for each in entra.issued if each in caplog.text] == []


def test_others_in_the_process_still_have_the_logs_of_the_sdk(unvault, caplog, robot):
    use(unvault)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    credential = ClientSecretCredential(robot.tenant.id, robot.client_id, robot.new_secret())
    client = SecretClient("https://app.vault.azure.net", credential)

    assert client.get_secret("api-key").value == "canary-1"

    assert "ClientSecretCredential.get_token_info succeeded" in caplog.text
    client.close()
