"""Nothing is asked, loaded, printed or logged that need not be."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap

import pytest
from tests.plugins.gcp.using import add, at, by_key, write


@pytest.fixture
def reader(gcp):
    gcp.put("acme", "db", "canary-1")
    return gcp.reader()


def run(program, gcp, reader, **variables):
    """Run a program in a process of its own, and return what it prints."""
    answers = at(gcp, key=json.dumps(reader.key()), timeout=2)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "ANSWERS": json.dumps(answers), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


OPENED = """
    import json, os, sys
    from unvault.client import Unvault
    from unvault_gcp import plugin

    answers = json.loads(os.environ["ANSWERS"])

    def opened(**more):
        unvault = Unvault.in_memory(discover=False, environ={}, plugins={"gcp": plugin})
        draft = unvault.credentials.draft(
            "gcp", "service_account", {**answers, **more}, name="prod"
        )
        unvault.credentials.add(draft)
        return unvault
"""


def test_over_rest_nothing_of_grpc_or_of_the_sdk_is_loaded(gcp, reader):
    program = """
        print(opened(transport="rest").fetch("prod/db").text())
        known = {"grpc", "google.api_core", "google.cloud", "google.protobuf"}
        print(sorted(known & {*sys.modules}), "requests" in sys.modules)
    """
    done = run(textwrap.dedent(OPENED) + textwrap.dedent(program), gcp, reader)
    assert done.stdout.split("\n")[:2] == ["canary-1", "[] False"]


def test_over_grpc_the_environment_stays_as_it_was_and_nothing_is_printed(gcp, reader):
    program = """
        print(opened(transport="grpc").fetch("prod/db").text())
        print("GRPC_VERBOSITY" in os.environ)
        bad = opened(transport="grpc", endpoint=answers["endpoint"].replace("http:", "https:"))
        try:
            bad.fetch("prod/db")
        except Exception as error:
            print(type(error).__name__)
    """
    plain = textwrap.dedent(OPENED) + textwrap.dedent(program)
    for name in ("GRPC_VERBOSITY", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
        plain = f"import os; os.environ.pop({name!r}, None)\n{plain}"
    done = run(plain, gcp, reader)
    assert done.stdout.split() == ["canary-1", "False", "Unavailable"]
    assert done.stderr == ""


@pytest.fixture
def google_log(caplog):
    """Return what keeps the records of Google's loggers, which hand none on to others."""
    keeps = type(caplog.handler)()
    logger = logging.getLogger("google")
    level = logger.level
    logger.addHandler(keeps)
    logger.setLevel(logging.DEBUG)
    yield keeps
    logger.removeHandler(keeps)
    logger.setLevel(level)


def test_at_the_level_debug_no_token_and_no_value_is_logged(
    gcp, reader, transport, tmp_path, caplog, google_log, open_unvault, issuer
):
    caplog.set_level(logging.DEBUG)
    target = gcp.reader(name="target")
    gcp.let_impersonate(reader, target)
    pool = gcp.pool(issuer, "https://id.example.com")
    gcp.grant(pool.principal("job-7"), "projects/acme")
    claims = {"iss": "https://id.example.com", "sub": "job-7", "aud": pool.token_audience}
    token = write(tmp_path / "token", issuer.issue(**claims))
    file = write(tmp_path / "config.json", pool.configuration(token))
    unvault = open_unvault(by_key(gcp, reader, transport=transport))
    known = {"service_account": str(target), "iam_endpoint": gcp.address, "source": "prod"}
    add(unvault, "as", at(gcp, **known, transport=transport), kind="impersonation")
    federated = at(gcp, config_file=str(file), transport=transport)
    add(unvault, "pool", federated, kind="workload_identity")

    for head in ("prod", "as", "pool"):
        assert unvault.fetch(f"{head}/db").text() == "canary-1"
        unvault.credentials.test(head)
    # Of a record, all that a log of JSON would show: the SDK puts whole calls beside the message.
    shown = " ".join(f"{record.getMessage()} {record.__dict__}" for record in google_log.records)
    shown += " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "secretmanager" in shown or transport == "rest"
    for secret in ("canary", "ya29", "eyJ"):
        assert secret not in shown


def test_no_other_host_is_asked_whatever_signs_in(
    gcp, reader, connect, transport, tmp_path, monkeypatch, open_unvault, issuer
):
    """A proxy lists all that is asked: Secret Manager, and who gives tokens where one is needed."""
    target = gcp.reader(name="target")
    gcp.let_impersonate(reader, target)
    pool = gcp.pool(issuer, "https://id.example.com")
    gcp.grant(pool.principal("job-7"), "projects/acme")
    claims = {"iss": "https://id.example.com", "sub": "job-7", "aud": pool.token_audience}
    token = write(tmp_path / "token", issuer.issue(**claims))
    config = pool.configuration(token)
    del config["token_url"]
    federated = {"config_file": str(write(tmp_path / "config.json", config))}
    gcp.grant("ann@example.com", "projects/acme")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    write(tmp_path / "application_default_credentials.json", gcp.user("ann@example.com"))
    plain = {"transport": transport, "timeout": 3}
    unvault = open_unvault({**plain, "key": json.dumps(reader.key())})
    known = {"service_account": str(target), "source": "prod"}
    add(unvault, "as", plain | known, kind="impersonation")
    add(unvault, "pool", plain | federated, kind="workload_identity")
    add(unvault, "adc", plain, kind="adc")
    asked = {}
    for head in ("prod", "as", "pool", "adc"):
        connect.hosts.clear()
        for _ in range(2):
            assert unvault.fetch(f"{head}/db", fresh=True).text() == "canary-1"
        unvault.credentials.test(head)
        asked[head] = {each.partition(".")[0] for each in connect.hosts}

    assert asked == {
        "prod": {"secretmanager"},
        "as": {"secretmanager", "iamcredentials"},
        "pool": {"secretmanager", "sts"},
        "adc": {"secretmanager", "oauth2"},
    }
    assert connect.refused == []
