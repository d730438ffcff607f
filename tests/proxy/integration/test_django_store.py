"""The database behind the ports of the data plane: who a key is, what changed, and an outage that is never "no such key"."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apikeys.hotpath import Principal, create_key_text, digest_key
from apikeys.models import default_permissions
from apikeys.public import KeyChange, KeyChangeCounter, revoke_key, rotate_key, save_key, save_workspace
from proxy.adapters import django_store
from proxy.adapters.django_store import DjangoStore
from proxy.errors import StoreUnavailable
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.integration.rows_help import make_key, make_limit, make_route, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)  # the store reads in threads of its own


@pytest.fixture
def store():
    made = DjangoStore()
    yield made
    made.close()


def _digest(secret) -> bytes:
    return digest_key(settings.GATEWAY_KEY_PEPPER.encode(), secret.reveal().encode())


def _find(store, secret) -> Principal | None:
    return asyncio.run(store.find_principal(_digest(secret)))


def test_a_principal_has_all_that_the_data_plane_reads(store):
    ends_at = timezone.now() + dt.timedelta(hours=1)
    limits = [make_limit("one"), make_limit("two")]
    created = make_key(allowed_models=["gpt*"], allowed_networks=["10.0.0.0/8"], limits=limits, expires_at=ends_at)

    principal = _find(store, created.secret)

    assert principal is not None
    assert principal == Principal(
        key_id=str(created.api_key.pk),
        workspace_id=str(created.api_key.workspace_id),
        allowed_models=("gpt*",),
        allowed_networks=("10.0.0.0/8",),
        limit_ids=principal.limit_ids,
        permissions=tuple(default_permissions()),
        is_keepalive_enabled=True,
        expires_at=ends_at.timestamp(),
        as_of=KeyChangeCounter.objects.get().value,
    )
    assert sorted(principal.limit_ids) == sorted(str(limit.pk) for limit in limits)


def test_a_plain_key_has_no_bounds(store):
    principal = _find(store, make_key().secret)

    assert principal is not None
    assert (principal.allowed_models, principal.allowed_networks, principal.limit_ids, principal.expires_at) == ((), (), (), None)


@pytest.mark.parametrize("limits_count", [0, 1, 3])
def test_a_look_up_costs_at_most_two_queries_whatever_the_key_has(store, limits_count):
    created = make_key(limits=[make_limit(f"limit-{number}") for number in range(limits_count)])

    with counted_queries() as queries:
        known, unknown = _find(store, created.secret), asyncio.run(store.find_principal(b"x" * 32))

    assert known is not None
    assert unknown is None
    assert len(queries) == 2  # one each


def test_many_look_ups_at_once_all_get_their_answer(store):
    created = [make_key(f"key-{number}") for number in range(10)]

    async def look_up_all():
        return await asyncio.gather(*[store.find_principal(_digest(each.secret)) for each in created * 3])

    found = asyncio.run(look_up_all())

    assert [principal.key_id for principal in found] == [str(each.api_key.pk) for each in created * 3]


def test_keys_that_open_nothing(store):
    now = timezone.now()
    revoked, expired, lame = make_key("revoked"), make_key("expired", expires_at=now + dt.timedelta(hours=1)), make_key("lame")
    revoke_key(revoked.api_key)
    expired.api_key.expires_at = now - dt.timedelta(seconds=1)
    save_key(expired.api_key)
    stranger = make_key("stranger", make_workspace("other"))
    workspace = make_workspace("other")
    workspace.is_active = False
    save_workspace(workspace)

    assert [_find(store, each.secret) for each in (revoked, expired, stranger)] == [None, None, None]
    assert _find(store, lame.secret) is not None
    assert asyncio.run(store.find_principal(digest_key(b"pepper", create_key_text()[0].encode()))) is None


def test_a_rotated_key_s_secrets_end_each_at_its_time(store):
    first = make_key()
    second = rotate_key(first.api_key, overlap=dt.timedelta(minutes=5))
    now = timezone.now().timestamp()

    old, new = _find(store, first.secret), _find(store, second.secret)

    assert old is not None
    assert new is not None
    assert old.key_id == new.key_id
    assert old.expires_at == pytest.approx(now + 300, abs=30)
    assert new.expires_at is None
    third = rotate_key(first.api_key, overlap=dt.timedelta(0))
    assert [_find(store, each.secret) is None for each in (first, second, third)] == [True, True, False]


def test_the_end_of_the_key_counts_when_it_is_before_the_end_of_the_secret(store):
    ends_at = timezone.now() + dt.timedelta(minutes=1)
    first = make_key(expires_at=ends_at)
    rotate_key(first.api_key, overlap=dt.timedelta(hours=1))

    principal = _find(store, first.secret)

    assert principal is not None
    assert principal.expires_at == pytest.approx(ends_at.timestamp())


# --- changes ----------------------------------------------------------------------------------------------------------------------


def _changes(store, after: int):
    return asyncio.run(store.find_changes(after))


def test_changes_are_found_once_in_their_order(store):
    created = make_key()
    first = _changes(store, 0)
    revoke_key(created.api_key)
    second = _changes(store, first.key_change_number)

    assert [subject for _, subject in first.key_changes] == [f"workspace:{created.api_key.workspace_id}", f"key:{created.api_key.pk}"]
    assert second.key_changes == ((first.key_change_number + 1, f"key:{created.api_key.pk}"),)
    assert _changes(store, second.key_change_number).key_changes == ()
    assert _changes(store, second.key_change_number).key_change_number == second.key_change_number


def test_a_new_worker_reads_only_the_changes_that_a_copy_may_be_older_than(store):
    created = make_key()
    KeyChange.objects.update(changed_at=timezone.now() - dt.timedelta(hours=2))
    revoke_key(created.api_key)

    assert len(_changes(store, 0).key_changes) == 1
    assert len(_changes(store, 1).key_changes) == 2


def test_changes_carry_the_newest_revision(store):
    assert _changes(store, 0).revision == 0
    make_route("gpt")

    assert _changes(store, 0).revision == 2  # the backend's and the route's


def test_asking_for_changes_costs_two_queries(store):
    make_key()

    with counted_queries() as queries:
        _changes(store, 0)

    assert len(queries) == 2


# --- outages ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("closed"), PoolTimeout("none free")])
def test_whatever_the_drivers_raise_is_an_outage(store, monkeypatch, error):
    def fail(*arguments):
        raise error

    for name in ("_find_principal", "_find_changes", "build_snapshot"):
        monkeypatch.setattr(django_store, name, fail)

    async def ask_everything():
        calls = [store.find_principal(b"x" * 32), store.find_changes(0), store.load_snapshot()]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(ask_everything())
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert all(result.__cause__ is error for result in results)


def test_a_bug_is_no_outage(store, monkeypatch):
    def fail(*arguments):
        raise ValueError("a bug")

    monkeypatch.setattr(django_store, "_find_principal", fail)

    with pytest.raises(ValueError, match="a bug"):
        asyncio.run(store.find_principal(b"x" * 32))
