"""
A webhook of the admin's own: texts go out as JSON, a verdict comes back.

Question: `{"version": 1, "direction": "request", "texts": [...], "units": [{"path", "direction", "trust", "tool", "start"}, ...],
"facts": {"model", "has_data", "declared_tools", "called_tools", "messages_count", "input_tokens"}}`. `start` is where a text begins in
the one it is a part of. The operator's instructions and the canary stay here.

Answer: `{"flagged": true, "score": 0.9, "label": "INSIDER", "findings": [{"text": 0, "start": 3, "end": 9, "label": "NAME",
"score": 1.0}], "redacted": ["...", null]}`; only `flagged` is required. Offsets are characters. `redacted` has an entry for every text;
from the first to the last character that it changed is hidden.

Source of the signature: Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>` over
`id.timestamp.body`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from common.secret import Secret
from guardrails.detection import Facts, PlacedHit, TextUnit
from guardrails.errors import CouldNotScan
from guardrails.outside.asking import Piece, Ports, dump, find_label, place, post

_Score = Annotated[float, msgspec.Meta(ge=0, le=1)]
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets of Standard Webhooks begin


class _Finding(msgspec.Struct, frozen=True):
    start: int
    end: int
    text: int = 0
    label: str = ""
    score: _Score = 1.0


class _Answer(msgspec.Struct, frozen=True):
    flagged: bool
    score: _Score | None = None
    label: str = ""
    findings: tuple[_Finding, ...] = ()
    redacted: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """`cut`: the score decides instead of `flagged`."""

    url: str = field(repr=False)
    secret: Secret
    headers: Mapping[str, Secret]
    label: str
    cut: float | None
    longest: int = 64_000
    most_pieces: int = 256

    async def ask(self, pieces: Sequence[Piece], units: Sequence[TextUnit], facts: Facts, ports: Ports) -> Sequence[PlacedHit]:
        body = dump(
            {
                "version": 1,
                "direction": units[pieces[0].unit].direction,
                "texts": [piece.text for piece in pieces],
                "units": [_describe(units[piece.unit], piece) for piece in pieces],
                "facts": _tell_facts(facts),
            }
        )
        headers = {name: value.reveal() for name, value in self.headers.items()}
        answer = await post(ports, self.url, headers | sign(self.secret, body), body, _Answer)
        return tuple(self._read(answer, pieces))

    def _read(self, answer: _Answer, pieces: Sequence[Piece]) -> Iterator[PlacedHit]:
        if self.cut is not None and answer.score is None:
            raise CouldNotScan("the service's answer has no score")
        is_flagged = answer.flagged if self.cut is None else (answer.score or 0.0) >= self.cut
        score = 1.0 if answer.score is None else answer.score
        label = find_label(answer.label, self.label)
        spans = [*self._read_findings(answer, pieces), *_read_redacted(answer, pieces, label, score)]
        yield from spans
        if is_flagged and not spans:
            for piece in pieces:
                yield place(piece, label, score, "An external service objects to the text.")

    def _read_findings(self, answer: _Answer, pieces: Sequence[Piece]) -> Iterator[PlacedHit]:
        for finding in answer.findings:
            if not 0 <= finding.text < len(pieces) or not 0 <= finding.start < finding.end <= len(pieces[finding.text].text):
                raise CouldNotScan("the service's answer speaks of a place that there is not")
            span = (finding.start, finding.end)
            label = find_label(finding.label, self.label)
            yield place(pieces[finding.text], label, finding.score, "An external service found it.", span)


def _read_redacted(answer: _Answer, pieces: Sequence[Piece], label: str, score: float) -> Iterator[PlacedHit]:
    if answer.redacted is None:
        return
    if len(answer.redacted) != len(pieces):
        raise CouldNotScan("the service's answer has another number of texts")
    for piece, redacted in zip(pieces, answer.redacted, strict=True):
        span = None if redacted is None else _changed_span(piece.text, redacted)
        if span is not None:
            yield place(piece, label, score, "An external service would change it.", span)


def _changed_span(text: str, redacted: str) -> tuple[int, int] | None:
    if text == redacted:
        return None
    start = _same(text, redacted)
    end = len(text) - _same(text[start:][::-1], redacted[start:][::-1])
    # Where text was only added, what stands at that place is hidden with it.
    return (start, end) if end > start else (max(0, start - 1), min(len(text), start + 1))


def _same(left: str, right: str) -> int:
    """Return with how many equal characters two texts begin."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))


def _describe(unit: TextUnit, piece: Piece) -> dict[str, object]:
    return {"path": unit.path, "direction": unit.direction, "trust": unit.trust, "tool": unit.tool, "start": piece.start}


def _tell_facts(facts: Facts) -> dict[str, object]:
    return {
        "model": facts.model,
        "has_data": facts.has_data,
        "declared_tools": facts.declared_tools,
        "called_tools": facts.called_tools,
        "messages_count": facts.messages_count,
        "input_tokens": facts.input_tokens,
    }


def sign(secret: Secret, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a question is ours and new; none without a secret."""
    if not secret:
        return {}
    message_id, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    digest = hmac.digest(signing_key(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def signing_key(secret: Secret) -> bytes:
    """Return the bytes of a secret: what follows `whsec_` is base64, anything else is taken as it is. Errors: ValueError."""
    value = secret.reveal()
    if not value.startswith(_SECRET_PREFIX):
        return value.encode()
    try:
        return base64.b64decode(value[len(_SECRET_PREFIX) :], validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is no base64") from None
