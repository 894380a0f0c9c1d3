from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.console import agrees, run

ROOT = Path(__file__).parents[3]


def test_what_the_readme_shows_is_what_happens(tmp_path: Path) -> None:
    results = run(ROOT / "apps/cli/README.md", tmp_path)
    assert len(results) > 20
    for step, output, code in results:
        if step.expected is None:
            assert code == 0, f"{step.command}\n{output}"
        else:
            assert agrees(step.expected, output), f"$ {step.command}\n{output}"


def demo(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    (tmp_path / "tmp").mkdir()
    return subprocess.run(
        ["sh", "examples/demo.sh"],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "TMPDIR": str(tmp_path / "tmp"), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_demo_renders_the_request(tmp_path: Path, home: Path) -> None:
    mine = tmp_path / "mine.db"
    done = demo(tmp_path, UNVAULT_LOCAL_PATH=str(mine))
    assert (done.returncode, done.stderr) == (0, "")
    before, after = done.stdout.split("3. unvault render examples/request.http")
    for tag in ("{% vault 'local/billing/api-key' %}", "::46b' %}"):
        assert tag in before
        assert tag not in after
    assert "Authorization: Bearer demo-key-51H8\n" in after
    assert "X-Database-User: billing\n" in after
    assert "X-Database-Password: correct horse\n" in after
    assert "GET {{ _.base_url }}/me" in after
    assert not [*(tmp_path / "tmp").iterdir()]
    assert not mine.exists()
    assert not home.exists()


def test_a_demo_that_fails_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "unvault"
    broken.write_text('#!/bin/sh\n[ "$1" = local ] || exit 3\n')
    broken.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        ["sh", "examples/demo.sh"],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{broken.parent}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path / "tmp"),
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3
    assert not [*(tmp_path / "tmp").iterdir()]
