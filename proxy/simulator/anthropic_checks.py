"""
What Anthropic refuses in a conversation, in its words.

A translator that loses a tool's result, changes a signature or leaves the system prompt among the messages is found out here.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import shake_256
from typing import Any

from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.options import Object

_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_CALLS_UNANSWERED = (
    "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. "
    "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
)
_SYSTEM_ROLE = (
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
)
_RESULT_UNASKED = (
    "messages.{at}.content.{n}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. "
    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
)


def sign_thought(thought: str) -> str:
    """Return the signature of a thinking block, which its sender must bring back unchanged."""
    return b64encode(b"\x12\xeb\x01" + shake_256(thought.encode()).digest(93)).decode()


def check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    """Errors: ProviderError 400 for what Anthropic would not answer."""
    called: list[str] = []
    for at, message in enumerate(messages):
        _check_role(message, is_first=at == 0)
        blocks = _blocks(message)
        if not blocks and not (at == len(messages) - 1 and message.get("role") == "assistant"):
            raise invalid_request(
                f"messages.{at}: all messages must have non-empty content except for the optional final assistant message"
            )
        for n, block in enumerate(blocks):
            _check_block(block, f"messages.{at}.content.{n}")
        _check_results(blocks, at, called)
        called = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
    if called:
        raise invalid_request(_CALLS_UNANSWERED.format(at=len(messages) - 1, ids=", ".join(called)))


def check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    """Errors: ProviderError 400 for a tool of the caller's own without a schema."""
    for at, tool in enumerate(tools):
        if tool.get("type", "custom") != "custom":
            continue
        schema = tool.get("input_schema")
        if not isinstance(schema, Mapping):
            raise _missing(f"tools.{at}.custom.input_schema")
        if "type" not in schema:
            raise _missing(f"tools.{at}.custom.input_schema.type")


def _check_role(message: Mapping[str, Any], *, is_first: bool) -> None:
    role = message.get("role")
    if role == "system" and is_first:  # further on, the newest models take instructions among the messages
        raise invalid_request(_SYSTEM_ROLE)
    if role is not None and role not in ("user", "assistant", "system"):
        raise invalid_request(f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant"')


def _blocks(message: Mapping[str, Any]) -> list[Object]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _check_block(block: Mapping[str, Any], where: str) -> None:
    match block.get("type"):
        case "text" if not block.get("text"):
            raise invalid_request("messages: text content blocks must be non-empty")
        case "tool_use" if not _TOOL_ID.fullmatch(str(block.get("id", ""))):
            raise invalid_request(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        case "thinking":
            if not isinstance(block.get("signature"), str):
                raise _missing(f"{where}.thinking.signature")
            if block["signature"] != sign_thought(str(block.get("thinking", ""))):
                raise invalid_request(f"{where}: Invalid `signature` in `thinking` block")


def _check_results(blocks: Sequence[Mapping[str, Any]], at: int, called: Sequence[str]) -> None:
    answered: list[str] = []
    for n, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            answered.append(str(block.get("tool_use_id")))
            if answered[-1] not in called:
                raise invalid_request(_RESULT_UNASKED.format(at=at, n=n, id=answered[-1]))
    missing = [each for each in called if each not in answered]
    if missing:
        raise invalid_request(_CALLS_UNANSWERED.format(at=at - 1, ids=", ".join(missing)))


def _missing(where: str) -> ProviderError:
    return invalid_request(f"{where}: Field required")
