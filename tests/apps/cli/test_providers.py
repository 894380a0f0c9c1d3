from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.apps.cli.forms import HOUSE
from tests.fakes import GOOD, Site

from unvault.client import Unvault as Client


def test_providers(unvault: Unvault, site: Site) -> None:
    site.provider("good", GOOD)
    site.provider("loud", "print('loud')\nraise RuntimeError('no licence found')")
    site.provider("quits", "import os\nos._exit(3)")
    document = unvault("providers", "--json").json
    assert document["schema"] == "unvault.providers/1"
    rows = {row["id"]: row for row in document["providers"]}
    assert set(rows["good"]) == {"id", "state", "distribution", "version", "reason"}
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {
        **dict.fromkeys(["acme", "aws", "gcp", "hashicorp", "local", "good"], "ready"),
        **dict.fromkeys(["loud", "quits"], "broken"),
    }
    assert "no licence found" in rows["loud"]["reason"]
    lines = unvault("providers").text.splitlines()
    assert lines[0].split() == ["ID", "STATE", "DISTRIBUTION", "VERSION", "REASON"]
    assert ["good", "ready", "dist-good", "1.0"] in [line.split() for line in lines]
    unvault("local", "set", "x", stdin=b"hunter2")
    assert unvault("get", "local/x").text == "hunter2"


def test_show(unvault: Unvault) -> None:
    document = unvault("providers", "show", "acme", "--json").json
    assert document["schema"] == "unvault.provider/1"
    assert (document["label"], document["distribution"]) == ("Acme", "acme-provider")
    assert document["type_variables"] == ["UNVAULT_ACME_TYPE", "INSOMNIA_ACME_TYPE"]
    assert "fetch_secret" in document["hooks"]
    assert "close_session" not in document["hooks"]
    (kind,) = document["types"]
    file, token, region = kind["fields"]
    assert set(file) == {
        *("name", "label", "help", "kind", "required", "default", "choices", "pattern_help"),
        *("visible_when", "aliases", "variables"),
    }
    assert (token["kind"], token["required"]) == ("secret", True)
    assert token["variables"] == ["UNVAULT_ACME_TOKEN", "INSOMNIA_ACME_TOKEN"]
    assert region["default"] == "eu"
    assert region["choices"] == [
        {"value": "eu", "label": "Europe"},
        {"value": "us", "label": "United States"},
    ]
    assert document["secret"]["path"] == ["name"]
    assert document["secret"]["field"] == "key"
    assert [field["name"] for field in document["secret"]["parameters"]] == ["version"]


def test_show_for_a_person(unvault: Unvault, site: Site) -> None:
    site.provider("house", HOUSE)
    text = unvault("providers", "show", "house").text
    for line in (
        "House: dist-house 1.0",
        "A house with doors.",
        "without a credential: an open door",
        "hooks: describe_credential_form, authenticate, fetch_secret",
        "credential type method (also theirMethod): A method",
        "  key_id: Key (text, required, only where method is key)",
        "    key: A key",
        "  url: Address (url, required, also address)",
        "    UNVAULT_HOUSE_URL or INSOMNIA_HOUSE_URL or INSOMNIA_HOUSE_ADDRESS",
        "the type in the environment: UNVAULT_HOUSE_TYPE or INSOMNIA_HOUSE_TYPE",
    ):
        assert line in text.splitlines()
    assert text.endswith(
        "\nwhat the vault has to allow, to get:\n  enter:\n    the house\n"
        "\nwhat the vault has to allow, to list:\n  look:\n    through windows\n"
    )
    document = unvault("providers", "show", "house", "--json").json
    assert document["permissions"]["get"] == "enter:\n  the house"
    assert "references:" not in text
    assert "references: local/NAME[?version=…][#KEY]" in unvault("providers", "show", "local").text


def test_show_one_that_cannot_be_used(unvault: Unvault, site: Site) -> None:
    site.provider("broken", "raise RuntimeError('no licence found')")
    failed = unvault("providers", "show", "broken")
    assert failed.code == 7
    assert "no licence found" in failed.err
    assert unvault("providers", "show", "nope").code == 7


def test_doctor_finds_nothing_wrong(unvault: Unvault, prod: str) -> None:
    found = unvault("doctor")
    assert (found.code, found.err) == (0, "")
    assert "problem" not in found.text
    document = unvault("doctor", "--json").json
    assert (document["schema"], document["problems"]) == ("unvault.doctor/1", 0)
    assert set(document["checks"][0]) == {"subject", "state", "message", "hint"}
    told = {(check["subject"], check["state"]): check["message"] for check in document["checks"]}
    assert "protected by key-file" in found.text
    assert "a program that runs as you can" in told["store", "note"]
    assert "only its owner can read" in told["key file", "ok"]
    assert told["provider local", "ok"].startswith("ready (unvault-local ")


def test_doctor_finds_what_is_wrong(
    unvault: Unvault, prod: str, site: Site, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("later", "gone"):
        provider = site.provider(f"{name}-vault", GOOD)
        unvault("credentials", "add", f"{name}-vault", "--name", name)
    site.provider("later", GOOD)
    site.provider("broken", "raise RuntimeError('no licence found')")
    (site.folder / "dist_gone_vault-1.0.dist-info" / "entry_points.txt").unlink()
    provider.unlink()
    unvault("credentials", "clear", prod, "--yes")
    (home / "config" / "unvault.key").chmod(0o640)
    monkeypatch.setenv("UNVAULT_ACME_TOKEN", TOKEN)
    monkeypatch.setenv("UNVAULT_ACME_TYPO", "canary-1")
    monkeypatch.setenv("UNVAULT_BLOCK", "local,nowhere")
    found = unvault("doctor")
    assert found.code == 1
    for line in (
        "problem  provider broken: broken (dist-broken 1.0): ",
        "note     provider local: blocked (unvault-local ",
        "note     providers: UNVAULT_BLOCK names 'nowhere', which is not installed",
        "problem  credential gone: its provider 'gone-vault' is not installed",
        "note     credential later: it carries a provider's id",
        "note     credential prod: it is signed out",
        "problem  key file: ",
        f"         hint: chmod 600 {home / 'config' / 'unvault.key'}",
        "note     provider acme: signed in to by the environment: UNVAULT_ACME_TOKEN\n",
        "note     environment: set, and of no effect: UNVAULT_ACME_TYPO\n",
    ):
        assert line in found.text, line
    assert "no licence found" in found.text
    assert TOKEN not in found.text
    assert "canary" not in found.text


@pytest.mark.skipif(os.name != "posix", reason="modes say nothing here")
def test_doctor_finds_key_files_that_others_can_read(
    unvault: Unvault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    names = ("project_id", "private_key_id", "client_email")
    key = {"type": "service_account", "private_key": pem.decode()} | dict.fromkeys(names, "a@b")
    stored, described, closed = (tmp_path / f"{name}.json" for name in ("one", "two", "three"))
    for file, mode in ((stored, 0o644), (described, 0o604), (closed, 0o600)):
        file.write_text(json.dumps(key))
        file.chmod(mode)
        arguments = ("gcp", "--name", file.stem, "--field", f"key_file={file}", "--no-test")
        assert unvault("credentials", "add", *arguments).code == 0
    unvault("credentials", "remove", "two", "--yes")
    monkeypatch.setenv("INSOMNIA_GCP_SERVICEACCOUNTKEYFILEPATH", str(described))
    found = unvault("doctor")
    assert found.code == 1
    assert f"problem  credential one: {stored} can be read by others\n" in found.text
    assert f"         hint: chmod 600 {stored}\n" in found.text
    assert f"problem  credential gcp (environment): {described} can be read" in found.text
    assert str(closed) not in found.text
    stored.chmod(0o400)
    described.unlink()
    assert unvault("doctor").code == 0


@pytest.mark.parametrize("damage", ["garbage", "folder", "no key", "home is a file"])
def test_doctor_does_not_crash(unvault: Unvault, prod: str, home: Path, damage: str) -> None:
    database = home / "data" / "unvault.db"
    if damage == "garbage":
        database.write_bytes(b"this is no database" * 1000)
    elif damage == "folder":
        database.unlink()
        database.mkdir()
    elif damage == "no key":
        (home / "config" / "unvault.key").unlink()
    else:
        home.rename(home.with_name("moved"))
        home.write_text("a file")
    found = unvault("doctor")
    assert (found.code, found.err) == (1, "")
    assert "problem " in found.text
    assert "unexpected" not in found.text
    assert "provider local: ready" in found.text


def test_doctor_where_nothing_can_be_opened(
    unvault: Unvault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary-2718")

    monkeypatch.setattr("unvault.client.Unvault.__init__", broken)
    found = unvault("doctor")
    assert (found.code, found.err) == (1, "")
    assert "problem  opening: unexpected RuntimeError at " in found.text
    assert "canary" not in found.text


def complete(words: str, **environ: str) -> list[str]:
    """Return what a bash completes at the end of a line."""
    parts = shlex.split(words)
    count = len(parts) - (not words.endswith(" "))
    done = subprocess.run(
        [sys.executable, "-c", "from unvault_cli.main import main; import sys; sys.exit(main())"],
        env={
            **os.environ,
            "_UNVAULT_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(count),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_completion_script(unvault: Unvault) -> None:
    for shell, words in (
        ("bash", "complete -o"),
        ("zsh", "#compdef unvault"),
        ("fish", "complete "),
    ):
        made = unvault("completion", shell)
        assert made.code == 0
        assert "_UNVAULT_COMPLETE" in made.text
        assert words in made.text
    assert unvault("completion", "tcsh").code == 2


def test_completion(unvault: Unvault, prod: str) -> None:
    assert complete("unvault cre") == ["credentials"]
    assert "local" in complete("unvault l")
    assert complete("unvault credentials re") == ["rename", "remove"]
    assert complete("unvault credentials show p") == ["prod"]
    assert complete("unvault get p") == ["prod/"]
    assert {"acme/", "local/", "prod/"} <= {*complete("unvault get ")}
    assert complete("unvault providers show ac") == ["acme"]
    assert complete("unvault get x --out") == ["--output", "--out-file"]


def test_completion_is_silent_about_what_is_broken(unvault: Unvault, prod: str, home: Path) -> None:
    (home / "config" / "unvault.key").unlink()
    assert complete("unvault get p") == ["prod/"]
    (home / "data" / "unvault.db").write_bytes(b"no database")
    assert complete("unvault get p") == []


class Person:
    """Answers every question with the same words."""

    def tell(self, message: str) -> None: ...

    def open_page(self, address: str) -> bool:
        return False

    def ask(self, question: str, *, hidden: bool = False) -> str:
        return "canary words"


def test_doctor_does_not_ask_for_a_passphrase(process: Unvault, prod: str, home: Path) -> None:
    with Client(interaction=Person()) as client:
        client.credentials.protect("passphrase")
    home.chmod(0o755)
    (home / "data").chmod(0o755)
    found = process("doctor")
    assert (found.code, found.err) == (0, "")
    assert "ok       store: 1 stored: protected by passphrase\n" in found.text
    assert "whether the passphrase opens it was not tried" in found.text
    assert f"note     data folder: {home / 'data'} is open to others\n" in found.text


def test_doctor_looks_at_the_keyring_only_where_it_is_used(
    process: Unvault, prod: str, home: Path, tmp_path: Path
) -> None:
    """To load its backends may start programs, which would be handed the environment."""
    spy = tmp_path / "spy" / "keyring"
    spy.mkdir(parents=True)
    (spy / "__init__.py").write_text("print('keyring is imported', flush=True)")
    found = process("doctor", environ={"PYTHONPATH": str(spy.parent)})
    assert found.code == 0
    assert "keyring" not in found.text + found.err
    plain = {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(tmp_path / "share"),
    }
    assert process("credentials", "protect", "keyring", environ=plain).code == 0
    found = process("doctor", environ=plain)
    assert (found.code, found.err) == (0, "")
    assert "note     keyring: it keeps keys in a file" in found.text


def test_doctor_knows_the_variable_of_a_new_passphrase(
    unvault: Unvault, prod: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNVAULT_NEW_PASSPHRASE", "correct horse")
    assert "UNVAULT_NEW_PASSPHRASE" not in unvault("doctor").text


def test_the_names_in_hints_are_quoted(
    unvault: Unvault, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.provider("later-vault", GOOD)
    for name in ("x;id", "$(id)"):
        assert unvault("credentials", "add", "later-vault", "--name", name).code == 0
        with monkeypatch.context() as patch:
            patch.setattr("unvault_cli.commands.credentials.add.on_terminal", lambda: True)
            taken = unvault("credentials", "add", "later-vault", "--name", name)
        assert f"credentials edit '{name}'" in taken.err
    (site.folder / "dist_later_vault-1.0.dist-info" / "entry_points.txt").unlink()
    told = unvault("doctor").text
    assert "unvault credentials remove 'x;id'\n" in told
    assert "unvault credentials remove '$(id)'\n" in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_real_bash_runs_nothing_that_a_name_holds(
    unvault: Unvault, site: Site, tmp_path: Path
) -> None:
    """Bash puts what it completes on the line as it is, unquoted."""
    site.provider("later-vault", GOOD)
    for name in ("$(touch${IFS}pwned)", "zulu-1"):
        assert unvault("credentials", "add", "later-vault", "--name", name).code == 0
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "unvault"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m unvault_cli "$@"\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PS1": "$ "}
    child = pexpect.spawn(
        *("bash", ["--norc", "--noprofile", "-i"]),
        env={**environ, "INPUTRC": os.devnull, "TERM": "dumb"},
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 200),
    )
    child.sendline('eval "$(unvault completion bash)"; echo rea""dy')
    child.expect_exact("ready\r\n")
    for typed in ("$", "z"):
        child.send(f"unvault credentials show {typed}\t\t\t")
        if typed == "z":
            child.expect_exact("zulu-1")
        child.send("\n")
        child.sendline("echo do''ne")
        child.expect_exact("done\r\n")
    child.close(force=True)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("name", "offered"),
    [("a.b-c_1", True), ("über", True), ("x;id", False), ("a b", False), ("`id`", False)],
)
def test_only_names_that_a_shell_takes_as_they_are_are_offered(
    unvault: Unvault, site: Site, name: str, offered: bool
) -> None:
    site.provider("later-vault", GOOD)
    assert unvault("credentials", "add", "later-vault", "--name", name).code == 0
    assert complete("unvault credentials show ") == ([name] if offered else [])
