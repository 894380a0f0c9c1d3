"""Runs a program with its output masked, where there are no pseudo-terminals: on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unvault_cli.child.relay import Stream, settle
from unvault_cli.problems import CommandProblem

if TYPE_CHECKING:
    from unvault.redaction import Redactor


def run(words: Sequence[str], environ: Mapping[str, str], redactor: Redactor | None) -> int:
    """Run a program and return its exit code.

    Args:
        words: Its name and its arguments.
        environ: Its environment.
        redactor: Knows what is to be masked; None: nothing is, and it gets our own output.

    Raises:
        CommandProblem: It cannot be started.
        FileProblem: What it printed cannot be handed on.
    """
    pipe = None if redactor is None else subprocess.PIPE
    try:
        child = subprocess.Popen([*words], env={**environ}, stdout=pipe, stderr=pipe)  # noqa: S603
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = error.strerror or type(error).__name__
        raise CommandProblem(f"cannot run {words[0]!r}: {why}", 127 if missing else 126) from error
    streams = []
    if redactor is not None:
        for file, own in ((child.stdout, sys.stdout), (child.stderr, sys.stderr)):
            if file is not None and own is not None:
                source = os.dup(file.fileno())
                file.close()
                streams.append(Stream(source, own.fileno(), redactor.masker()))
    for stream in streams:
        stream.start()
    while True:
        try:
            code = child.wait()
            break
        except KeyboardInterrupt:  # the console has told the program as well
            continue
    settle(streams)
    return code
