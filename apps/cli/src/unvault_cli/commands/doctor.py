"""``unvault doctor``: what is wrong on this machine?"""

from __future__ import annotations

import click

from unvault_cli.opening import vault_of
from unvault_cli.output import json_option, print_json, print_line
from unvault_cli.streams import noise_aside


@click.command("doctor")
@json_option
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Find what is wrong on this machine, and what to do.

    Contacts no vault and shows no value. Ends with exit code 1 if there is a problem.
    """
    from unvault_cli.diagnosis import diagnose

    with noise_aside():
        found = [*diagnose(lambda: vault_of(context))]
    problems = sum(finding.state == "problem" for finding in found)
    if as_json:
        print_json("doctor", problems=problems, checks=[finding._asdict() for finding in found])
    else:
        for finding in found:
            print_line(f"{finding.state:<7}  {finding.subject}: {finding.message}")
            if finding.hint:
                print_line(f"         hint: {finding.hint}")
    if problems:
        context.exit(1)
