"""Signs in with a credential of any type: gets keys to sign requests with."""

from __future__ import annotations

import attrs

from unvault.hookspecs import Find, Interaction
from unvault.model import Credential, Session
from unvault_aws import forms, profiles, roles
from unvault_aws._client import Aws, Keys, opened
from unvault_aws.connection import connection_of
from unvault_aws.vault import Vault
from unvault_aws.watching import Watch

_ADVICE = {
    None: "get others where these came from: set the AWS_* variables anew, or sign in again",
    forms.TEMPORARY: "get others, and give them to the credential: unvault credentials edit NAME",
    forms.KEYS: "check that the key is active, and of this partition of AWS",
    forms.FILE: "put others into the section of the file",
    forms.SSO: "sign in again",
    forms.ASSUME_ROLE: "check the role, and its source",
    forms.WEB_IDENTITY: "check the role, and the token file",
}


@attrs.frozen
class Found:
    """What a sign-in found."""

    keys: Keys
    """What requests are signed with."""
    watch: Watch
    """The files that they were read from, as far as those are read again."""


def sign_in(credential: Credential, interaction: Interaction | None, find: Find) -> Session:
    """Return a session for a credential; see `unvault_aws.plugin.authenticate`."""
    aws = Aws(connection_of(credential.answers))
    try:
        found = _found(credential, aws, interaction, find)
        vault = Vault(aws, found.keys, found.watch, advice=_advice(credential))
    except BaseException:
        aws.close()
        raise
    return Session(client=vault, expires=found.keys.expires)


def _advice(credential: Credential) -> str:
    return _ADVICE[credential.type].replace("NAME", credential.name or "NAME")


def _found(credential: Credential, aws: Aws, interaction: Interaction | None, find: Find) -> Found:
    answers = credential.answers
    if credential.type in {forms.TEMPORARY, forms.KEYS}:
        keys = Keys(
            str(answers["access_key_id"]),
            str(answers["secret_access_key"]),
            answers.text("session_token"),
            origin="of the credential",
        )
        return Found(keys, Watch())
    if credential.type == forms.WEB_IDENTITY:
        return Found(roles.by_web_identity(aws, answers), Watch())
    if credential.type == forms.ASSUME_ROLE:
        source = _source(credential, find)
        with opened(connection_of(source.answers)) as theirs:
            found = _found(source, theirs, interaction, find)
        return attrs.evolve(found, keys=roles.by_role(aws, answers, found.keys))
    # Before they are read: what changes meanwhile is seen.
    watch = Watch(() if answers.get("enable_cache") else aws.files)
    return Found(profiles.keys_of(credential, aws, interaction), watch)


def _source(credential: Credential, find: Find) -> Credential:
    name = credential.answers.text("source")
    return find(name) if name else Credential(credential.provider)
