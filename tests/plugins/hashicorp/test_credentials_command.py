"""``unvault credentials add`` and ``test`` for every type, by flags and on a terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.apps.cli.terminals import Session
from tests.plugins.hashicorp.using import at

from unvault_cli.main import main
from unvault_hashicorp.forms import CREDENTIAL_FORM

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PASSWORD = "pass-canary-2718"
CLIENT_SECRET = "hcp-client-secret-0f3a"


class Case(NamedTuple):
    """A credential that works, and what its session says."""

    kind: str
    answers: Mapping[str, Any]
    identity: str
    details: tuple[str, ...]
    reference: str


Make = Callable[[], Case]


@pytest.fixture
def cases(request: pytest.FixtureRequest, namespace: Any, reader: str) -> dict[str, Make]:
    """Return what makes each case: a server is prepared for the one that is wanted."""

    def served(method: str, answers: Mapping[str, Any], owner: str, kind: str = "on_prem") -> Case:
        whole = at(namespace, auth_method=method, **answers)
        details = ("policies: default, reader", "left, renewable")
        return Case(kind, whole, f"{owner} at {namespace.address}", details, "secret/app#password")

    def token(kind: str = "on_prem") -> Case:
        made = namespace.create_token(reader, ttl="1h")
        return served("token", {"access_token": made}, "token", kind)

    def approle(kind: str = "on_prem") -> Case:
        role = namespace.approle(reader)
        ids = {"role_id": role.role_id, "secret_id": role.secret_id}
        return served("approle", ids, "app (approle)", kind)

    def wrapped() -> Case:
        role = namespace.approle(reader)
        ids = {"role_id": role.role_id, "wrapped_secret_id": role.wrapped_secret_id()}
        return served("approle", ids, "app (approle)")

    def userpass() -> Case:
        mount = namespace.userpass("ann", PASSWORD, reader, mount="people")
        return served(
            "userpass",
            {"username": "ann", "password": PASSWORD, "auth_mount": mount},
            "ann (people)",
        )

    def jwt() -> Case:
        issuer = request.getfixturevalue("issuer")
        namespace.jwt(issuer.public_key, reader)
        made = issuer.issue(sub="ann", aud="unvault")
        return served("jwt", {"jwt": made, "role": "app"}, "app (jwt)")

    def cloud() -> Case:
        hcp = request.getfixturevalue("hcp")
        path = hcp.put("web", "db", "hunter2")
        answers = {
            "client_id": "client-1",
            "client_secret": CLIENT_SECRET,
            "api_address": hcp.address,
            "auth_address": hcp.address,
        }
        identity = f"service principal client-1 at {hcp.address}"
        return Case("cloud", answers, identity, ("token: 3600 s left",), path)

    return {
        "token": token,
        "approle": approle,
        "wrapped secret id": wrapped,
        "userpass": userpass,
        "jwt": jwt,
        "dedicated token": lambda: token("dedicated"),
        "dedicated approle": lambda: approle("dedicated"),
        "cloud": cloud,
    }


NAMES = [
    "token",
    "approle",
    "wrapped secret id",
    "userpass",
    "jwt",
    "dedicated token",
    "dedicated approle",
    "cloud",
]


class Result(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run the command in this process."""
    monkeypatch.setenv("UNVAULT_HOME", str(own_home / "unvault"))
    monkeypatch.setenv("COLUMNS", "120")

    def start(*arguments: str, stdin: str = "") -> Result:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
            capfd.readouterr()
            code = main(arguments)
            sys.stdout.flush()
            return Result(code, *capfd.readouterr())

    return start


def hidden_names(kind: str) -> set[str]:
    """Return the names of a type's secret fields."""
    found = CREDENTIAL_FORM.find(kind)
    assert found is not None
    return {field.name for field in found.fields if field.hidden}


def says_who(case: Case, run: Callable[..., Any], secrets: list[str]) -> None:
    """Check what ``credentials test`` says, and that the credential brings the secret."""
    tested = run("credentials", "test", "prod")
    assert tested.returncode == 0, tested.stderr
    assert f"signed in to hashicorp as {case.identity}\n" in tested.stdout
    for detail in case.details:
        assert detail in tested.stdout
    fetched = run("get", f"prod/{case.reference}")
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.strip() in {"canary-1", "hunter2"}
    for secret in secrets:
        assert secret not in tested.stdout + tested.stderr + fetched.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_type_is_added_by_flags(
    name: str, cases: dict[str, Make], run: Callable[..., Any], tmp_path: Path
) -> None:
    case = cases[name]()
    hidden = hidden_names(case.kind)
    options: list[str] = []
    for field, answer in case.answers.items():
        if field in hidden:
            file = tmp_path / field
            file.write_text(f"{answer}\n", encoding="utf-8")
            options += ["--field-file", f"{field}={file}"]
        else:
            options += ["--field", f"{field}={answer}"]
    added = run(
        "credentials", "add", "hashicorp", "--name", "prod", "--type", case.kind, *options, "--json"
    )
    assert added.returncode == 0, added.stderr
    told = json.loads(added.stdout)
    assert told["tested"]["identity"] == case.identity
    secrets = [str(case.answers[each]) for each in hidden & case.answers.keys()]
    for secret in secrets:
        assert secret not in added.stdout + added.stderr
    says_who(case, run, secrets)


@pytest.mark.parametrize("name", NAMES)
def test_each_type_is_added_on_a_terminal(
    name: str, cases: dict[str, Make], run: Callable[..., Any], own_home: Path
) -> None:
    case = cases[name]()
    kind = CREDENTIAL_FORM.find(case.kind)
    assert kind is not None
    environ = {"UNVAULT_HOME": str(own_home / "unvault"), "HOME": str(own_home)}
    session = Session("credentials", "add", "hashicorp", **environ)
    session.answer("Name, as references are to call it: ", "prod")
    session.answer("Type [on_prem]: ", case.kind)
    settled = {each.name: each.default for each in kind.fields if each.default is not None}
    for field in kind.fields:
        settled |= {field.name: case.answers[field.name]} if field.name in case.answers else {}
        if not field.visible(settled):
            continue
        answer = str(case.answers.get(field.name, ""))
        session.child.expect_exact(f"\n{field.title}")
        if field.hidden:
            session.hidden("): ", answer)
        else:
            session.answer(": ", answer)
    session.child.expect_exact("stored the credential prod")
    assert session.end() == 0
    secrets = [str(case.answers[each]) for each in hidden_names(case.kind) & case.answers.keys()]
    for secret in secrets:
        assert secret not in session.shown
    says_who(case, run, secrets)


def test_a_refused_credential_is_not_stored(namespace: Any, run: Callable[..., Any]) -> None:
    added = run(
        *("credentials", "add", "hashicorp", "--name", "prod"),
        *("--field", f"server_address={namespace.address}", "--field-file", "access_token=-"),
        stdin="wrong-canary-token",
    )
    assert added.returncode == 4
    assert "does not accept the token" in added.stderr
    assert "nothing was stored" in added.stderr
    assert "wrong-canary-token" not in added.stderr
    assert run("credentials", "show", "prod").returncode == 3


def test_the_remaining_life_of_a_token_that_does_not_end_is_told(
    namespace: Any, run: Callable[..., Any], own_home: Path
) -> None:
    added = run(
        *("credentials", "add", "hashicorp", "--name", "prod"),
        *("--field", f"server_address={namespace.address}", "--field-file", "access_token=-"),
        stdin="root",
    )
    assert added.returncode == 0, added.stderr
    assert "token: does not expire\n" in run("credentials", "test", "prod").stdout


@pytest.mark.parametrize("name", ["approle", "userpass", "jwt"])
def test_options_on_a_terminal_leave_only_what_is_missing_to_be_asked(
    name: str, cases: dict[str, Make], run: Callable[..., Any], own_home: Path
) -> None:
    case = cases[name]()
    hidden = {"password": "Password"}
    options: list[str] = []
    for field, answer in case.answers.items():
        if field in hidden:
            continue
        if field in hidden_names(case.kind):
            (own_home / field).write_text(str(answer), encoding="utf-8")
            options += ["--field-file", f"{field}={own_home / field}"]
        else:
            options += ["--field", f"{field}={answer}"]
    environ = {"UNVAULT_HOME": str(own_home / "unvault"), "HOME": str(own_home)}
    session = Session("credentials", "add", "hashicorp", "--name", "prod", *options, **environ)
    if "password" in case.answers:
        session.child.expect_exact("Password")
        session.hidden("): ", PASSWORD)
    session.child.expect_exact("stored the credential prod")
    assert session.end() == 0
    assert "Token" not in session.shown
    assert run("get", f"prod/{case.reference}").stdout.strip() == "canary-1"
