"""Requests, answers and streams of OpenAI's Responses dialect, for the suites of the data plane."""

from __future__ import annotations

import json
import re
from typing import Any

from common.secret import Secret
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, Target
from proxy.wire.model_request import ModelRequest
from proxy.wire.responses import parse_responses_request

BACKEND = Backend("main", "openai", Endpoint("https", "openai.invalid", 443, "/v1"), Timeouts(), Secret("sk-openai"))
AZURE = Backend("azure", "azure", Endpoint("https", "azure.invalid", 443, "/openai/v1"), Timeouts(), Secret("az-key"))
SIMULATOR = Backend("sim", "simulator", Endpoint("http", "127.0.0.1", 9, "/v1"), Timeouts())
CHAT_ONLY = Backend("chat", "openai_compatible", Endpoint("https", "compatible.invalid", 443, "/v1"), Timeouts())
TARGET = Target("main", "gpt-5-mini")
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 17,
}
_MADE_ID = re.compile(r"\b(resp|msg|rs|fc)_[0-9a-f]{32}\b")


def ask(**fields: Any) -> bytes:
    """Return the body of a request for a response."""
    return json.dumps({"model": "gpt", "input": "Hello!", **fields}).encode()


def asked(**fields: Any) -> ModelRequest:
    return parse_responses_request(ask(**fields), 64)


def message_item(text: str = "Hi.", item_id: str = "msg_1") -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def call_item(call_id: str = "call_1", arguments: str = "{}", item_id: str = "fc_1", name: str = "look_up") -> dict[str, Any]:
    return {"id": item_id, "type": "function_call", "status": "completed", "call_id": call_id, "name": name, "arguments": arguments}


def response(*output: dict[str, Any], status: str = "completed", usage: Any = USAGE, **fields: Any) -> dict[str, Any]:
    """Return a whole answer."""
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "output": list(output), "usage": usage, **fields}


def event(kind: str, number: int = 0, **fields: Any) -> bytes:
    """Return one event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, "sequence_number": number, **fields}).encode())


def text_delta(text: str, number: int = 0) -> bytes:
    return event("response.output_text.delta", number, item_id="msg_1", output_index=0, content_index=0, delta=text, logprobs=[])


CREATED = event("response.created", 0, response=response(status="in_progress", usage=None))
IN_PROGRESS = event("response.in_progress", 1, response=response(status="in_progress", usage=None))
ITEM_ADDED = event("response.output_item.added", 2, output_index=0, item=message_item("") | {"status": "in_progress", "content": []})
HEL = text_delta("Hel", 4)
LO = text_delta("lo!", 5)
COMPLETED = event("response.completed", 8, response=response(message_item("Hello!")))
HELLO = [CREATED, IN_PROGRESS, ITEM_ADDED, HEL, LO, COMPLETED]


def parse_events(stream: bytes) -> list[dict[str, Any]]:
    """Return the data of a stream's events; the name of each is its type."""
    events = []
    for block in stream.split(b"\n\n")[:-1]:
        name, data = block.split(b"\ndata: ")
        fields = json.loads(data)
        assert name == b"event: " + fields["type"].encode()
        events.append(fields)
    return events


def with_short_ids(value: Any) -> Any:
    """Return the same with `msg_1`, `msg_2`, ... in the place of the ids that were made, in the order of their appearance."""
    seen: dict[str, str] = {}
    counts: dict[str, int] = {}

    def shorten(match: re.Match[str]) -> str:
        if match[0] not in seen:
            counts[match[1]] = counts.get(match[1], 0) + 1
            seen[match[0]] = f"{match[1]}_{counts[match[1]]}"
        return seen[match[0]]

    return json.loads(_MADE_ID.sub(shorten, json.dumps(value)))
