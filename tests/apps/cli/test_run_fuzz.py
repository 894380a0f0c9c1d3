"""Any env file at all, for `unvault run`: variables, or an error that tells none of its content."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import strategies as st
from tests.env_files import CANARY, ENV_FILES
from tests.soak import fuzz

from unvault_cli.child.env_files import read_env_file
from unvault_cli.child.wanted import Origin, gather
from unvault_cli.problems import FileProblem


@fuzz(content=ENV_FILES)
def test_any_env_file_is_read_or_refused_with_its_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.env"
    file.write_bytes(content)
    try:
        found = read_env_file(str(file))
    except FileProblem as error:
        assert error.message.startswith(f"{file}:")
        assert CANARY not in error.message
        return
    lines = len(content.splitlines()) + 1
    for variable in found:
        place, _, line = variable.place.rpartition(":")
        assert place == str(file)
        assert 1 <= int(line) <= lines
        assert "\0" not in variable.text
    variables, problems = gather({}, found, [])
    assert {each.name for each in found} == {each.name for each in variables}
    assert CANARY not in "".join(str(problem.error) for problem in problems)
    assert all(each.origin is Origin.ENV_FILE for each in variables)


@fuzz(names=st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=4))
def test_any_name_of_a_variable_is_taken_or_refused(names: dict[str, str]) -> None:
    from unvault_cli.child.wanted import Variable

    options = [Variable(name, text, Origin.SET) for name, text in names.items()]
    _, problems = gather(dict(os.environ), [], options)
    bad = [name for name in names if not name or "=" in name or "\0" in name]
    assert len(problems) == len(bad)
