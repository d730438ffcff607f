"""
What makes two requests the same: the key of the response cache and of coalescing.

Rules: when in doubt two requests differ. What one caller may see of another's request in an answer counts, so nothing is ignored that an
endpoint repeats in its answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from proxy.wire.model_request import ModelRequest

IGNORED: Final = frozenset({"user", "metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"})
"""Fields that do not change an answer; a Responses answer repeats them all, so there they count."""

_NONE: Final[frozenset[str]] = frozenset()
_DECODE_ERRORS: Final = (msgspec.MsgspecError, RecursionError)
_pack = msgspec.json.format
_decode = msgspec.json.Decoder().decode
_encode_as_read = msgspec.json.Encoder().encode
_encode = msgspec.json.Encoder(order="sorted").encode


def fingerprint(workspace_id: str, request: ModelRequest, policy_version: str, passed_headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """
    Return 32 bytes that are equal for requests that may share an answer, and only for those.

    The order of keys, white space, escapes and the fields in `IGNORED` do not count; everything else does, the workspace first.
    `passed_headers` are those that the upstream gets and that may change its answer.
    Cost: 4 us for a prompt of 1 KB as the SDKs write it, 5 us with white space, 12 us with escapes in it.
    Guarantee: what is hashed is one JSON array, so no field can run into another. Never raises.
    """
    ignored = _NONE if request.operation == "responses" else IGNORED
    fields = {name: raw for name, raw in request.fields.items() if name not in ignored}
    said = [
        workspace_id,
        request.operation,
        request.model,
        request.is_stream,
        policy_version,
        request.query,
        request.previous_response_id,
        sorted([name.decode("latin-1"), value.decode("latin-1")] for name, value in passed_headers) if passed_headers else (),
        *_read(fields),
    ]
    return hashlib.sha256(_encode(said)).digest()


def _read(fields: dict[str, msgspec.Raw]) -> tuple[bool, dict[str, Any]]:
    """
    Return whether the fields could be read, and them: read, or else as text.

    Two parsers may take different ones of two equal keys (ours the last). Whoever sent both could have an upstream answer one request
    and the cache keep it for the other, so such bodies are only equal to themselves. So are numbers that no parser of ours holds.
    """
    written = _encode_as_read(fields)
    try:
        read = _decode(written)
        again = _encode_as_read(read)
        if again == written or again == _pack(written, indent=-1) or not _has_repeated_keys(written):  # the first two are quick
            return True, read  # no key was lost
    except _DECODE_ERRORS:
        pass
    return False, {name: bytes(raw).decode() for name, raw in fields.items()}


def _has_repeated_keys(written: bytes) -> bool:
    has_repeated = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal has_repeated
        has_repeated = has_repeated or len({name for name, _ in pairs}) < len(pairs)

    json.loads(written, object_pairs_hook=look, parse_int=len, parse_float=len)
    return has_repeated
