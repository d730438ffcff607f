"""The pages about what is checked say what is checked."""

from __future__ import annotations

import pytest

from tests.contract.pages import PAGES, expected, written


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_what_the_tests_say(name: str) -> None:
    assert written(name) == expected(name), "run `python -m tests.contract.pages`"
