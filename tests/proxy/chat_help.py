"""Chat requests, answers and streams as they look on the wire, for the suites of the data plane."""

from __future__ import annotations

import json
from typing import Any

DONE = b"data: [DONE]\n\n"


def chat(model: str = "gpt", **fields: Any) -> bytes:
    """Return the body of a chat request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}], **fields}).encode()


def answer(text: str = "Hi.", usage: dict[str, Any] | None = None) -> bytes:
    """Return the body of a whole answer."""
    message = {"role": "assistant", "content": text}
    body: dict[str, Any] = {"id": "c1", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return json.dumps(body | ({"usage": usage} if usage else {})).encode()


def event(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def delta(finish_reason: str | None = None, **fields: Any) -> bytes:
    """Return one chunk of a stream."""
    return event(
        {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}
    )


def usage_chunk(prompt: int = 5, completion: int = 3, cached: int | None = None) -> bytes:
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": usage})


ROLE = delta(role="assistant", content="")
HELLO = delta(content="Hel")
WORLD = delta(content="lo!")
STOP = delta("stop")
USAGE = usage_chunk()


def parse_frames(body: bytes) -> list[Any]:
    """Return the data of a stream's events: JSON, and `[DONE]` as the text it is. Comments are left out."""
    frames = [block.removeprefix(b"data: ") for block in body.split(b"\n\n") if block.startswith(b"data: ")]
    return ["[DONE]" if frame == b"[DONE]" else json.loads(frame) for frame in frames]
