"""What was decided, read from a real installation: at once from the spool, later from the database, by whoever may."""

from __future__ import annotations

import pytest

from tests.console_talk import Console
from tests.http_talk import CHAT, chat, check_error
from tests.installation import Installation


def _decision(installation: Installation, key: str, request_id: str) -> dict:
    reply = installation.get(f"/v1/requests/{request_id}", key)
    assert reply.status == 200, reply.body
    return reply.json


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_decision_is_there_with_the_answer_and_the_same_when_it_was_shipped(installation, keys, is_stream):
    asked = installation.post(CHAT, chat(stream=is_stream), keys["everything"])

    at_once = _decision(installation, keys["everything"], asked.request_id)
    installation.record_of(asked.request_id)
    later = _decision(installation, keys["everything"], asked.request_id)

    assert (at_once["outcome"], at_once["status"], at_once["is_stream"]) == ("ok", 200, is_stream)
    assert at_once["usage"]["output_tokens"] > 0
    assert later == at_once
    assert installation.get(f"/api/requests/{asked.request_id}", keys["everything"]).json["decision"] == at_once["decision"]


def test_a_decision_is_hidden_from_another_workspace_and_shown_in_the_console(installation, keys, console: Console):
    asked = installation.post(CHAT, chat(), keys["everything"])
    outsider = installation.create_key()

    check_error(installation.get(f"/v1/requests/{asked.request_id}", outsider), 404, "invalid_request_error", "not_found")
    check_error(installation.get(f"/api/requests/{asked.request_id}", outsider), 404, "invalid_request_error", "not_found")
    assert asked.request_id in console.get(f"/api/requests/{asked.request_id}").text


def test_what_would_happen_is_what_happens(installation, keys):
    explained = installation.post("/v1/explain", {"endpoint": CHAT, "body": chat()}, keys["narrow"]).json
    refused = installation.post("/v1/explain", {"endpoint": CHAT, "body": chat("sim-chat")}, keys["narrow"]).json

    assert explained["would"] == "forward"
    assert installation.post(CHAT, chat(), keys["narrow"]).headers["x-gateway-backend"] == explained["candidates"][0]["backend"]
    assert refused["would"] == "refuse"
    assert refused["error"] == installation.post(CHAT, chat("sim-chat"), keys["narrow"]).json["error"]
