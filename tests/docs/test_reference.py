"""docs/reference says what the code says."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from gatewaysite.env import SETTINGS
from gatewaysite.reference import PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_what_the_code_says(name):
    written = (settings.BASE_DIR / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), "run `make reference`"


def test_every_setting_that_the_code_reads_is_declared():
    declared = {setting.name for setting in SETTINGS}
    pattern = re.compile(r'"((?:GATEWAY|DATABASE|REDIS)_[A-Z_]+)"')
    read = {
        name
        for folder in ("gatewaysite", "proxy", "apikeys", "items", "common")
        for path in (settings.BASE_DIR / folder).rglob("*.py")
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    }

    assert read - declared == set()


def test_pages_that_the_readme_links_to_exist():
    readme = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in target]

    assert targets
    assert [target for target in targets if not (settings.BASE_DIR / target).exists()] == []
