"""A database of its own beside the test database, for what cannot run in a transaction or would change it for others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def scratch_database() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection, in autocommit, to an empty database that Django knows as `scratch`."""
    name = f"scratch_{uuid.uuid4().hex[:12]}"
    settings = connections["default"].settings_dict
    options = {key: value for key, value in settings["OPTIONS"].items() if key != "pool"}
    administration = connections["default"].copy()
    administration.settings_dict = settings | {"OPTIONS": options, "NAME": "postgres"}
    with administration.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connections.databases["scratch"] = settings | {"NAME": name, "OPTIONS": options}
    try:
        yield connections["scratch"]
    finally:
        connections["scratch"].close()
        del connections["scratch"], connections.databases["scratch"]
        with administration.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        administration.close()
