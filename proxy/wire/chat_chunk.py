"""
One event of a chat or completions stream, as far as a gateway must understand one that it passes on: does it hold content, usage, an error?

Everything else in it is the client's business.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from proxy.wire.bad_request import UNREADABLE
from proxy.wire.openai_error import parse_stream_error, read_choice_error
from proxy.wire.openai_usage import UsageBody, VendorUsage, read_usage
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage


class ChunkView(NamedTuple):
    """
    `is_usage_only`: it is there for the count alone. `text_length` is how many characters of text, reasoning or arguments it brings.

    `has_content`: a reader would notice it: anything but a role.
    """

    has_content: bool = False
    text_length: int = 0
    is_usage_only: bool = False
    usage: Usage | None = None
    error: UpstreamErrorDetail | None = None


class _Chunk(msgspec.Struct):
    choices: list[dict[str, Any]] | None = None
    usage: UsageBody | None = None
    x_groq: VendorUsage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Chunk)


def view_chunk(data: bytes) -> ChunkView:
    """
    Read the data of one event.

    Errors: ValueError for what is no chunk.
    """
    try:
        chunk = _decoder.decode(data)
    except UNREADABLE as error:
        raise ValueError("not a chunk of a stream") from error
    if chunk.error:
        return ChunkView(error=parse_stream_error(data))
    choices = chunk.choices
    if choices is None:
        raise ValueError("a chunk without choices")
    for choice in choices:
        if choice.get("error") or choice.get("finish_reason") == "error":
            return ChunkView(error=read_choice_error(choice.get("error")))
    usage = read_usage(chunk.usage or (chunk.x_groq.usage if chunk.x_groq else None))
    text_length = sum(map(_text_length, choices))
    has_content = text_length > 0 or any(map(_has_content, choices))
    return ChunkView(has_content, text_length, chunk.usage is not None and not choices, usage)


def count_plain(block: bytes) -> int:
    """
    Return the number of events in a block that holds nothing a gateway acts on, so that it may pass unread; -1 for every other block.

    A frame that was cut off does not end with a brace. OpenAI says `"usage":null` in every chunk of a stream whose usage was asked for.
    """
    if b'"error"' in block or b"[DONE]" in block:
        return -1
    if b'"usage"' in block and block.count(b'"usage"') != block.count(b'"usage":null'):
        return -1
    if block.find(b"\n\n") == len(block) - 2:
        return 1 if block.endswith(b"}\n\n") else -1
    count = block.count(b"\n\n")
    if block.count(b"}\n\n") != count:
        return -1
    return count or block.count(b"}\r\n\r\n")


def _has_content(choice: dict[str, Any]) -> bool:
    if choice.get("finish_reason"):
        return True
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")


def _text_length(choice: dict[str, Any]) -> int:
    text = choice.get("text")  # the completions dialect
    length = len(text) if isinstance(text, str) else 0
    delta = choice.get("delta")
    if isinstance(delta, dict):
        for name, value in delta.items():
            if isinstance(value, str) and name != "role":
                length += len(value)
            elif name == "tool_calls" and isinstance(value, list):
                length += sum(map(_arguments_length, value))
    return length


def _arguments_length(call: object) -> int:
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    return len(arguments) if isinstance(arguments, str) else 0
