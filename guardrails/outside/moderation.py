"""
Moderation services of vendors.

Source: OpenAI, `POST /v1/moderations`; Azure AI Content Safety, `POST /contentsafety/text:analyze?api-version=2024-09-01`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from common.secret import Secret
from guardrails.detection import Facts, PlacedHit, TextUnit
from guardrails.errors import CouldNotScan
from guardrails.outside.asking import Piece, Ports, dump, find_label, place, post

AZURE_CATEGORIES = ("Hate", "SelfHarm", "Sexual", "Violence")
_HIGHEST_SEVERITY = 7
_REASON = "A moderation service objects to the text."

_Score = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _OpenAIResult(msgspec.Struct, frozen=True):
    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, _Score | None]


class _OpenAIAnswer(msgspec.Struct, frozen=True):
    results: tuple[_OpenAIResult, ...]


@dataclass(frozen=True, slots=True)
class OpenAIModeration:
    """`categories`: those that count, empty for all. `cut`: the scores decide instead of the service's own flags."""

    url: str = field(repr=False)
    credential: Secret
    headers: Mapping[str, Secret]
    model: str
    label: str
    categories: tuple[str, ...]
    cut: float | None
    longest: int = 32_000
    most_pieces: int = 32

    async def ask(self, pieces: Sequence[Piece], units: Sequence[TextUnit], facts: Facts, ports: Ports) -> Sequence[PlacedHit]:
        headers = {name: value.reveal() for name, value in self.headers.items()}
        if self.credential:
            headers["authorization"] = f"Bearer {self.credential.reveal()}"
        body = dump({"model": self.model, "input": [piece.text for piece in pieces]})
        answer = await post(ports, self.url, headers, body, _OpenAIAnswer)
        if len(answer.results) != len(pieces):
            raise CouldNotScan("the service's answer has another number of texts")
        return [hit for piece, result in zip(pieces, answer.results, strict=True) for hit in self._read(piece, result)]

    def _read(self, piece: Piece, result: _OpenAIResult) -> Iterator[PlacedHit]:
        found = False
        for name in self.categories or {**result.categories, **result.category_scores}:
            score = result.category_scores.get(name)
            flag = result.categories.get(name)
            if self.categories and (flag if self.cut is None else score) is None:
                raise CouldNotScan("the service's answer lacks a category that the rule names")
            if flag if self.cut is None else (score or 0.0) >= self.cut:
                found = True
                yield place(piece, find_label(name, self.label), 1.0 if score is None else score, _REASON)
        if result.flagged and not found and not self.categories and self.cut is None:
            yield place(piece, self.label, 1.0, _REASON)


class _AzureCategory(msgspec.Struct, frozen=True):
    category: str
    severity: Annotated[int, msgspec.Meta(ge=0, le=_HIGHEST_SEVERITY)]


class _AzureAnswer(msgspec.Struct, frozen=True, rename="camel"):
    categories_analysis: tuple[_AzureCategory, ...]
    blocklists_match: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class AzureContentSafety:
    """`lowest_severity`: 0 to 7, the lowest that counts. One text a question, as the service wants it."""

    url: str = field(repr=False)
    credential: Secret
    headers: Mapping[str, Secret]
    label: str
    categories: tuple[str, ...]
    lowest_severity: int
    blocklists: tuple[str, ...] = ()
    longest: int = 10_000
    most_pieces: int = 1

    async def ask(self, pieces: Sequence[Piece], units: Sequence[TextUnit], facts: Facts, ports: Ports) -> Sequence[PlacedHit]:
        (piece,) = pieces
        headers = {name: value.reveal() for name, value in self.headers.items()}
        headers["ocp-apim-subscription-key"] = self.credential.reveal()
        wanted = self.categories or AZURE_CATEGORIES
        body = dump(
            {
                "text": piece.text,
                "categories": wanted,
                "blocklistNames": self.blocklists,
                "haltOnBlocklistHit": False,
                "outputType": "EightSeverityLevels",
            }
        )
        answer = await post(ports, self.url, headers, body, _AzureAnswer)
        severities = {each.category: each.severity for each in answer.categories_analysis}
        if not severities.keys() >= set(wanted):
            raise CouldNotScan("the service's answer lacks a category that was asked for")
        hits = [
            place(piece, find_label(name, self.label), severities[name] / _HIGHEST_SEVERITY, _REASON)
            for name in wanted
            if severities[name] >= self.lowest_severity
        ]
        return (
            [*hits, place(piece, self.label, 1.0, "A list of a moderation service has a term of the text.")]
            if answer.blocklists_match
            else hits
        )
