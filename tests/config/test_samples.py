from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.bad import Bad
from tests.config.loading import FILE_NAME, problems_of, unmarked
from tests.config.samples import BAD


def _id(bad: Bad) -> str:
    return f"{bad.class_}-{bad.key}-{bad.text.splitlines()[-1][:40]}"


@pytest.mark.parametrize("bad", BAD, ids=_id)
def test_a_bad_value_is_reported_once_with_class_key_and_place(bad: Bad, tmp_path: Path) -> None:
    marked = unmarked(bad.text)
    (problem,) = problems_of(tmp_path, marked.text)
    assert (problem.class_, problem.key) == (bad.class_, bad.key)
    assert problem.file == str(tmp_path / FILE_NAME)
    assert (problem.line, problem.column) == (marked.line, marked.column)
    assert [part for part in bad.says if part not in problem.message] == []
