"""AWS, as pages speak of it: a real server behind AWS's own names, and what the reader did before.

A page that names ``eu-west-1`` is run with it. The account is 123456789012 in pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from tests.docs.console import Stage
from tests.servers.aws_account import Account, Keys, allow
from tests.servers.connect import Connect, aws_hosts
from tests.servers.ministack import Ministack
from tests.servers.sso import Sso
from tests.servers.tokens import Issuer

REGION = "eu-west-1"
_ACCOUNT = "123456789012"
_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_GET = "secretsmanager:GetSecretValue"
_MORE = ("secretsmanager:ListSecrets", "secretsmanager:BatchGetSecretValue", "sts:AssumeRole")


@contextmanager
def served(folder: Path) -> Iterator[Stage]:
    """Yield what a page finds, whose home is a folder."""
    data = folder / "aws-server"
    data.mkdir()
    with Ministack(data) as server, Sso() as sso:
        account = server.new_account()
        with Connect(trustme.CA(), data, aws_hosts(server.address, sso.address)) as connect:
            keys = _fill(account)
            _prepare(folder, account, keys, sso)
            shown = {_ACCOUNT: account.number, _KEY_ID: keys.access_key}
            more = {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
            yield Stage(shown, connect.environment | more)


def _fill(account: Account) -> Keys:
    account.put("prod/db", {"user": "app", "password": "correct-horse"})
    account.put("prod/db", {"user": "app", "password": "hunter2"})
    account.put("prod/api-key", "k1")
    account.put("prod/certificate", b"\x30\x82\x01\x0a")
    trusted = {"Federated": account.oidc_provider("id.example.com")}
    account.role(allow(_GET), name="ci", principal=trusted)
    account.role(allow(_GET), name="reader", external_id="agreed")
    return account.user(allow(_GET, *_MORE), name="ann")


def _prepare(home: Path, account: Account, keys: Keys, sso: Sso) -> None:
    """Do what the reader did before: ``aws configure``, and ``aws sso login``."""
    folder = home / ".aws"
    cache = folder / "sso" / "cache"
    cache.mkdir(parents=True)
    (folder / "credentials").write_text(keys.for_file())
    (folder / "config").write_text(
        f"[default]\nregion = {REGION}\n\n[profile dev]\nsso_session = corp\n"
        f"sso_account_id = {account.number}\nsso_role_name = Reader\nregion = {REGION}\n\n"
        f"[sso-session corp]\nsso_region = {REGION}\nsso_start_url = {sso.start_url}\n"
    )
    sso.assign(account, account.role(allow(_GET), name="Reader"))
    name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(sso.sign_in()))
    (home / "secret-key.txt").write_text(keys.secret_key)
    (home / "token").write_text(Issuer().issue(iss="https://id.example.com", sub="job 7"))
