"""What is asked of somebody outside, whoever it is: pieces of texts small enough to send, and answers turned into hits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from guardrails.detection import Facts, Hit, PlacedHit, TextUnit
from guardrails.egress import LONGEST_ANSWER, Egress, Judge
from guardrails.errors import CouldNotScan

_OVERLAP = 200
"""What stands across a cut is in both pieces. Units: characters."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_LABEL_CHARACTERS = 40

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a unit's text. `unit` is the unit's index, `start` the part's place in it; lone surrogates are U+FFFD."""

    unit: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Ports:
    """How this question may be sent, and how long it may take."""

    egress: Egress | None
    judge: Judge | None
    timeout_s: float


class Questioner(Protocol):
    """Knows the language of one kind of service. `longest`: characters of one question; `most_pieces`: pieces of one."""

    @property
    def longest(self) -> int: ...

    @property
    def most_pieces(self) -> int: ...

    async def ask(self, pieces: Sequence[Piece], units: Sequence[TextUnit], facts: Facts, ports: Ports) -> Sequence[PlacedHit]:
        """Errors: CouldNotScan for an answer that is none; any of the port's."""


def cut_questions(units: Sequence[TextUnit], longest: int, most_pieces: int) -> list[list[Piece]]:
    """Return all texts, cut and grouped so that each group fits one question."""
    questions: list[list[Piece]] = []
    room = 0
    for piece in _cut_pieces(units, longest):
        if not questions or len(piece.text) > room or len(questions[-1]) >= most_pieces:
            questions.append([])
            room = longest
        questions[-1].append(piece)
        room -= len(piece.text)
    return questions


def _cut_pieces(units: Sequence[TextUnit], longest: int) -> Iterator[Piece]:
    for index, unit in enumerate(units):
        text = _SURROGATES.sub("\ufffd", unit.text)
        if not text.strip():
            continue
        start = 0
        while True:
            yield Piece(index, start, text[start : start + longest])
            if start + longest >= len(text):
                break
            start += longest - _OVERLAP


async def post(ports: Ports, url: str, headers: Mapping[str, str], body: bytes, answer: type[AnswerT]) -> AnswerT:
    """Send a question and return its answer as that type. Errors: CouldNotScan, which says what was wrong and quotes nothing."""
    if ports.egress is None:
        raise CouldNotScan("the detector was not given a way out")
    status, content = await ports.egress.post_json(url, {"content-type": "application/json", **headers}, body, ports.timeout_s)
    if status != 200:
        raise CouldNotScan(f"the service answered with status {status}")
    if len(content) > LONGEST_ANSWER:
        raise CouldNotScan("the service's answer is too long")
    return read_answer(content, answer)


def read_answer(content: bytes | str, answer: type[AnswerT]) -> AnswerT:
    try:
        return msgspec.json.decode(content, type=answer)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        # Not chained: the message may quote what was judged.
        raise CouldNotScan("the service's answer does not have the agreed form") from None


def find_label(written: str, otherwise: str) -> str:
    """Return a word of a service as a label that may stand in a text: `sexual/minors` is `SEXUAL_MINORS`."""
    return re.sub(r"[^A-Z0-9]+", "_", written[:200].upper()).strip("_")[:_LABEL_CHARACTERS] or otherwise


def place(piece: Piece, label: str, score: float, reason: str, span: tuple[int, int] | None = None) -> PlacedHit:
    """Return a hit on a part of a piece, or on its unit as a whole."""
    start, end = (0, 0) if span is None else (piece.start + span[0], piece.start + span[1])
    return PlacedHit(piece.unit, Hit(label, start, end, score, reason))


def dump(value: Any) -> bytes:
    return msgspec.json.encode(value)
