"""`/api` as programs see it, through two real workers: kept answers, limits, codings and times."""

from __future__ import annotations

import json
import uuid
import zlib

from tests.http_talk import bearer, send, wait_for


def _get(connection, key, path="/api/items", **headers):
    answer = send(connection, "GET", path, None, bearer(key) | headers)
    return answer, answer.read()


def test_what_one_worker_kept_another_gives_and_what_one_wrote_another_shows(installation):
    key = installation.create_key()
    path = f"/api/items?q={uuid.uuid4().hex}"
    title = path.partition("=")[2]
    with installation.connections() as connections:
        one, two = connections.values()
        assert _get(one, key, path)[0].status == 200
        wait_for(lambda: _get(one, key, path)[0].headers["x-cache-status"] == "HIT")
        wait_for(lambda: _get(two, key, path)[0].headers["x-cache-status"] == "HIT")

        made = installation.post("/api/items", {"title": title}, key)
        assert made.status == 201

        for connection in (two, one):
            wait_for(lambda connection=connection: len(json.loads(_get(connection, key, path)[1])["data"]) == 1)


def test_every_answer_has_its_id_and_times_and_the_log_the_same_id(installation):
    key = installation.create_key()
    for answer in (installation.get("/api/items", key), installation.get("/api/nothing", key), installation.get("/api/schema")):
        assert answer.headers["x-response-time"].endswith("ms")
        assert float(answer.headers["x-process-time"]) > 0
        assert answer.headers["x-cache-status"] in {"HIT", "MISS", "BYPASS"}
    for path in ("/v1/models", "/admin/login/", "/livez", "/static/gatewaysite/favicon.svg"):
        assert installation.get(path, key).headers["x-response-time"].endswith("ms"), path
    found = installation.get("/api/items", key).headers["x-request-id"]

    wait_for(lambda: any(event.get("request_id") == found for event in installation.log_events()))


def test_a_large_answer_comes_compressed_to_who_asks_for_it(installation):
    key = installation.create_key()
    rows = [{"title": f"Item {number}", "description": "word " * 20} for number in range(20)]
    assert installation.post("/api/items/bulk", {"items": rows}, key).status == 201

    with installation.connections() as connections:
        connection = next(iter(connections.values()))
        plain, body = _get(connection, key, "/api/items?limit=20")
        coded, small = _get(connection, key, "/api/items?limit=20", **{"accept-encoding": "gzip"})

    assert (coded.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
    assert len(small) < len(body) / 3
    assert len(json.loads(zlib.decompress(small, 31))["data"]) == 20


def test_limits_bind_rest_as_they_bind_inference(installation, keys):
    statuses = [installation.get("/api/keys", keys["paced"]).status for _ in range(6)]

    assert 429 in statuses
