"""No list of `/api` asks the database more often because it has more rows."""

from __future__ import annotations

import pytest

from apikeys.public import Permission, create_workspace
from tests.rest_help import make_program, rest_endpoints
from tests.rest_table import ADDERS, TABLE, Shows

pytestmark = pytest.mark.django_db

_LISTS = [
    pytest.param(endpoint.path, case, id=endpoint.path)
    for endpoint in rest_endpoints()
    if isinstance(case := TABLE.get((endpoint.name, endpoint.method)), Shows)
]


@pytest.mark.parametrize(("path", "case"), _LISTS)
def test_a_list_asks_as_often_for_many_rows_as_for_few(grows_not, path, case):
    program = make_program(create_workspace("acme", "Acme"), "alice", permissions=Permission.values)

    grows_not(program, path, lambda number: ADDERS[case.rows](program, number), dict(case.query))
