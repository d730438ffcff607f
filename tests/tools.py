"""Programs of the machine that some tests need: `make ci-deps` installs them. In CI a missing one fails, elsewhere it skips."""

from __future__ import annotations

import os
import shutil

import pytest


def need_tool(name: str) -> str:
    """Return the path of a program."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing; `make ci-deps` installs it")
    if found is None:
        pytest.skip(f"{name} is missing; `make ci-deps` installs it")
    return found
