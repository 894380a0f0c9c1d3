"""Keys that the AWS files, the environment or the machine have: what the SDK's own chain finds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from unvault.errors import CredentialMissing, InteractionRequired
from unvault.hookspecs import Interaction
from unvault.model import Credential, Origin
from unvault.suggestions import nearest
from unvault_aws import containers, forms, programs, roles, sso
from unvault_aws._client import Aws, Keys
from unvault_aws._configuration import no_keys
from unvault_aws._errors import Refused

_MACHINE = ("ec2-credentials-file", "boto-config", "container-role", "iam-role")
"""Places that have nothing to do with a profile: whoever names one does not mean these."""

_IN_ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")


def keys_of(credential: Credential, aws: Aws, interaction: Interaction | None) -> Keys:
    """Return the keys of a profile or, for an empty credential, what the SDK finds.

    Raises:
        CredentialMissing: There is no such profile, it has no keys, or a file cannot be read.
        CredentialRejected: What it names did not give any.
        InteractionRequired: Somebody has to sign in.
        Unavailable: Who gives them cannot be reached.
    """
    _check_files(aws)
    config = aws.look(lambda: aws.sdk.full_config)
    name, profile = _profile(config, aws, credential)
    if sso.is_meant(profile):
        portal = sso.portal_of(config, profile, name)
        how = _how_to_sign_in(credential, aws, name)
        return sso.keys_of(aws, portal, interaction, how)
    if credential.type == forms.SSO:
        raise CredentialMissing(
            f"the section {name!r} says nothing of signing in by SSO",
            hint="it needs sso_session (or sso_start_url and sso_region), sso_account_id and"
            " sso_role_name: aws configure sso",
        )
    return _chain(aws, interaction)


def _how_to_sign_in(credential: Credential, aws: Aws, profile: str) -> str:
    """Return the commands with which somebody can sign in by SSO."""
    own = f"aws sso login --profile {shlex.quote(profile)}"
    if aws.connection.config_file is not None:
        own = f"AWS_CONFIG_FILE={shlex.quote(str(aws.connection.config_file))} {own}"
    name = shlex.quote(credential.name or credential.provider)
    login = f"unvault credentials login {name}"
    if credential.origin is Origin.AMBIENT and credential.type is not None:  # a draft
        return f"{own}; or, once it is stored, {login}" if credential.name else own
    if credential.origin is not Origin.STORED:
        login = f"unvault credentials login {shlex.quote(credential.provider)}"
    return f"{login} (or {own})"


def _check_files(aws: Aws) -> None:
    for path, field in (
        (aws.connection.credentials_file, "file_path"),
        (aws.connection.config_file, "config_file_path"),
    ):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            reason = error.strerror
        else:
            continue
        raise CredentialMissing(
            f"the file {str(path)!r} cannot be read: {reason}", hint=f"check the field {field}"
        )


def _profile(
    config: Mapping[str, Any], aws: Aws, credential: Credential
) -> tuple[str, Mapping[str, Any]]:
    """Return the profile that is meant, with its name; an empty one where the SDK needs none."""
    profiles: Mapping[str, Mapping[str, Any]] = config["profiles"]
    name = aws.connection.profile
    if name is None and any(os.environ.get(variable) for variable in _IN_ENVIRONMENT):
        return "default", {}
    if name is None:
        name = aws.look(lambda: aws.sdk.get_config_variable("profile"))
    if name is None or name in profiles:
        return name or "default", profiles.get(name or "default", {})
    there = ", ".join(sorted(profiles)) or "none"
    files = " and ".join(str(path) for path in aws.files)
    hint = f"the sections are: {there}"
    if credential.origin is Origin.ENVIRONMENT:
        hint += (
            "; where a region is all that you want to say, say it with AWS_DEFAULT_REGION: any"
            " UNVAULT_AWS_… or INSOMNIA_AWS_… variable stands for a credential"
        )
    raise CredentialMissing(
        f"there is no section {name!r} in {files}",
        hint=hint,
        candidates=nearest(name, profiles),
    )


def _chain(aws: Aws, interaction: Interaction | None) -> Keys:
    """Return what the SDK's own chain finds; of a profile, only what has to do with it."""
    chain = aws.look(lambda: aws.sdk.get_component("credential_provider"))
    _tame(chain, interaction)
    if aws.connection.profile is not None:
        for place in _MACHINE:
            chain.remove(place)
    try:
        found = aws.work(lambda: _loaded(chain), "STS")
    except Refused as refusal:
        failed = roles.chain_refused(refusal)
    else:
        return _found(found, aws)
    raise failed


def _found(found: Keys | None, aws: Aws) -> Keys:
    if found is None and aws.connection.profile is not None:
        raise CredentialMissing(
            f"the section {aws.connection.profile!r} has no keys, nor a way to some",
            hint="it needs aws_access_key_id and aws_secret_access_key, role_arn,"
            " credential_process or an SSO session",
        )
    if found is None:
        raise no_keys()
    return found


def _loaded(chain: Any) -> Keys | None:
    found = chain.load_credentials()
    if found is None:
        return None
    # Those that can be refreshed say what they are, and until when, only not to everybody. Who asks
    # has those renewed that are good for less than a quarter of an hour, as soon as they are there.
    frozen = getattr(found, "_frozen_credentials", None) or found.get_frozen_credentials()
    expires = getattr(found, "_expiry_time", None)
    return Keys(
        frozen.access_key,
        frozen.secret_key,
        frozen.token,
        expires=expires.astimezone(UTC) if isinstance(expires, datetime) else None,
        origin=f"found by the SDK ({found.method})",
    )


def _tame(chain: Any, interaction: Interaction | None) -> None:
    """Have nobody asked past us, no program waited for for ever, and faults named."""
    roles = chain.get_provider("assume-role")
    roles._prompter = partial(_ask_for_code, interaction)  # noqa: SLF001  # it asks the terminal
    program = chain.get_provider("custom-process")
    program._popen = programs.Impatient  # noqa: SLF001  # it has no timeout
    program.load = partial(programs.load, program.load)
    container = chain.get_provider("container-role")
    container.load = partial(containers.load, container.load)


def _ask_for_code(interaction: Interaction | None, question: str) -> str:
    from unvault_aws._http import current_work

    if interaction is None:
        raise InteractionRequired(
            "the profile needs the code of an MFA device, and nobody can be asked for it",
            hint="run the command on a terminal, or get keys with a code:"
            " aws sts get-session-token",
        )
    code = interaction.ask(question.rstrip(": "), hidden=True)
    current_work().restart()
    return code
