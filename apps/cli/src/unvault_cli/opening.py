"""Opens the `Unvault` that a command uses, once, and sees to it that it is closed."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from unvault_cli.streams import noise_aside

if TYPE_CHECKING:
    from unvault.client import Unvault

EXTENSIONS_VARIABLE = "UNVAULT_EXTENSIONS"
"""Environment variable: names of extensions to use, with commas between them."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def vault_of(context: click.Context) -> Unvault:
    """Return the command's `Unvault`, which is opened when it is first needed."""
    root = context.find_root()
    if root.obj is None:
        with noise_aside():
            root.obj = _open()
        root.call_on_close(noise_aside()(root.obj.close))
    vault: Unvault = root.obj
    context.obj = vault
    return vault


def with_vault(
    function: Callable[Concatenate[Unvault, _P], _T],
) -> Callable[_P, _T]:
    """Hand a command its `Unvault` as the first argument.

    What the vault's providers print meanwhile does not get between the command's results.
    """

    @wraps(function)
    def wrapped(*args: _P.args, **options: _P.kwargs) -> _T:
        vault = vault_of(click.get_current_context())
        with noise_aside():
            return function(vault, *args, **options)

    return wrapped


def _open() -> Unvault:
    from unvault.client import Unvault
    from unvault_cli.terminal import terminal

    names = os.environ.get(EXTENSIONS_VARIABLE, "").split(",")
    extensions = [name.strip() for name in names if name.strip()]
    return Unvault(interaction=terminal(), extensions=extensions)
