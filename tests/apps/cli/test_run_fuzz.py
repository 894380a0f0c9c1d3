"""Any env file at all, for `unvault run`: variables, or an error that tells none of its content."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import strategies as st
from tests.env_files import CANARY, ENV_FILES
from tests.growth import MOST, growth
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


@fuzz(content=ENV_FILES)
def test_values_are_those_that_python_dotenv_finds(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.env"
    file.write_bytes(content)
    try:
        found = read_env_file(str(file))
    except FileProblem:
        return
    theirs = dotenv_values(stream=io.StringIO(content.decode("utf-8-sig")))
    assert {each.name: each.text for each in found} == {
        name: text for name, text in theirs.items() if text is not None
    }


@pytest.mark.soak  # it is measured, which needs a machine that does little else
def test_many_variables_take_no_longer_each_than_few(tmp_path: Path) -> None:
    def written(size: int) -> str:
        file = tmp_path / f"{size}.env"
        file.write_text("".join(f"A{number}=a ${{A0}}\n" for number in range(32 * size)))
        return str(file)

    assert growth(read_env_file, written) < MOST


def test_values_that_grow_from_line_to_line_are_refused(tmp_path: Path) -> None:
    lines = [f"A{number}=${{A{number - 1}}}${{A{number - 1}}}\n" for number in range(1, 60)]
    file = tmp_path / "a.env"
    file.write_text("".join([f"A0={CANARY}\n", *lines]))
    with pytest.raises(FileProblem) as found:
        read_env_file(str(file))
    assert found.value.message.startswith(f"{file}:2")
    assert "than any environment holds" in found.value.message
    assert CANARY not in found.value.message


@fuzz(names=st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=4))
def test_any_name_of_a_variable_is_taken_or_refused(names: dict[str, str]) -> None:
    from unvault_cli.child.wanted import Variable

    options = [Variable(name, text, Origin.SET) for name, text in names.items()]
    _, problems = gather(dict(os.environ), [], options)
    bad = [name for name in names if not name or "=" in name or "\0" in name]
    assert len(problems) == len(bad)
