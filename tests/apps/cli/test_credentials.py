"""The stored credentials, as a script manages them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.apps.cli.conftest import TOKEN, Unvault
from tests.fakes import GOOD, Site


def test_list(unvault: Unvault, prod: str) -> None:
    listed = unvault("credentials", "list").text.splitlines()
    assert listed[0].split() == ["NAME", "PROVIDER", "TYPE", "DEFAULT", "UPDATED"]
    assert listed[1].split()[:3] == ["prod", "acme", "token"]
    unvault("credentials", "default", "prod")
    document = unvault("credentials", "list", "--json").json
    assert document["schema"] == "unvault.credentials/1"
    (row,) = document["credentials"]
    assert set(row) == {"name", "id", "provider", "type", "default", "created", "updated"}
    assert row["default"] is True


def test_list_of_nothing(unvault: Unvault) -> None:
    listed = unvault("credentials", "list")
    assert (listed.code, listed.out) == (0, b"")
    assert "unvault credentials add" in listed.err
    assert unvault("credentials", "list", "--json").json["credentials"] == []


def test_show_masks_secrets(unvault: Unvault, prod: str, acme_file: Path) -> None:
    shown = unvault("credentials", "show", prod)
    assert "  region: eu\n" in shown.text
    assert f"  file: {acme_file}\n" in shown.text
    assert "  token: ********\n" in shown.text
    document = unvault("credentials", "show", prod, "--json")
    assert document.json["hidden"] == ["token"]
    assert TOKEN not in shown.text + document.text
    assert unvault("credentials", "show", "nope").code == 3


def test_show_masks_everything_of_a_provider_that_is_gone(
    unvault: Unvault, prod: str, monkeypatch: pytest.MonkeyPatch, acme_file: Path
) -> None:
    monkeypatch.setenv("UNVAULT_BLOCK", "acme")
    shown = unvault("credentials", "show", prod)
    assert shown.code == 0
    assert "  region: ********\n" in shown.text
    assert str(acme_file) not in shown.text
    assert unvault("credentials", "edit", prod, "--field", "region=us").code == 7


def test_rename(unvault: Unvault, prod: str) -> None:
    renamed = unvault("credentials", "rename", prod, "live", "--json")
    assert renamed.json["name"] == "live"
    assert unvault("get", "live/db/main?version=1").text == "first"
    assert unvault("get", "prod/db/main").code == 3
    assert unvault("credentials", "rename", "live", "acme").code == 2
    assert unvault("credentials", "rename", "prod", "x").code == 3


def test_remove_asks_and_nobody_can_be_asked(unvault: Unvault, prod: str) -> None:
    refused = unvault("credentials", "remove", prod)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert unvault("credentials", "remove", "nope", "--yes").code == 3
    removed = unvault("credentials", "remove", prod, "--yes", "--json")
    assert removed.json == {"schema": "unvault.removed/1", "name": "prod"}
    assert unvault("credentials", "list", "--json").json["credentials"] == []


def test_remove_needs_no_key(unvault: Unvault, prod: str, home: Path) -> None:
    (home / "config" / "unvault.key").unlink()
    assert unvault("credentials", "show", prod).code == 8
    assert unvault("credentials", "list").code == 0
    assert unvault("credentials", "remove", prod, "--yes").code == 0
    assert unvault("credentials", "list", "--json").json["credentials"] == []
    found = unvault("doctor")
    assert found.code == 1
    assert "problem  key file: " in found.text


def test_test(unvault: Unvault, prod: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = unvault("credentials", "test", prod)
    assert tried.text == "signed in to acme as acme eu\n"
    assert unvault("credentials", "test", "acme").code == 4
    unvault("credentials", "default", prod)
    assert "acme stands for: prod\n" in unvault("credentials", "test", "acme").text
    document = unvault("credentials", "test", "acme", "--json").json
    assert document == {
        "schema": "unvault.sign-in/1",
        "name": "acme",
        "credential": "prod",
        "provider": "acme",
        "origin": "stored",
        "identity": "acme eu",
        "expires": None,
        "details": {},
    }
    assert unvault("credentials", "test", "local", "--json").json["origin"] == "ambient"


def test_test_tells_the_details_of_the_session(unvault: Unvault, site: Site) -> None:
    details = r'details={"policies": "app, default", "lease": "1 h\nevil"}'
    site.provider("good", GOOD.replace('client="a client"', f'client="a client", {details}'))
    tried = unvault("credentials", "test", "good")
    assert tried.text.splitlines()[-2:] == ["policies: app, default", "lease: 1 h\\nevil"]
    document = unvault("credentials", "test", "good", "--json").json
    assert document["details"] == {"policies": "app, default", "lease": "1 h\nevil"}
    added = unvault("credentials", "add", "good", "--name", "g", "--json").json
    assert added["tested"]["details"] == document["details"]


def test_clear_keeps_the_name(
    unvault: Unvault, prod: str, acme_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unvault("credentials", "clear").code == 2
    assert unvault("credentials", "clear", prod, "--all").code == 2
    assert unvault("credentials", "clear", prod).code == 2
    assert unvault("credentials", "clear", prod, "nope", "--yes").code == 3
    assert unvault("get", "prod/db/main").code == 0
    cleared = unvault("credentials", "clear", "--all", "--yes", "--json")
    assert cleared.json == {"schema": "unvault.cleared/1", "names": ["prod"]}
    assert "(signed out)" in unvault("credentials", "list").text
    assert unvault("credentials", "show", prod, "--json").json["hidden"] == []
    assert unvault("get", "prod/db/main").code == 4
    monkeypatch.setenv("UNVAULT_ACME_TOKEN", TOKEN)
    monkeypatch.setenv("UNVAULT_ACME_FILE", str(acme_file))
    assert unvault("get", "prod/db/main").code == 0


def test_default(unvault: Unvault, prod: str) -> None:
    assert unvault("credentials", "default", "--json").json["defaults"] == []
    chosen = unvault("credentials", "default", prod)
    assert (chosen.out, chosen.err) == (b"", "acme/… now means prod\n")
    assert unvault("get", "acme/db/main?version=1").text == "first"
    assert unvault("credentials", "default").text.splitlines()[1].split() == ["acme", "prod"]
    assert unvault("credentials", "default", "--unset", "acme", "--json").json["defaults"] == []
    assert unvault("get", "acme/db/main").code == 4
    assert unvault("credentials", "default", "nope").code == 3
    assert unvault("credentials", "default", prod, "--unset", "acme").code == 2


def test_protect(unvault: Unvault, prod: str, home: Path) -> None:
    shown = unvault("credentials", "protect")
    assert shown.text.startswith("key-file: ")
    document = unvault("credentials", "protect", "--json").json
    assert document["protection"] == "key-file"
    assert "a program that runs as you can" in document["explanation"]
    assert unvault("credentials", "protect", "passphrase").code == 8
    assert unvault("credentials", "protect", "nope").code == 2
    assert unvault("credentials", "protect", "key-file").code == 0
    (home / "config" / "unvault.key").chmod(0o644)
    assert unvault("credentials", "show", prod).code == 8


def test_protect_before_anything_is_stored(unvault: Unvault) -> None:
    shown = unvault("credentials", "protect")
    assert (shown.code, shown.out) == (0, b"")
    assert "nothing is stored yet" in shown.err
    assert unvault("credentials", "protect", "--json").json["protection"] is None


def test_the_cache_says_honestly_what_it_is(unvault: Unvault) -> None:
    assert unvault("cache", "show").text.startswith("a value is kept for 30 minutes, in memory")
    assert unvault("cache", "ttl", "0").text == "values are not kept\n"
    assert unvault("cache", "ttl", "720").code == 0
    assert unvault("cache", "show", "--json").json == {
        "schema": "unvault.cache/1",
        "minutes": 720,
        "max_entries": 1000,
        "entries": 0,
        "hits": 0,
        "misses": 0,
    }
    assert unvault("cache", "ttl", "721").code == 2
    assert unvault("cache", "ttl", "soon").code == 2
    assert unvault("cache", "ttl", "--json").json["minutes"] == 720
    assert unvault("cache", "clear", "--json").json["dropped"] == 0
    assert "starts empty each time" in " ".join(unvault("cache", "-h").text.split())
