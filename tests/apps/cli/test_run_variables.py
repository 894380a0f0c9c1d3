"""What ``unvault run`` makes of env files, options and the environment, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.apps.cli.conftest import Unvault

from unvault_cli.child.env_files import read_env_file
from unvault_cli.child.wanted import Origin, Variable, gather
from unvault_cli.problems import FileProblem

VALUE = "c0rrect-horse"

SET = ("--set", "A=local/db/main")

posix = pytest.mark.skipif(os.name != "posix", reason="starts a shell")


@pytest.fixture(autouse=True)
def secret(unvault: Unvault) -> None:
    assert unvault("local", "set", "db/main", stdin=VALUE.encode()).code == 0
    assert (
        unvault("local", "set", "db/json", stdin=b'{"user": "app", "password": "pa55word"}').code
        == 0
    )


def show(process: Unvault, *options: str, names: str, **environ: str) -> list[str]:
    """Return what a program finds in its environment."""
    words = ("sh", "-c", f'printf "%s\\n" {names}')
    done = process("run", "--no-mask", *options, "--", *words, environ=environ)
    assert (done.code, done.err) == (0, "")
    return done.text.splitlines()


@posix
def test_an_env_file(process: Unvault, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n"
        "PLAIN=as it is  # with a comment\n"
        "export REF=unvault://local/db/json#password\n"
        "QUOTED='unvault://local/db/main'\n"
        "URL=postgres://{% vault 'local/db/json#user' %}:{% vault \"local/db/main\" %}@host/db\n"
        "STAGE=main\n"
        "BUILT=unvault://local/db/${STAGE}\n"
        "DEEP=${OUTER:-none}/${NOBODY:-default}\n"
        "NOTHING=\n"
        "MISSING\n",
        "utf-8",
    )
    names = '"$PLAIN" "$REF" "$QUOTED" "$URL" "$BUILT" "$DEEP" "$NOTHING" "${MISSING-unset}"'
    assert show(process, "--env-file", ".env", names=names, OUTER="outer") == [
        "as it is",
        "pa55word",
        VALUE,
        f"postgres://app:{VALUE}@host/db",
        VALUE,
        "outer/default",
        "",
        "unset",
    ]


@posix
def test_what_goes_before_what(process: Unvault, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("A=one\nB=one\nC=one\nD=one\nA=one again\n")
    (tmp_path / "two").write_text("B=two\nC=two\n")
    options = ("--env-file", "one", "--env-file", "two")
    sets = ("--set", "C=local/nowhere", "--set", "C=local/db/main")
    given = {"A": "outer", "D": "unvault://local/nowhere", "E": "outer"}
    found = show(process, *options, *sets, names='"$A" "$B" "$C" "$D" "$E"', **given)
    assert found == ["one again", "two", VALUE, "one", "outer"]


@posix
def test_a_reference_may_be_written_in_full(process: Unvault) -> None:
    assert show(process, "--set", "A=unvault://local/db/json#user", names="$A") == ["app"]
    done = process("run", "--no-mask", "--set", "A.b-c=local/db/main", "--", "env")
    assert f"A.b-c={VALUE}" in done.text.splitlines()


@posix
def test_if_one_fails_nothing_is_started_and_all_that_failed_are_listed(
    process: Unvault, tmp_path: Path
) -> None:
    (tmp_path / "a.env").write_text(
        "\n"
        "GOOD=unvault://local/db/main\n"
        "\n"
        "GONE=unvault://local/nowhere\n"
        "TEXT=a {% vault 'local/db/main' %} {% vault 'local/nowhere' %}\n"
        'TAG="{% vault nonsense"\n'
        "PART=see unvault://local/db/main there\n"
    )
    options = ("--env-file", "a.env", "--set", "BAD=nonsense", "--file", "F=nobody/x")
    environ = {"INHERITED": "unvault://local/db/json#nothing"}
    failed = process("run", *options, "--", "touch", "started", environ=environ)
    assert (failed.code, failed.out) == (1, b"")
    assert not Path("started").exists()
    lines = failed.err.splitlines()
    told = [line for line in lines if not line.startswith("  hint: ")]
    assert [": ".join(line.split(": ")[:2]) for line in told] == [
        "a.env:7: PART",
        "environment: INHERITED",
        "a.env:4: GONE",
        "a.env:5: TEXT",
        "a.env:6: TAG",
        "--set: BAD",
        "--file: F",
        "error: 7 variables cannot be set, so the command was not started [not-started]",
    ]
    assert "[secret-not-found]" in told[2]
    assert "[field-not-found]" in told[1]
    assert "[invalid-reference]" in told[5]
    assert "[credential-not-found]" in told[6]
    assert "  hint: store it: unvault local set nowhere" in lines
    assert VALUE not in failed.err


@posix
@pytest.mark.parametrize(
    ("reference", "code"), [("local/nowhere", 3), ("nonsense", 2), ("web/x", 7), ("acme/x", 4)]
)
def test_the_exit_code_that_all_failures_share(process: Unvault, reference: str, code: int) -> None:
    options = ("--set", f"A={reference}", "--set", f"B={reference}")
    assert process("run", *options, "--", "touch", "started").code == code
    assert not Path("started").exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "name the command to run"),
        (("--",), "name the command to run"),
        (("--", ""), "name the command to run"),
        (("--sett", "A=local/x", "--", "true"), "No such option"),
        (("--set", "A", "--", "true"), "write --set NAME=REF"),
        (("--set", "=local/x", "--", "true"), "write --set NAME=REF"),
        (("--file", "A=", "--", "true"), "write --file NAME=REF"),
        (
            ("--set", "A=local/x", "--file", "A=local/y", "--", "true"),
            "A is in --set and in --file",
        ),
    ],
)
def test_what_cannot_be_meant(unvault: Unvault, options: tuple[str, ...], why: str) -> None:
    failed = unvault("run", *options)
    assert (failed.code, failed.out) == (2, b"")
    assert why in failed.err
    assert "[usage]" in failed.err
    assert "hint: unvault run --help" in failed.err


@posix
def test_options_end_where_the_command_begins(process: Unvault) -> None:
    assert process("run", "echo", "--set", "--", "-x", "--json").text == "--set -- -x --json\n"
    assert process("run", "--", "echo", "--", "--help").text == "-- --help\n"
    assert process("run", "--help").text.startswith(
        "Usage: unvault run [OPTIONS] [--] CMD [ARG]..."
    )
    failed = process("run", "--set", "A=local/nowhere", "echo", "--json")
    assert failed.err.startswith("--set: A: ")


@posix
@pytest.mark.parametrize("options", [(), SET, ("--no-mask", "--file", "A=local/db/main")])
def test_commands_that_cannot_be_run(
    process: Unvault, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "text").write_text("echo by the shell $A $1")
    (tmp_path / "lost").write_text("#!/no/such/interpreter\n")
    (tmp_path / "lost").chmod(0o755)
    missing = process("run", *options, "--", "no-such-command")
    assert missing.code == 127
    assert missing.err == "error: there is no command 'no-such-command' on the PATH [command]\n"
    path = process("run", *options, "--", "./nothing")
    assert path.code == 127
    assert path.err == "error: cannot run './nothing': No such file or directory [command]\n"
    lost = process("run", *options, "--", "./lost")
    assert lost.err == "error: cannot run './lost': its interpreter is missing [command]\n"
    denied = process("run", *options, "--", "./text")
    assert denied.code == 126
    assert denied.err == "error: cannot run './text': Permission denied [command]\n"
    (tmp_path / "text").chmod(0o755)
    done = process("run", "--set", "A=local/db/json#user", "--no-mask", "--", "./text", "one")
    assert done.text == "by the shell app one\n"


@posix
def test_the_path_is_that_of_the_program(process: Unvault, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mine").write_text("#!/bin/sh\necho mine\n")
    (folder / "mine").chmod(0o755)
    (tmp_path / "a.env").write_text(f"PATH={folder}:/usr/bin:/bin\n")
    assert process("run", "--env-file", "a.env", "--", "mine").text == "mine\n"


@posix
def test_a_value_too_large_for_an_environment(process: Unvault, unvault: Unvault) -> None:
    unvault("local", "set", "large", stdin=b"x" * 200_000)
    failed = process("run", "--set", "A=local/large", "--", "true")
    assert failed.code == 126
    assert "hand a large value over by --file" in failed.err
    done = process("run", "--file", "A=local/large", "--", "sh", "-c", "wc -c < $A")
    assert done.text.strip() == "200000"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"A=1\nB='open\nC=2\n", "{}:2: not NAME=value; quote a value of several lines"),
        (b"\n\nno name s3cret\n", "{}:3: not NAME=value; quote a value of several lines"),
        (b"A=1\nB=\xff s3cret\n", "{}:2: the file is not text in UTF-8"),
        ("A=s3cret\n".encode("utf-16"), "{}:1: the file is not text in UTF-8"),
        (b"A=1\nB=s3cret\0\n", "{}:2: the file is not text in UTF-8"),
        (b"A=1\nB=2" + b" " * 300 + b"#\n", "{}:2: more than 256 blanks in one piece"),
    ],
)
def test_env_files_that_are_none(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "a.env"
    file.write_bytes(content)
    with pytest.raises(FileProblem) as found:
        read_env_file(str(file))
    assert found.value.message == why.format(file)
    assert found.value.__cause__ is None
    assert found.value.__context__ is None


def test_env_files_that_cannot_be_read(unvault: Unvault) -> None:
    failed = unvault("run", "--env-file", "nowhere.env", "--", "true")
    assert failed == (1, b"", "error: cannot read nowhere.env: No such file or directory [file]\n")
    failed = unvault("run", "--env-file", "-", "--", "true")
    assert failed.code == 1
    assert "the standard input is the command's" in failed.err


def test_lines_are_counted_however_they_end(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_bytes(b"\xef\xbb\xbfA=1\r\n\r\n# note\r\nB='2\r\n3'\r\nC=4\n")
    found = [(each.name, each.place.removeprefix(f"{file}:")) for each in read_env_file(str(file))]
    assert found == [("A", "1"), ("B", "4"), ("C", "6")]


def test_only_env_files_hold_tags_and_only_whole_values_are_references() -> None:
    tag = "{% vault 'local/x' %}"
    assert Variable("A", tag, Origin.ENV_FILE).has_tags
    assert not Variable("A", tag, Origin.INHERITED).has_tags
    assert Variable("A", "unvault://local/x", Origin.INHERITED).is_reference
    assert not Variable("A", " unvault://local/x", Origin.INHERITED).is_reference
    assert Variable("A", "local/x", Origin.SET).is_reference


def test_names_that_no_variable_can_have() -> None:
    bad = [Variable("", "x", Origin.ENV_FILE, "f:1"), Variable("a\0b", "x", Origin.FILE)]
    _, problems = gather({"A=": "as it came"}, bad[:1], bad[1:])
    assert [(found.where, found.error) for found in problems] == [
        ("f:1", "the name is empty"),
        ("--file", "no variable can have this name"),
    ]


@posix
def test_what_somebody_wrote_for_the_program_is_given_to_it(
    process: Unvault, tmp_path: Path
) -> None:
    (tmp_path / "a.env").write_text("UNVAULT_ACME_TOKEN=meant for it\n")
    options = ("--env-file", "a.env", "--set", "INSOMNIA_X=local/db/main")
    names = '"$UNVAULT_ACME_TOKEN" "$INSOMNIA_X" "${UNVAULT_ACME_FILE-unset}"'
    environ = {"UNVAULT_ACME_TOKEN": "not meant for it", "UNVAULT_ACME_FILE": "neither"}
    assert show(process, *options, names=names, **environ) == ["meant for it", VALUE, "unset"]
