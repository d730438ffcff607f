"""
The database backend (`ENGINE`): Django's own, save that a connection which waited in the pool is looked at before it is used.

After a restart of PostgreSQL every waiting connection is dead. Asking each one costs a round trip a request; the kernel knows it for a
microsecond, because a closed connection has something to read and an idle one has nothing.
"""

from __future__ import annotations

import select
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Errors: OperationalError, PoolTimeout. Cost: 2 us more than Django's."""
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        while pool is not None and has_ended(connection):  # as often as connections wait there, at most
            connection.close()
            pool.putconn(connection)  # which makes another one in its place
            connection = super().get_new_connection(conn_params)
        return connection


def has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the server has closed or spoken on a connection that asked for nothing."""
    if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def open_pools() -> Mapping[str, ConnectionPool[Any]]:
    """Return the pools of this process by the alias of their database; one that nothing has asked for yet is not there."""
    pools: dict[str, ConnectionPool[Any]] = vars(base.DatabaseWrapper)["_connection_pools"]  # Django has no public way to them
    return dict(pools)
