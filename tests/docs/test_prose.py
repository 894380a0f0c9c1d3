"""Links lead somewhere, and pages name nothing that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.docs.tables import ROOT

PAGES = sorted(
    page.relative_to(ROOT)
    for page in [
        *ROOT.glob("*.md"),
        ROOT / "core/README.md",
        *ROOT.glob("plugins/*/README.md"),
        *(ROOT / "docs").rglob("*.md"),
    ]
)

# Whom the pages credit or follow, invented vaults, and the addresses of real ones that are defaults
# of fields. Nothing is downloaded from any of them.
HOSTS = {
    "airflow.apache.org",
    "api.cloud.hashicorp.com",
    "api.hashicorp.cloud",
    "auth.idp.hashicorp.com",
    "catt.rs",
    "contoso-app.vault.azure.example.com",
    "contoso-app.vault.azure.net",
    "developer.1password.com",
    "github.com",
    "json-schema.org",
    "keepachangelog.com",
    "localhost",
    "login.microsoftonline.com",
    "my-vault.vault.azure.net",
    "pluggy.readthedocs.io",
    "semver.org",
    "sso.example.com",
    "vault.corp.example.com",
    "vault.vault.azure.net",
    "vault.example.com",
}

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.M | re.S)


def _text(page: Path) -> str:
    text = (ROOT / page).read_text("utf-8")
    include = re.fullmatch(r'--8<-- "([\w.]+)"\n', text)
    return (ROOT / include[1]).read_text("utf-8") if include else text


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", _text(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", _text(page))):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = page
        if parts.path:
            found = (ROOT / page).parent / parts.path
            assert found.exists(), f"{page}: {link}"
            target = found.resolve().relative_to(ROOT)
        if parts.fragment:
            assert parts.fragment in _anchors(target), f"{page}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_names_no_machine_and_no_unknown_host(page: Path) -> None:
    text = _text(page)

    hosts = {urlsplit(each).hostname for each in re.findall(r"https?://[^\s)`'\"<>]+", text)}
    assert hosts <= HOSTS
    assert not re.search(r"(?<![\w.~$}])/(?:home|root|tmp|Users|work|opt|srv)/", text)
    assert not re.search(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_tells_to_run_is_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    core = tomllib.loads((ROOT / "core/pyproject.toml").read_text("utf-8"))
    extras = set(core["project"]["optional-dependencies"])

    code = "\n".join(_CODE.findall(_text(page)))
    assert set(re.findall(r"^`?make ([a-z][a-z-]*)", code, re.M)) <= targets
    named = re.findall(r"unvault\[([\w,]+)\]", _text(page))
    assert {extra for each in named for extra in each.split(",")} <= extras


def test_the_readme_says_what_all_brings() -> None:
    core = tomllib.loads((ROOT / "core/pyproject.toml").read_text("utf-8"))
    brought = re.findall(r"\[([\w,]+)\]", core["project"]["optional-dependencies"]["all"][0])
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| `unvault\[(\w+)\]` \|", readme, re.M)

    assert sorted([*brought[0].split(","), "all"]) == sorted(listed)


def test_contributing_names_every_place_where_a_provider_is_made_known() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    files = [*ROOT.glob("*.toml"), *ROOT.glob("*.txt"), *ROOT.glob("*.yml"), ROOT / "Makefile"]
    local = re.compile(r"unvault[_-]local|plugins/local")

    for file in [*files, ROOT / "core/pyproject.toml"]:
        if local.search(file.read_text("utf-8")):
            assert f"`{file.relative_to(ROOT)}`" in guide
    for contract in config["tool"]["importlinter"]["contracts"]:
        if "unvault_local" in str(contract):
            assert f"`{contract['id']}`" in guide
    for tool in ("mypy", "coverage", "ruff", "importlinter"):
        if local.search(str(config["tool"][tool])):
            assert f"`tool.{tool}" in guide


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2].partition("\n\n")[0]
    named = set(re.findall(r"([\w/-]+\.md)$", nav, re.M))

    assert named == {str(page.relative_to("docs")) for page in PAGES if page.parts[0] == "docs"}
