"""Requests, answers and streams of Anthropic's Messages dialect, for the suites of the data plane."""

from __future__ import annotations

import json
from typing import Any

from common.secret import Secret
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, Target
from proxy.wire.messages import parse_messages_request
from proxy.wire.model_request import ModelRequest

BACKEND = Backend("claude", "anthropic", Endpoint("https", "anthropic.invalid", 443, "/v1"), Timeouts(), Secret("sk-ant"))
TARGET = Target("claude", "claude-sonnet-4-5")
USAGE = {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3}


def ask(**fields: Any) -> bytes:
    """Return the body of a request for a message."""
    body = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}], **fields}
    return json.dumps(body).encode()


def asked(query: str = "", **fields: Any) -> ModelRequest:
    return parse_messages_request(ask(**fields), 64, query)


def message(*content: dict[str, Any], stop_reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    """Return a whole answer."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


def event(kind: str, **fields: Any) -> bytes:
    """Return one event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def start_block(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def stop_block(index: int) -> bytes:
    return event("content_block_stop", index=index)


def message_delta(stop_reason: str | None = "end_turn", stop_sequence: str | None = None, **usage: int) -> bytes:
    return event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": stop_sequence}, usage={"output_tokens": 3, **usage})


START = event("message_start", message=message(stop_reason=None, usage=USAGE | {"output_tokens": 1}))
TEXT_START = start_block(0, "text", text="")
PING = event("ping")
HEL = delta(0, "text_delta", text="Hel")
LO = delta(0, "text_delta", text="lo!")
TEXT_STOP = stop_block(0)
END_TURN = message_delta()
STOP = event("message_stop")
HELLO = [START, TEXT_START, PING, HEL, LO, TEXT_STOP, END_TURN, STOP]


def parse_events(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream by name, with their data; the name and the data's `type` are the same."""
    events = []
    for block in stream.split(b"\n\n")[:-1]:
        name, data = block.split(b"\ndata: ")
        fields = json.loads(data)
        assert name == b"event: " + fields.pop("type").encode()
        events.append((name.removeprefix(b"event: ").decode(), fields))
    return events
