"""What looking up a presented key costs when there are many."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.models import ApiKeySecret
from apikeys.principals import find_principal
from apikeys.public import create_key, create_workspace

pytestmark = pytest.mark.django_db


def test_presented_key_is_found_through_the_index_of_active_secrets():
    key = create_key(create_workspace("alice", "Alice"), "script").api_key
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO apikeys_apikeysecret (id, api_key_id, public_id, digest, revoked_at, created_at)"
            " SELECT gen_random_uuid(), %s, n::text, sha256(n::text::bytea), CASE WHEN n %% 2 = 0 THEN now() END, now()"
            " FROM generate_series(1, 5000) AS n",
            [key.pk],
        )
        cursor.execute("ANALYZE apikeys_apikeysecret")
    digest = bytes(ApiKeySecret.objects.get(public_id="77").digest)

    with CaptureQueriesContext(connection) as queries:
        found = find_principal(digest)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert found is not None
    assert len(queries) == 1
    assert "idx_api_keys_hash_active" in plan
    assert "Seq Scan on apikeys_apikeysecret" not in plan
