"""Settings of the tests that differ from the product's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes half a second on purpose


@pytest.fixture
def grows_not() -> Callable[..., None]:
    """Fails for a list whose queries grow in number with its rows: `tests/rest_help.py`."""
    from tests.rest_help import check_growth  # it needs models, which are not there yet when this file is read

    return check_growth
