"""What the distributions say of themselves fits together."""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core"
FOLDERS = sorted(
    file.parent
    for pattern in ("core", "plugins/*", "apps/*", "examples/*")
    for file in ROOT.glob(f"{pattern}/pyproject.toml")
)
NAMES = [str(folder.relative_to(ROOT)) for folder in FOLDERS]


def project_of(folder: Path) -> dict[str, Any]:
    """Return a distribution's own table."""
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]


def packages_of(folder: Path) -> list[Path]:
    """Return a distribution's import packages."""
    return sorted(file.parent for file in folder.glob("src/*/__init__.py"))


PROJECTS = {project_of(folder)["name"]: folder for folder in FOLDERS}


def requirements(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


@pytest.fixture(params=FOLDERS, ids=NAMES)
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_the_distributions_of_this_repository_are_found():
    assert {"unvault", "unvault-cli", "unvault-local", "acme-provider"} <= set(PROJECTS)


def test_each_says_who_what_and_for_whom(folder):
    project = project_of(folder)
    assert project["description"].endswith(".")
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == project_of(CORE)["requires-python"] == ">=3.11"
    assert project["keywords"] == sorted(project["keywords"])
    assert project["classifiers"] == sorted(project["classifiers"], key=str.casefold)
    assert (folder / project["readme"]).is_file()


def test_each_is_called_after_its_folder(folder):
    name = project_of(folder)["name"]
    if folder.parent.name in {"plugins", "apps"}:
        assert name == f"unvault-{folder.name}"
        assert [package.name for package in packages_of(folder)] == [name.replace("-", "_")]


def test_each_package_has_a_version_a_docstring_and_a_type_marker(folder):
    for package in packages_of(folder):
        module = importlib.import_module(package.name)
        assert (package / "py.typed").is_file()
        assert module.__doc__
        assert module.__version__ == distribution(project_of(folder)["name"]).version
        assert "version" in project_of(folder)["dynamic"]
    if packages_of(folder):
        assert "Typing :: Typed" in project_of(folder)["classifiers"]


def test_all_that_is_ours_has_one_version():
    ours = {distribution(name).version for name in PROJECTS if name.startswith("unvault")}
    assert len(ours) == 1


def test_each_depends_on_the_core_by_a_range_that_it_is_in(folder):
    project = project_of(folder)
    if folder == CORE:
        return
    (core,) = [
        each for each in requirements(project["dependencies"]) if each.name.startswith("unvault")
    ]
    assert core.name == "unvault"
    operators = {specifier.operator for specifier in core.specifier}
    assert operators == {">=", "<"}
    assert Version(distribution("unvault").version) in core.specifier
    assert Version("1.0") not in core.specifier


def test_no_dependency_is_pinned_or_taken_from_elsewhere(folder):
    project = project_of(folder)
    optional = project.get("optional-dependencies", {}).values()
    for each in requirements(
        [*project["dependencies"], *(line for lines in optional for line in lines)]
    ):
        assert each.url is None
        assert not {specifier.operator for specifier in each.specifier} & {"==", "===", "~="}, each


def test_the_core_needs_little():
    needed = {each.name for each in requirements(project_of(CORE)["dependencies"])}
    assert {"attrs", "cattrs", "cryptography", "platformdirs", "pluggy"} <= needed
    assert len(needed) <= 7


def test_entry_points_lead_to_something_and_are_those_installed(folder):
    project = project_of(folder)
    declared = {
        (group, name, value)
        for group, entries in project.get("entry-points", {}).items()
        for name, value in entries.items()
    }
    declared |= {("console_scripts", *each) for each in project.get("scripts", {}).items()}
    installed = distribution(project["name"]).entry_points
    assert {(each.group, each.name, each.value) for each in installed} == declared
    for entry in installed:
        assert entry.load() is not None


def test_a_providers_id_is_its_folders_name(folder):
    providers = project_of(folder).get("entry-points", {}).get("unvault.providers", {})
    if folder.parent.name == "plugins":
        assert list(providers) == [folder.name]


# ----------------------------------------------------------------------------------------- extras


def extras() -> dict[str, list[Requirement]]:
    found = project_of(CORE)["optional-dependencies"]
    return {name: requirements(lines) for name, lines in found.items()}


def test_each_extra_brings_the_distribution_of_its_name():
    for name, lines in extras().items():
        if name not in {"all", "keyring", "redaction", "testing"}:
            line, *others = lines
            assert [str(each) for each in others] == (
                ["unvault[redaction]"] if name == "cli" else []
            )
            assert line.name == f"unvault-{name}"
            assert {specifier.operator for specifier in line.specifier} == {">=", "<"}


def test_every_plugin_and_app_has_an_extra():
    ours = {name.removeprefix("unvault-") for name in PROJECTS if name.startswith("unvault-")}
    assert ours <= set(extras())


def test_all_is_everything_that_exists():
    (line,) = extras()["all"]
    assert line.name == "unvault"
    there = {name.removeprefix("unvault-") for name in PROJECTS if name.startswith("unvault-")}
    assert line.extras == there | {"keyring", "redaction"}


# ------------------------------------------------------------------------------ what gets installed


def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_constraints_are_names_and_versions_only():
    for line in pins():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*", line), line
        Version(line.partition("==")[2])
    names = [canonicalize_name(line.partition("==")[0]) for line in pins()]
    assert len(names) == len(set(names))


def test_all_that_is_needed_directly_is_pinned():
    pinned = {canonicalize_name(line.partition("==")[0]) for line in pins()}
    needed = []
    for folder in FOLDERS:
        project = project_of(folder)
        needed += project["dependencies"]
        needed += [
            line for lines in project.get("optional-dependencies", {}).values() for line in lines
        ]
    for file in ("requirements-dev.txt", "requirements-docs.txt", "requirements-bench.txt"):
        lines = (ROOT / file).read_text("utf-8").splitlines()
        needed += [line for line in lines if line.strip() and line[0] not in "#-"]
    names = {canonicalize_name(each.name) for each in requirements(needed)}
    ours = {canonicalize_name(name) for name in PROJECTS}
    reserved = {name for name in names if name.startswith("unvault-")}
    assert names - ours - reserved <= pinned


def test_every_distribution_is_installed_for_development():
    lines = (ROOT / "requirements-dev.txt").read_text("utf-8").splitlines()
    editable = {line.removeprefix("-e ./") for line in lines if line.startswith("-e ")}
    assert editable == set(NAMES)


def test_the_tools_know_every_package():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    packages = {package.name for folder in FOLDERS for package in packages_of(folder)}
    assert set(tools["importlinter"]["root_packages"]) == packages
    assert set(tools["coverage"]["run"]["source_pkgs"]) == packages
    assert packages <= set(tools["ruff"]["lint"]["isort"]["known-first-party"])


# --------------------------------------------------------------------------- what no file may name


def texts() -> list[tuple[str, str]]:
    """Return every text file of the repository, with its path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no clone")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        try:
            found.append((name, (ROOT / name).read_text("utf-8")))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return found


def test_no_file_names_a_package_registry():
    hosts = [
        "py" + "pi.org",
        "python" + "hosted",
        "index" + "-url",
        "artifac" + "tory",
        "dev" + "pi",
    ]
    pattern = re.compile("|".join(map(re.escape, hosts)), re.IGNORECASE)
    assert [name for name, text in texts() if pattern.search(text)] == []


def test_no_file_names_a_place_on_the_machine_it_was_written_on():
    places = ["/ro" + "ot/", "/wo" + "rk/", "/Us" + "ers/", str(ROOT)]
    pattern = re.compile(r"(?<![\w.~$}])(?:" + "|".join(map(re.escape, places)) + ")")
    found = [(name, match[0]) for name, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_no_file_is_left_with_a_conflict_in_it():
    marks = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)
    assert [name for name, text in texts() if marks.search(text)] == []
