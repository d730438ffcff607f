"""
A note for the model in a request that is asked again: what was wrong with its first answer.

Rules: it goes where the operator speaks, because every provider takes that and a message at the end breaks the turns of some. What was
written stays in front of it, so that a provider's prompt cache still knows the beginning.
"""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.guarding.chat_texts import CHAT
from proxy.guarding.other_texts import COMPLETIONS
from proxy.guarding.places import Reading, read_places
from proxy.guarding.turns import ALL_TEXT, find_field, read_elements, replace_items
from proxy.guarding.writing import write_places
from proxy.wire.model_request import ModelRequest

_encoder: Final = msgspec.json.Encoder()


def insert_note(request: ModelRequest, note: str) -> ModelRequest:
    """
    Return the request with a note to the model.

    Errors: none; a request that has no place for one (embeddings, prompts of tokens) stays as it is.
    """
    match request.operation:
        case "chat":
            return _with_field(request, "messages", _into_messages(find_field(request, "messages"), note))
        case "messages" | "count_tokens":
            return _with_field(request, "system", _into_text_or_blocks(find_field(request, "system"), note))
        case "responses":
            return _with_field(request, "instructions", _into_text_or_blocks(find_field(request, "instructions"), note))
        case "completions":
            return _into_prompt(request, note)
    return request


def _with_field(request: ModelRequest, name: str, written: bytes) -> ModelRequest:
    return msgspec.structs.replace(request, fields=request.fields | {name: msgspec.Raw(written)})


def _into_messages(written: bytes, note: str) -> bytes:
    """Put the note behind the last of the texts that the operator begins with, or in front of all messages."""
    leading = None
    for element in read_elements(written, CHAT):
        if element.turn.trust != "system":
            break
        leading = element
    text = None if leading is None else _last_text(leading.reading)
    if leading is None or text is None:
        message = _encoder.encode({"role": "system", "content": note})
        return b"[" + message + b"," + written[1:]
    spot = leading.reading.spots[text]
    return replace_items(written, {leading.index: write_places(leading.raw, leading.reading, {text: f"{spot.text}\n\n{note}"})})


def _last_text(reading: Reading) -> int | None:
    places = [number for number, spot in enumerate(reading.spots) if spot.steps[:1] == ("content",) and not spot.is_fixed and spot.call < 0]
    return places[-1] if places else None


def _into_text_or_blocks(written: bytes, note: str) -> bytes:
    if written[:1] == b"[":
        block = _encoder.encode({"type": "text", "text": note})
        comma = b"," if msgspec.json.decode(written) else b""
        return written[:-1] + comma + block + b"]"
    reading = read_places(written, ALL_TEXT)
    if not reading.spots or reading.spots[0].is_fixed:
        return _encoder.encode(note)
    return write_places(written, reading, {0: f"{reading.spots[0].text}\n\n{note}"})


def _into_prompt(request: ModelRequest, note: str) -> ModelRequest:
    elements = read_elements(find_field(request, "prompt"), COMPLETIONS)
    if not elements:
        return request
    reading = elements[0].reading
    texts = {number: f"{note}\n\n{spot.text}" for number, spot in enumerate(reading.spots) if not spot.is_fixed}
    return _with_field(request, "prompt", write_places(elements[0].raw, reading, texts)) if texts else request
