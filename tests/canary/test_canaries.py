"""What is looked for is found: a search that finds nothing has to be one that would."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.canary.canaries import NAMES, VALUE, Canaries


@pytest.mark.parametrize("name", NAMES)
def test_each_canary_is_found_however_it_is_written(canaries: Canaries, name: str) -> None:
    text = canaries[name]
    plain = text.encode()
    ways = [plain, plain.hex().encode(), text.encode("utf-16"), quote(text).encode()]
    ways += [json.dumps({"a": text}).encode(), repr([text]).encode(), repr(plain).encode()]
    ways += [json.dumps(json.dumps(text)).encode(), ascii(text).encode()]
    ways += [base64.b64encode(b"x" * shift + plain + b"yy") for shift in range(7)]
    ways += [base64.urlsafe_b64encode(b"x" * shift + plain) for shift in range(3)]
    for written in ways:
        assert canaries.found(b"before " + written + b" after") == [name], written


def test_what_holds_none_has_none(canaries: Canaries) -> None:
    assert canaries.found(b"********" + bytes(range(256)) * 100) == []
    assert Canaries().found(canaries[VALUE]) == []  # each run has its own


def test_files_and_their_names_are_looked_at(canaries: Canaries, tmp_path: Path) -> None:
    assert canaries.found_below(tmp_path) == []
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(f"x{canaries[VALUE]}", "utf-8")
    assert len(canaries.found_below(tmp_path)) == 1
    assert canaries.found_below(tmp_path, tmp_path / "deep") == []
