"""What loading and describing a provider does, seen in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType

import attrs

from unvault.provider import home_of
from unvault.testing.verdict import broken

_SECONDS = 60

_KNOWN = frozenset({"attr", "attrs", "cattr", "cattrs", "cryptography", "platformdirs", "pluggy"})
"""What a provider may import besides the standard library: unvault, and what that needs."""

_PROGRAM = """
import importlib, json, sys

wanted = json.loads(sys.argv[1])
sys.path[:] = wanted["path"]
asked = []
listening = []

def listen(event, arguments):
    if listening and event in wanted["events"]:
        whom = [each for each in arguments if isinstance(each, (str, bytes, tuple))]
        asked.append(f"{event} {whom[0] if whom else ''!r}")

sys.addaudithook(listen)
import unvault.testing.contract
from unvault import Unvault

def describe(vault, name):
    vault.providers.list()
    provider = vault.providers.load(name)
    provider.form, provider.secret_form

import unvault.testing.plain
describe(Unvault.in_memory(plugins={"plain": unvault.testing.plain}, environ={}), "plain")
before = {*sys.modules}
listening.append(True)
if wanted["module"] is None:
    describe(Unvault.in_memory(environ={}), wanted["id"])
else:
    plugin = importlib.import_module(wanted["module"])
    try:
        for part in filter(None, wanted["kind"].split(".")):
            plugin = getattr(plugin, part)
        plugin = plugin() if wanted["kind"] else plugin
    except (AttributeError, TypeError):
        plugin = None
    if plugin is not None:
        brought = {"brought": plugin}
        describe(Unvault.in_memory(plugins=brought, discover=False, environ={}), "brought")
listening.clear()
print(json.dumps({"modules": sorted({*sys.modules} - before), "network": asked}))
"""

_EVENTS = (
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.getnameinfo",
    "socket.sendmsg",
    "subprocess.Popen",
    "socket.sendto",
)


@attrs.frozen
class Loaded:
    """What loading and describing a provider did."""

    packages: tuple[str, ...]
    """Top-level packages it imported that are neither its own nor the core's."""
    network: tuple[str, ...]
    """What it asked of the network."""


@lru_cache(maxsize=64)
def _seen(module: str | None, kind: str, name: str) -> Loaded:
    wanted = {
        "path": sys.path,
        "events": _EVENTS,
        "module": module,
        "kind": kind,
        "id": name,
    }
    done = subprocess.run(  # noqa: S603  # this Python, with a program of our own
        [sys.executable, "-c", _PROGRAM, json.dumps(wanted)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        broken(f"the provider cannot be loaded in a process of its own: {last}")
    found = json.loads(done.stdout.splitlines()[-1])
    packages = {each.partition(".")[0] for each in found["modules"]}
    strange = packages - {*sys.stdlib_module_names, *_KNOWN, "unvault"}
    return Loaded(tuple(sorted(strange)), tuple(found["network"]))


def loaded(provider: object, own: Iterable[str]) -> Loaded:
    """Load and describe a provider in a process of its own, and return what that did.

    Args:
        provider: Id of an installed provider, a module, or an object with the hooks. The class of
            an object is called without arguments; where that cannot be, it is imported only.
        own: Packages of its own.
    """
    if isinstance(provider, str):
        found = _seen(None, "", provider)
    elif isinstance(provider, ModuleType):
        found = _seen(provider.__name__, "", "")
    else:
        kind = provider if isinstance(provider, type) else type(provider)
        found = _seen(kind.__module__, kind.__qualname__, "")
    strange = {*found.packages} - {*own}
    return attrs.evolve(found, packages=tuple(sorted(strange)))


def home(provider: object, place: str | None) -> str:
    """Return the top-level package of a provider's own.

    Args:
        provider: Its id, or the module or object with the hooks.
        place: The value of its entry point, where it is installed.
    """
    return place.partition(":")[0].partition(".")[0] if place else home_of(provider)
