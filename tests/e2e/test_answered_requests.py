"""What an answered request leaves behind: its record with usage and cost, its counts over all workers, its line in the log."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.http_talk import CHAT, Reply, bearer, chat, read, send, wait_for
from tests.installation import Installation
from tests.metrics import read_metrics, sum_of
from tests.shared_installation import CREDENTIAL

INPUT_NANO_USD, OUTPUT_NANO_USD = 150, 600  # of the simulator, a token


def _log_of(installation: Installation, request_id: str) -> list[dict[str, Any]]:
    return [event for event in installation.log_events() if event.get("request_id") == request_id]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CHAT, chat()),
        ("POST", CHAT, chat(stream=True)),
        ("GET", "/v1/models", None),
        ("GET", "/v1/models/sim-fast", None),
        ("POST", CHAT, chat("gpt-99")),
        ("POST", CHAT, chat("sim-500")),
    ],
    ids=["whole", "stream", "models", "model", "unknown model", "failing provider"],
)
def test_every_answer_says_who_it_is_and_what_is_left(
    installation: Installation, keys: dict[str, str], method: str, path: str, body: dict[str, Any] | None
) -> None:
    reply = installation.post(path, body, keys["everything"]) if method == "POST" else installation.get(path, keys["everything"])

    headers = reply.headers
    assert headers["x-request-id"] == headers["request-id"]
    assert int(headers["x-gateway-revision"]) >= 2
    assert int(headers["x-ratelimit-limit-requests"]) == 300
    assert 0 <= int(headers["x-ratelimit-remaining-requests"]) <= 300
    assert headers["x-ratelimit-reset-requests"]
    assert float(headers["x-response-time"].removesuffix("ms")) > 0
    assert "total;dur=" in headers["server-timing"]


@pytest.mark.parametrize("is_stream", [False, True])
def test_the_record_has_what_the_provider_counted_and_what_it_costs(installation: Installation, is_stream: bool) -> None:
    key = installation.create_key()
    options = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}

    reply = installation.post(CHAT, chat("sim-fast", "Repeat: one two three four", **options), key)

    usage = reply.events[-2]["usage"] if is_stream else reply.json["usage"]
    cost = usage["prompt_tokens"] * INPUT_NANO_USD + usage["completion_tokens"] * OUTPUT_NANO_USD
    record = installation.record_of(reply.request_id)
    [only] = installation.records_of(key)
    assert record == only
    assert usage["completion_tokens"] == 4
    assert (record["input_tokens"], record["output_tokens"]) == (usage["prompt_tokens"], 4)
    assert (record["cost_nano_usd"], record["usage_source"]) == (cost, "provider")
    assert (record["status"], record["outcome"], record["is_stream"]) == (200, "ok", is_stream)
    assert (record["model"], record["backend"], record["provider"], record["upstream_model"]) == (
        "sim-fast",
        "simulator",
        "simulator",
        "sim-fast",
    )
    assert record["latency_ms"] > 0
    assert (record["first_token_ms"] is not None) == is_stream
    if not is_stream:
        assert round(float(reply.headers["x-gateway-cost-usd"]) * 1e9) == cost


def test_a_stream_that_did_not_ask_for_usage_is_charged_all_the_same(installation: Installation, keys: dict[str, str]) -> None:
    reply = installation.post(CHAT, chat("sim-fast", "Repeat: one two three", stream=True), keys["everything"])

    assert all(event["choices"] for event in reply.events[:-1])
    assert not any(event.get("usage") for event in reply.events[:-1])
    assert installation.record_of(reply.request_id)["output_tokens"] == 3


def test_requests_over_both_workers_count_once_each(installation: Installation, keys: dict[str, str]) -> None:
    before = read_metrics(installation)
    replies: list[Reply] = []

    with installation.connections() as connections:
        for connection in connections.values():
            replies += [read(send(connection, "POST", CHAT, chat(), bearer(keys["everything"]))) for _ in range(7)]

    after = read_metrics(installation)

    def grown(name: str, **labels: str) -> float:
        return sum_of(after, name, **labels) - sum_of(before, name, **labels)

    usages = [reply.json["usage"] for reply in replies]
    assert len(replies) == 14
    assert grown("http_requests_total", route=CHAT, method="POST", status_code="200") == 14
    assert grown("request_duration_seconds_count", route=CHAT) == 14
    assert grown("request_duration_seconds_bucket", route=CHAT, le="+Inf") == 14
    assert grown("tokens_total", model="sim-fast", direction="input") == sum(usage["prompt_tokens"] for usage in usages)
    assert grown("tokens_total", model="sim-fast", direction="output") == sum(usage["completion_tokens"] for usage in usages)
    assert grown("cost_nano_usd_total", model="sim-fast") == sum(
        round(float(reply.headers["x-gateway-cost-usd"]) * 1e9) for reply in replies
    )
    assert sum_of(after, "requests_in_flight") == 0
    assert sum_of(after, "active_streams") == 0


def test_what_callers_write_makes_no_series(installation: Installation, keys: dict[str, str]) -> None:
    installation.post(CHAT, chat("made-up-model-name"), keys["everything"])
    installation.get("/v1/made-up-path", keys["everything"])

    assert b"made-up" not in installation.get("/metrics").body


def test_each_request_has_one_line_in_the_log(installation: Installation, keys: dict[str, str]) -> None:
    answered = installation.post(CHAT, chat(), keys["everything"])
    refused = installation.post(CHAT, chat(), "garbage")

    [event] = wait_for(lambda: _log_of(installation, answered.request_id))
    assert event["event"] == "request"
    assert (event["route"], event["method"], event["status"], event["backend"]) == (CHAT, "POST", 200, "simulator")
    assert 0 < event["overhead_ms"] <= event["latency_ms"]
    assert event["ts"].endswith("Z")
    [event] = wait_for(lambda: _log_of(installation, refused.request_id))
    assert (event["status"], event["error"]) == (401, "invalid_api_key")


def test_a_slow_request_is_logged_as_one_with_its_stages(installation: Installation, keys: dict[str, str]) -> None:
    reply = installation.post(CHAT, chat("sim-slow", max_tokens=1), keys["everything"])

    [event] = wait_for(lambda: _log_of(installation, reply.request_id))
    assert (event["event"], event["level"], event["status"]) == ("slow_request", "warning", 200)
    assert event["latency_ms"] > 2000
    assert event["stages_ms"]["upstream"] > 1900
    assert event["overhead_ms"] < 1000


def test_the_credential_and_keys_are_written_down_nowhere(installation: Installation, keys: dict[str, str]) -> None:
    reply = installation.post(CHAT, chat("test-guarded", "a prompt that is nobody's business"), keys["everything"])
    installation.post(CHAT, chat(), "sk-somebody-elses-secret")
    wait_for(lambda: _log_of(installation, reply.request_id))
    installation.record_of(reply.request_id)
    places = {str(path): path.read_bytes() for path in _files(installation)}
    places["metrics"] = installation.get("/metrics").body
    places["export"] = installation.manage("export").encode()
    places["valkey"] = _dump_valkey(installation)
    for table in ("proxy_configurationrevision", "proxy_backend", "apikeys_apikeysecret", "apikeys_apikey", "proxy_usagerecord"):
        places[table] = json.dumps(installation.sql(f"SELECT t::text FROM {table} t")).encode()  # noqa: S608  # names of ours

    secrets = [CREDENTIAL, "sk-somebody-elses-secret", "nobody's business", *(key.split("_")[3] for key in keys.values())]
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret.encode() in text]
    assert found == []


def _files(installation: Installation) -> list[Path]:
    """The files of the installation that are not the databases' own."""
    data = installation.data_dir
    return [path for folder in (data.logs, data.spool, data.metrics) for path in folder.iterdir()] + [data.snapshot_file]


def _dump_valkey(installation: Installation) -> bytes:
    with redis.Redis(unix_socket_path=str(installation.data_dir.valkey_socket)) as client:
        found = [key for key in client.scan_iter() if client.type(key) == b"string"]
        return b"\n".join(part for key in found for part in (key, client.get(key) or b""))


def test_files_with_secrets_are_their_owners_alone(installation: Installation) -> None:
    data = installation.data_dir

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data.bootstrap_file, data.secrets_file, data.snapshot_file)}

    assert modes == {"bootstrap.json": 0o600, "secrets.json": 0o600, "snapshot.bin": 0o600}
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(data.logs.stat().st_mode) == 0o700
    assert set(installation.bootstrap) == {"base_url", "admin_user", "admin_password", "api_key"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_operators_are_told_that_all_is_well(installation: Installation, path: str) -> None:
    reply = installation.get(path)

    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    if path == "/health":
        assert reply.json["status"] == "ok"
        assert reply.json["checks"] == {"postgresql": "ok", "redis": "ok"}
