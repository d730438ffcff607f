"""Django's synchronous chain behind the door: real views, one way to a thread and one back, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from apikeys.public import create_workspace
from gatewaysite import django_threads
from gatewaysite.urls import urlpatterns as _all
from items.models import Item
from tests.gatewaysite.integration.rest_worker import rest_worker
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.integration.worker_help import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


class Stage:
    """What the views of this test do."""

    running = 0
    most = 0
    closed = threading.Event()
    produced = 0


def slow(request):
    Stage.running += 1
    Stage.most = max(Stage.most, Stage.running)
    time.sleep(0.02)
    Stage.running -= 1
    return HttpResponse(b"{}", content_type="application/json")


def endless(request):
    def rows():
        try:
            while True:
                Stage.produced += 1
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                yield b"x" * 40_000
        finally:
            Stage.closed.set()

    return StreamingHttpResponse(rows(), content_type="text/csv")


def asking(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", ["a secret"])
    return HttpResponse(b"{}", content_type="application/json")


def failing(request):
    raise RuntimeError("boom")


urlpatterns = [
    path("api/slow", slow),
    path("api/endless", endless),
    path("api/asking", asking),
    path("api/failing", failing),
    *_all,
]


@pytest.fixture
def acme():
    Stage.running = Stage.most = Stage.produced = 0
    Stage.closed.clear()
    yield create_workspace("acme", "Acme")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()


def test_a_view_is_answered_for_the_key_without_a_query_for_it(acme):
    Item.objects.create(workspace=acme, title="one")
    with rest_worker(acme) as worker:
        with counted_queries() as queries:
            talk = worker.fetch("GET", "/api/items")

        assert [row["title"] for row in talk.json["data"]] == ["one"]
        assert [query for query in queries if "apikeys" in query] == []
        assert talk.headers["x-content-type-options"] == "nosniff"


def test_a_write_is_seen_by_the_next_question(acme):
    with rest_worker(acme) as worker:
        first = worker.fetch("GET", "/api/items")
        made = worker.fetch("POST", "/api/items", b'{"title": "new"}')
        second, third = worker.fetch("GET", "/api/items"), worker.fetch("GET", "/api/items")

    assert made.status == 201
    assert (first.json["data"], len(second.json["data"])) == ([], 1)
    assert [talk.headers["x-cache-status"] for talk in (first, second, third)] == ["MISS", "MISS", "HIT"]


def test_a_tag_that_was_compressed_matches_its_version(acme):
    item = Item.objects.create(workspace=acme, title="one", description="word " * 500)
    with rest_worker(acme) as worker:
        seen = worker.fetch("GET", f"/api/items/{item.pk}", **{"accept-encoding": "gzip"}).headers["etag"]
        changed = worker.fetch("PATCH", f"/api/items/{item.pk}", b'{"title": "two"}', **{"if-match": seen})
        late = worker.fetch("PATCH", f"/api/items/{item.pk}", b'{"title": "three"}', **{"if-match": seen})

    assert seen.endswith('-gzip"')
    assert (changed.status, late.status) == (200, 412)


def test_a_key_without_the_permission_gets_no_answer_that_is_kept_for_others(acme):
    with rest_worker(acme) as worker, rest_worker(acme, permissions=("usage",)) as other:
        assert worker.fetch("GET", "/api/items").status == 200
        assert other.fetch("GET", "/api/items").status == 403


def test_errors_have_the_contracts_shape_and_the_doors_id(acme):
    with rest_worker(acme) as worker:
        for method, where, status in (("GET", "/api/nothing", 404), ("POST", "/api/items", 400), ("TRACE", "/api/items", 405)):
            talk = worker.fetch(method, where, b'{"unknown": 1}' if method == "POST" else None)
            assert talk.status == status
            assert set(talk.json["error"]) == {"message", "type", "param", "code"}
            assert talk.headers["x-request-id"].encode() in worker.logged()


def test_no_more_run_at_once_than_there_are_slots(acme):
    with rest_worker(acme) as worker:

        async def many() -> list[int]:
            return [talk.status for talk in await asyncio.gather(*[worker.get("/api/slow") for _ in range(8)])]

        assert worker.thread.run(many()) == [200] * 8

    assert Stage.most == 2


def test_connections_are_given_back_after_each_request(acme):
    with rest_worker(acme) as worker:
        closed: list[bool] = []
        worker.fetch("GET", "/api/asking")

        def look() -> None:
            closed.append(connection.connection is None)

        for _ in range(4):
            worker.thread.run(worker.django.run(look))

    assert closed == [True] * 4


def test_a_stream_comes_at_its_readers_pace_and_ends_when_the_reader_leaves(acme):
    with rest_worker(acme) as worker:

        async def read() -> None:
            talk = worker.begin("GET", "/api/endless")
            await talk.until(b"x")
            assert worker.slots._value >= 1
            talk.leave()
            await talk.done(30)

        worker.thread.run(read())
        wait_for(Stage.closed.is_set)

        async def slots() -> int:
            return worker.slots._value

        wait_for(lambda: worker.thread.run(slots()) == 2)


def test_an_export_streams_all_rows(acme):
    Item.objects.bulk_create([Item(workspace=acme, title=f"Item {number}") for number in range(1500)])
    with rest_worker(acme) as worker:
        talk = worker.fetch("GET", "/api/items/export?format=ndjson")

    assert len(talk.body.splitlines()) == 1500
    assert "content-length" not in talk.headers


def test_a_client_that_leaves_lets_a_write_end(acme):
    with rest_worker(acme) as worker:

        async def leave() -> None:
            talk = worker.begin("POST", "/api/items", b'{"title": "kept"}')
            talk.leave()
            await talk.done(30)

        worker.thread.run(leave())
        worker.fetch("GET", "/api/asking")

    assert Item.objects.count() in {0, 1}  # it left before or after it began; nothing hangs


def test_what_took_long_is_logged_with_the_text_of_its_queries_and_no_parameter(acme):
    with rest_worker(acme, slow_total_ms=0.0) as worker:
        worker.fetch("GET", "/api/asking")
        (event,) = [json.loads(line) for line in worker.logged().splitlines()]

    assert event["event"] == "slow_request"
    assert [query["sql"] for query in event["queries"]] == ["SELECT %s::text"]
    assert "a secret" not in json.dumps(event)


def test_a_bug_outside_of_the_views_is_a_500(acme, caplog):
    with rest_worker(acme) as worker:
        assert worker.fetch("GET", "/api/failing").status == 500


@pytest.mark.parametrize(
    ("where", "label", "cached_as"),
    [
        ("/api/items", "/api/items", "items"),
        ("/api/items/01a1ffaf-ab5f-760b-89dd-26519e4c880d", "/api/items", "items"),
        ("/api/keys", "/api/keys", ""),
        ("/api/usage/records", "/api/usage", ""),
        ("/api/nothing/at/all", "/api", ""),
        ("/api", "/api", ""),
        ("/elsewhere", "/api", ""),
    ],
)
def test_where_a_path_leads_is_of_a_closed_set(where, label, cached_as):
    route = django_threads.DjangoThreads(asyncio.Semaphore(1), threads_count=1).find_route(where)

    assert (route.label, route.cached_as) == (label, cached_as)
