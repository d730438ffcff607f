"""The law of the REST cache: what is answered is never older than the last write that was committed before the question, on any worker."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from functools import partial

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from apikeys.public import create_workspace
from common.rest import freshness
from common.rest.freshness import note_change
from items.models import Item
from tests.gatewaysite.integration.rest_worker import RestWorker, rest_worker
from tests.proxy.integration.worker_help import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 3.0
ITEMS = 3


class Failure(Exception):
    pass


class History:
    """What was committed last of each item, known the moment after COMMIT and before anybody is told."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.last = {str(item.pk): 0 for item in items}
        self._numbers = iter(range(1, 1_000_000))
        self._locks = {str(item.pk): threading.Lock() for item in items}

    def write(self, choice: random.Random) -> None:
        item = choice.choice(self.items)
        key = str(item.pk)
        with self._locks[key]:
            number = next(self._numbers)
            try:
                with transaction.atomic():
                    transaction.on_commit(partial(self.last.__setitem__, key, number))
                    Item.objects.filter(pk=item.pk).update(title=str(number))
                    note_change(item.workspace_id, "items")
                    time.sleep(choice.choice((0, 0, 0.002, 0.03)))
                    if choice.random() < 0.2:
                        raise Failure
            except Failure:
                pass


def _write_until(deadline: float, history: History, seed: int, errors: list[BaseException]) -> None:
    choice = random.Random(seed)
    try:
        while time.monotonic() < deadline:
            history.write(choice)
            time.sleep(choice.choice((0.001, 0.01, 0.05)))
    except BaseException as error:
        errors.append(error)
    finally:
        connection.close()


async def _read_until(deadline: float, worker: RestWorker, history: History, seed: int, results: Counter[str]) -> None:
    choice = random.Random(seed)
    while time.monotonic() < deadline:
        key = choice.choice(list(history.last))
        is_list = choice.random() < 0.3
        floors = dict(history.last)
        talk = await worker.get("/api/items?limit=10" if is_list else f"/api/items/{key}")
        assert talk.status == 200, talk.body
        shown = {row["id"]: int(row["title"]) for row in (talk.json["data"] if is_list else [talk.json])}
        status = talk.headers["x-cache-status"]
        for each, number in shown.items():
            assert number >= floors[each], f"{status}: {number} was shown after {floors[each]} was committed"
        results[status] += 1
        await asyncio.sleep(choice.choice((0, 0, 0.002)))


def test_no_answer_is_older_than_what_was_committed_before_the_question(monkeypatch):
    monkeypatch.setattr(freshness, "_TIMEOUT_S", PATIENCE_S)  # on a busy machine a write would go on without Redis
    workspace = create_workspace("acme", "Acme")
    history = History([Item.objects.create(workspace=workspace, title="0") for _ in range(ITEMS)])
    results: Counter[str] = Counter()
    errors: list[BaseException] = []
    with rest_worker(workspace) as one, rest_worker(workspace) as two:
        deadline = time.monotonic() + SECONDS
        writers = [threading.Thread(target=_write_until, args=(deadline, history, seed, errors)) for seed in range(2)]
        readers = [
            asyncio.run_coroutine_threadsafe(_read_until(deadline, worker, history, seed, results), worker.thread._loop)
            for seed, worker in enumerate((one, one, one, two, two, two))
        ]
        for writer in writers:
            writer.start()
        for reader in readers:
            reader.result(PATIENCE_S + SECONDS)
        for writer in writers:
            writer.join()
        quiet = [worker.fetch("GET", "/api/items?limit=10") for worker in (one, two, one, two)]

    assert errors == []
    assert results["HIT"] > 0
    assert results["MISS"] > 0
    assert {talk.headers["x-cache-status"] for talk in quiet[2:]} == {"HIT"}
    assert {int(row["title"]) for row in quiet[3].json["data"]} == set(history.last.values())
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
