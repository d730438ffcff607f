"""
The pages of docs/reference that say what the suites of this folder check. `python -m tests.contract.pages` writes them; tests compare.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.contract import feature_table, recorded_traffic

_NOTE: Final = "<!-- Written by `python -m tests.contract.pages`; change the tests, not this page. -->\n"
_FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
PAGES: Final[dict[str, Callable[[], str]]] = {"features.md": feature_table.page, "recorded-traffic.md": recorded_traffic.page}


def written(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def expected(name: str) -> str:
    return _NOTE + PAGES[name]()


if __name__ == "__main__":
    for page in PAGES:
        (_FOLDER / page).write_text(expected(page), encoding="utf-8")
