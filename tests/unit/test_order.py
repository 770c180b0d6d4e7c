"""The order of a run with several workers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.order import LONGEST_FIRST, ROOT, longest_first


@pytest.mark.parametrize("name", LONGEST_FIRST)
def test_the_files_are_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_long_ones_come_first_and_the_rest_stays_as_it_is() -> None:
    def item(path: Path, name: str) -> Any:
        return SimpleNamespace(path=path, name=name)

    first, second = (ROOT / name for name in LONGEST_FIRST[:2])
    given = [item(ROOT / "b.py", "1"), item(second, "2"), item(ROOT / "a.py", "3")]
    given += [item(first, "4"), item(first, "5")]
    assert [one.name for one in longest_first(given)] == ["4", "5", "2", "1", "3"]
