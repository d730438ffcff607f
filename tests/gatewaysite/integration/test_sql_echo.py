"""`SQL_ECHO` logs queries and nothing that was put into them."""

from __future__ import annotations

import pytest
from django.db import connection
from structlog.testing import capture_logs

from apikeys.models import Workspace
from gatewaysite.sql_echo import echo_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def echo():
    before = list(connection.execute_wrappers)
    echo_queries(connection=connection)
    yield
    connection.execute_wrappers[:] = before


def test_a_query_is_logged_once_with_its_duration_and_without_its_parameters(echo):
    echo_queries(connection=connection)

    with capture_logs() as logs:
        Workspace.objects.filter(slug="a-secret-word").exists()

    assert [entry["event"] for entry in logs] == ["query"]
    assert "apikeys_workspace" in logs[0]["sql"]
    assert "a-secret-word" not in str(logs)
    assert logs[0]["duration_ms"] > 0
