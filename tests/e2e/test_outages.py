"""Processes that are killed and stores that stand still: callers go on being answered, and nothing is lost or counted twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from apikeys.hotpath import create_key_text
from tests.http_talk import CHAT, Reply, bearer, chat, check_error, read, send, wait_for
from tests.installation import Installation, frozen
from tests.load import MIXED, Ending, Load, check_account
from tests.metrics import answered_count
from tests.processes import descendants


@pytest.fixture
def key(installation: Installation) -> Iterator[str]:
    """A key of the test's own; afterwards everything runs again as before."""
    yield installation.create_key()
    installation.wait_for_workers()
    wait_for(lambda: installation.get("/health").json["status"] == "ok")


def _warm(installation: Installation, key: str) -> None:
    assert {reply.status for reply in _ask_every_worker(installation, key)} == {200}


def _ask_every_worker(installation: Installation, key: str, times: int = 1) -> list[Reply]:
    with installation.connections() as connections:
        return [read(send(each, "POST", CHAT, chat(), bearer(key))) for each in connections.values() for _ in range(times)]


def _postgres(installation: Installation) -> list[int]:
    return [installation.postgres_pid, *(process.pid for process in descendants(installation.postgres_pid))]


def test_usage_survives_a_killed_worker_and_a_killed_database(installation: Installation, key: str) -> None:
    with Load(installation, key, MIXED, callers_count=6, pause_s=0.05) as load:
        load.wait_for_answers(20)
        killed, other = installation.workers()
        os.kill(killed, signal.SIGKILL)
        load.wait_for_answers(20)
        os.kill(installation.postgres_pid, signal.SIGKILL)
        load.wait_for_answers(20)
        workers = installation.wait_for_workers(without=[killed])
        load.wait_for_answers(20)

    assert other in workers
    account = check_account(load)
    print(account)
    assert load.count(Ending.REFUSED) == 0


def test_the_streams_of_a_killed_worker_are_recorded_as_interrupted(installation: Installation, key: str) -> None:
    with installation.connections() as connections:
        answers = {
            pid: send(each, "POST", CHAT, chat("sim-chat", "Answer in 90 words.", stream=True), bearer(key))
            for pid, each in connections.items()
        }
        killed, other = answers
        assert all(answer.read1(10) for answer in answers.values())

        os.kill(killed, signal.SIGKILL)

        assert b"[DONE]" not in answers[killed].read1()
        assert answers[other].read().endswith(b"data: [DONE]\n\n")
        ids = {pid: answer.headers["x-request-id"] for pid, answer in answers.items()}
    interrupted, answered = installation.record_of(ids[killed]), installation.record_of(ids[other])
    assert (interrupted["outcome"], interrupted["status"], interrupted["error_code"]) == ("interrupted", 500, "interrupted")
    assert (answered["outcome"], answered["status"]) == ("ok", 200)
    assert len(installation.records_of(key)) == 2


def test_counts_survive_the_worker_that_counted(installation: Installation, key: str) -> None:
    before = answered_count(installation)
    _ask_every_worker(installation, key, times=3)

    counted = answered_count(installation)  # a scrape waits until every worker has carried its counts over
    killed = installation.workers()[0]
    os.kill(killed, signal.SIGKILL)
    installation.wait_for_workers(without=[killed])

    assert counted == before + 6
    assert answered_count(installation) == before + 6


def test_requests_with_a_warm_key_go_on_while_postgresql_stands_still(installation: Installation, key: str) -> None:
    _warm(installation, key)
    unknown: list[Reply] = []
    stranger = threading.Thread(target=lambda: unknown.append(installation.post(CHAT, chat(), create_key_text()[0])))

    with frozen(*_postgres(installation)):
        stranger.start()
        replies = _ask_every_worker(installation, key, times=10)
        garbage = installation.post(CHAT, chat(), "garbage")
        stranger.join()
        health = installation.get("/health")

    assert [reply.status for reply in replies] == [200] * 20
    check_error(garbage, 401, "authentication_error", "invalid_api_key")
    # Nobody can tell who that is: that is no "wrong key".
    check_error(unknown[0], 503, "api_error", "store_unavailable")
    assert health.status == 200
    wait_for(lambda: len(installation.records_of(key)) == 22)
    assert {row["outcome"] for row in installation.records_of(key)} == {"ok"}


def test_a_worker_born_while_postgresql_is_away_serves_what_is_known(installation: Installation, key: str) -> None:
    _warm(installation, key)
    replies: list[Reply] = []
    postgres = _postgres(installation)
    assert installation.process is not None

    with frozen(installation.process.pid):  # or it would start PostgreSQL again
        os.kill(postgres[0], signal.SIGKILL)
        wait_for(lambda: not any(process.pid in postgres for process in descendants(installation.process.pid)))
        killed = installation.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        installation.wait_for_workers(without=killed)

        replies += _ask_every_worker(installation, key, times=5)
        health = installation.get("/health")

    assert [reply.status for reply in replies] == [200] * 10
    assert (health.json["status"], health.json["checks"]["postgresql"]) == ("degraded", "unavailable")
    assert int(replies[0].headers["x-gateway-revision"]) >= 2
    wait_for(lambda: installation.get("/health").json["status"] == "ok")
    wait_for(lambda: len(installation.records_of(key)) == 12)
    assert {str(row["request_id"]) for row in installation.records_of(key)} >= {reply.request_id for reply in replies}


def test_requests_go_on_while_valkey_stands_still(installation: Installation, key: str) -> None:
    _warm(installation, key)

    with frozen(installation.valkey_pid):
        replies = _ask_every_worker(installation, key, times=5)

    assert [reply.status for reply in replies] == [200] * 10


def test_a_revoked_key_is_refused_even_when_nobody_hears_the_announcement(installation: Installation, key: str) -> None:
    _warm(installation, key)
    [row] = installation.sql("SELECT api_key_id AS id FROM apikeys_apikeysecret WHERE public_id = %s", [key.split("_")[2]])

    with frozen(installation.valkey_pid):
        installation.manage("shell", "--no-imports", "-c", _REVOKE % row["id"])
        wait_for(lambda: {reply.status for reply in _ask_every_worker(installation, key)} == {401}, within_s=8)  # promised are 5


_REVOKE = "from apikeys.domain import revoke_key; from apikeys.models import ApiKey; revoke_key(ApiKey.objects.get(pk='%s'))"


def test_valkey_that_dies_comes_back_and_limits_hold_again(installation: Installation, key: str) -> None:
    _warm(installation, key)
    died = installation.valkey_pid

    os.kill(died, signal.SIGKILL)
    replies = _ask_every_worker(installation, key, times=5)

    assert [reply.status for reply in replies] == [200] * 10
    wait_for(lambda: installation.valkey_pid != died)
    wait_for(lambda: installation.get("/health").json["checks"]["redis"] == "ok")


@pytest.mark.parametrize("word", ["manage.py maintenance", "proxy.simulator"])
def test_a_process_beside_the_gateway_that_dies_is_started_again(installation: Installation, key: str, word: str) -> None:
    died = installation.child(word)

    os.kill(died, signal.SIGKILL)
    wait_for(lambda: (pid := installation.find_child(word)) is not None and pid != died)

    reply = wait_for(lambda: (reply := installation.post(CHAT, chat(), key)).status == 200 and reply)
    assert installation.record_of(reply.request_id)["outcome"] == "ok"
