"""Google Cloud, as pages speak of it: a server behind Google's own names, and what was done before.

A page that names ``my-project`` is run with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from tests.docs.console import Stage
from tests.servers.connect import Connect
from tests.servers.gcp import Gcp
from tests.servers.tokens import Issuer

PROJECT = "my-project"
_OTHER = "other-project"
_ISSUER = "https://id.example.com"
_PERSON = "ann@example.com"


@contextmanager
def served(folder: Path) -> Iterator[Stage]:
    """Yield what a page finds, whose home is a folder."""
    data = folder / "gcp-server"
    data.mkdir()
    authority = trustme.CA()
    with Gcp(authority, data) as gcp, Connect(authority, data, tunnels=gcp.hosts) as connect:
        _fill(gcp)
        _prepare(folder, gcp)
        environ = connect.environment | gcp.environment
        environ |= {"NO_GCE_CHECK": "true", "NO_PROXY": "127.0.0.1"}
        yield Stage({}, environ | {"no_proxy": "127.0.0.1"})


def _fill(gcp: Gcp) -> None:
    gcp.put(PROJECT, "db", {"user": "app", "password": "correct-horse"}, aliases=["stable"])
    gcp.put(PROJECT, "db", '{"user": "app", "password": "hunter2"}')
    gcp.put(PROJECT, "api-key", "k1")
    gcp.put(PROJECT, "certificate", b"\x30\x82\x01\x0a")
    gcp.put(PROJECT, "token", "t1", location="europe-west1")
    gcp.put(_OTHER, "shared", "s1")


def _prepare(home: Path, gcp: Gcp) -> None:
    """Do what the reader did before: sign in with gcloud, and download keys."""
    reader = gcp.service_account("reader", project=PROJECT)
    billing = gcp.reader("projects/other-project/secrets/shared", project=_OTHER, name="billing")
    gcp.grant(billing, f"projects/{_OTHER}", "viewer")
    for who in (reader, _PERSON):
        for role in ("secretAccessor", "viewer"):
            gcp.grant(who, f"projects/{PROJECT}", role)
    gcp.grant(_PERSON, f"projects/{_OTHER}", "viewer")
    gcp.let_impersonate(reader, billing)
    folder = home / ".config" / "gcloud"
    (folder / "configurations").mkdir(parents=True)
    login = json.dumps(gcp.user(_PERSON))
    (folder / "application_default_credentials.json").write_text(login)
    (folder / "active_config").write_text("default")
    (folder / "configurations/config_default").write_text(f"[core]\nproject = {PROJECT}\n")
    for name in ("reader", "ci"):
        reader.key_file(home / f"{name}.json")
    _let_in(home, gcp)


def _let_in(home: Path, gcp: Gcp) -> None:
    """Let jobs of a pipeline in, and leave the configuration and the token of one."""
    issuer = Issuer()
    pool = gcp.pool(issuer, _ISSUER, project=PROJECT)
    gcp.grant(pool.principal("job-7"), f"projects/{PROJECT}")
    token = home / "token"
    token.write_text(issuer.issue(iss=_ISSUER, sub="job-7", aud=pool.token_audience))
    (home / "pool.json").write_text(json.dumps(pool.configuration(token)))
