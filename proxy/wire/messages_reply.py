"""
Anthropic's Messages format as a provider writes it: messages, the events of their streams, usage and errors.

Rules: no I/O. Unknown fields, block types and event types are passed over, as Anthropic's versioning asks of every reader.
Source: https://platform.claude.com/docs/en/api/versioning
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.wire.bad_request import UNREADABLE
from proxy.wire.upstream_error import ErrorClass, UpstreamErrorDetail
from proxy.wire.usage import Usage, clamp_tokens


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """What was counted so far; a count that is not told is None."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None


class Block(msgspec.Struct):
    """One piece of an answer, and what a stream's `content_block_start` says of it. `input` is JSON as it was written."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class StopDetails(msgspec.Struct):
    explanation: str | None = None


class _ErrorDetails(msgspec.Struct):
    error_code: str | None = None


class ErrorFields(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    param: str | None = None
    details: _ErrorDetails | None = None


class Message(msgspec.Struct):
    """A whole answer, and what a stream's `message_start` says of it."""

    type: str
    id: str = ""
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: UsageBody | None = None
    error: ErrorFields | None = None


class Delta(msgspec.Struct):
    """The `delta` of `content_block_delta` and of `message_delta`."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Event(msgspec.Struct):
    """One event of a stream."""

    type: str
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: UsageBody | None = None
    error: ErrorFields | None = None


class MessageHead(msgspec.Struct):
    """A whole answer whose content nobody looks into."""

    type: str
    content: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None
    error: ErrorFields | None = None


class _Count(msgspec.Struct):
    input_tokens: int


class _ErrorBody(msgspec.Struct):
    error: ErrorFields


_CLASS_BY_MESSAGE: Final[tuple[tuple[str, ErrorClass], ...]] = (  # what Anthropic tells apart in its words alone
    ("prompt is too long", "context_length"),
    ("exceed context limit", "context_length"),
    ("exceeds the context window", "context_length"),
    ("maximum context length", "context_length"),  # vLLM and others that speak this dialect
    ("content filtering policy", "content_policy"),
    ("credit balance is too low", "quota"),
    ("api usage limits", "quota"),
    ("spend limit", "quota"),
)
_CLASS_BY_TYPE: Final[dict[str, ErrorClass]] = {
    "rate_limit_error": "rate_limit",
    "billing_error": "quota",
    "overloaded_error": "overloaded",
    "not_found_error": "not_found",
}
_CLASS_BY_STATUS: Final[dict[int, ErrorClass]] = {402: "quota", 404: "not_found", 429: "rate_limit", 503: "overloaded", 529: "overloaded"}

_message_decoder: Final = msgspec.json.Decoder(Message)
_head_decoder: Final = msgspec.json.Decoder(MessageHead)
_event_decoder: Final = msgspec.json.Decoder(Event)
_count_decoder: Final = msgspec.json.Decoder(_Count)
_error_decoder: Final = msgspec.json.Decoder(_ErrorBody)


def parse_message(body: bytes) -> Message:
    """Return a whole answer, or the error that came in its place. Errors: ValueError for what is neither."""
    try:
        message = _message_decoder.decode(body)
    except UNREADABLE as error:
        raise ValueError("not a message") from error
    _check_type(message)
    return message


def parse_message_head(body: bytes) -> MessageHead:
    """Return what the gateway must know of an answer that passes as it is. Errors: as `parse_message`."""
    try:
        head = _head_decoder.decode(body)
    except UNREADABLE as error:
        raise ValueError("not a message") from error
    _check_type(head)
    return head


def _check_type(message: Message | MessageHead) -> None:
    if message.type != "error" and (message.type != "message" or message.content is None):
        raise ValueError("not a message")


def check_token_count(body: bytes) -> None:
    """Errors: ValueError for what is no count of input tokens."""
    try:
        _count_decoder.decode(body)
    except UNREADABLE as error:
        raise ValueError("not a token count") from error


def parse_event(data: bytes) -> Event:
    """Errors: ValueError for what is no event of a stream of messages."""
    try:
        return _event_decoder.decode(data)
    except UNREADABLE as error:
        raise ValueError("not an event of a message stream") from error


def merge_usage(before: UsageBody | None, body: UsageBody | None) -> UsageBody | None:
    """Return the counts of both: those of a stream are totals, so what `body` tells replaces what was told before."""
    if before is None or body is None:
        return body or before
    return UsageBody(*(_later(getattr(before, name), getattr(body, name)) for name in UsageBody.__struct_fields__))


def _later(before: Any, now: Any) -> Any:
    return before if now is None else now


def count_usage(body: UsageBody | None) -> Usage | None:
    """
    Return the classes that Anthropic's counts hold.

    `input_tokens` are the fresh ones alone; thinking is inside of `output_tokens`, and is told apart only where the provider does.
    """
    if body is None:
        return None
    output = clamp_tokens(body.output_tokens)
    thinking = min(clamp_tokens(body.output_tokens_details.thinking_tokens), output) if body.output_tokens_details else 0
    one_hour = clamp_tokens(body.cache_creation.ephemeral_1h_input_tokens) if body.cache_creation else 0
    five_minutes = clamp_tokens(body.cache_creation.ephemeral_5m_input_tokens) if body.cache_creation else 0
    if body.cache_creation_input_tokens is not None:  # the total is what is billed; a stream's last one comes without the split
        written = clamp_tokens(body.cache_creation_input_tokens)
        one_hour = min(one_hour, written)
        five_minutes = written - one_hour
    return Usage(
        fresh_input_tokens=clamp_tokens(body.input_tokens),
        text_output_tokens=output - thinking,
        cache_read_tokens=clamp_tokens(body.cache_read_input_tokens),
        cache_write_5m_tokens=five_minutes,
        cache_write_1h_tokens=one_hour,
        reasoning_tokens=thinking,
    )


def parse_error(status: int, body: bytes) -> UpstreamErrorDetail | None:
    """Return what an error body says, None when it is not in Anthropic's shape."""
    try:
        fields = _error_decoder.decode(body).error
    except UNREADABLE:
        return None
    return error_detail(fields, status) if fields.message else None


def error_detail(fields: ErrorFields | None, status: int = 0) -> UpstreamErrorDetail:
    """Return an error in the neutral form; `status` is 0 for one inside of a stream or of a success."""
    if fields is None:
        return UpstreamErrorDetail("The provider reported an error.")
    message = fields.message or "The provider reported an error."
    code = fields.details.error_code if fields.details else None
    return UpstreamErrorDetail(message, fields.type, fields.param, code, _error_class(status, fields.type or "", message.lower()))


def _error_class(status: int, error_type: str, message: str) -> ErrorClass:
    for words, error_class in _CLASS_BY_MESSAGE:
        if words in message:
            return error_class
    return _CLASS_BY_TYPE.get(error_type) or _CLASS_BY_STATUS.get(status, "")
