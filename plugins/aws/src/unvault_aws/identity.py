"""Whose keys they are: asked of STS when somebody wants to know."""

from __future__ import annotations

import attrs

from unvault.model import Session
from unvault_aws._client import DEFAULT_REGION, Aws, Keys
from unvault_aws._errors import Refused, no_answer, rejected, unexpected


def described(session: Session) -> Session:
    """Return a session with the caller's ARN and account; see the hook ``describe_session``."""
    vault = session.client
    arn, account = _caller(vault.aws, vault.keys, vault.advice)
    details = {"account": account, "region": vault.region or "(none)"}
    if vault.keys.origin:
        details["keys"] = vault.keys.origin
    return attrs.evolve(session, identity=arn, details=details)


def _caller(aws: Aws, keys: Keys, advice: str) -> tuple[str, str]:
    try:
        reply = aws.ask(
            "sts", "get_caller_identity", region=aws.region or DEFAULT_REGION, keys=keys
        )
    except Refused as refusal:
        bad = rejected(refusal, "STS", advice, renewable=keys.expires is not None)
        failed = bad or unexpected(refusal, "STS")
    else:
        arn, account = reply.get("Arn"), reply.get("Account")
        if isinstance(arn, str) and isinstance(account, str):
            return arn, account
        failed = no_answer("STS")
    raise failed
