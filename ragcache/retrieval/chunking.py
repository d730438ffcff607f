"""
A document into chunks that an embedding model reads whole: by headings, then by sentences, of nearly equal size.

Rules: a chunk is one span of the canonical text, so that it can be cited. It never reaches over a heading. What finds it is more than its
text: title and headings stand before it (`search_text`), because a section rarely repeats what it is about.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias

from ragcache.retrieval.documents import Block, ParsedDocument
from ragcache.retrieval.sentences import line_spans, sentence_spans

TokenCounter: TypeAlias = Callable[[str], int]
"""How many tokens an embedding model sees in a text, at least, without the special ones that it adds itself."""

MAX_TOKENS: Final = 254
"""MiniLM reads 256 with its two own."""

_PREFIX_SHARE: Final = 0.25
"""At most this share of a chunk's tokens goes to title and headings: the nearest heading stays, what is above goes first."""
_WORD: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_LONG_WORD: Final = 7
_WIDE: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_PIECE_CHARACTERS: Final = 200
_BREAK_REACH: Final = 60
_MAX_COUNTED_CHARACTERS: Final = 100_000
_LINED: Final = frozenset({"code", "table_row"})


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """How documents are cut. `overlap_tokens` repeats whole sentences of the chunk before, never across a heading."""

    max_tokens: int = MAX_TOKENS
    overlap_tokens: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 16 or not 0 <= self.overlap_tokens <= self.max_tokens // 2:
            raise ValueError("A chunk has at least 16 tokens, and at most half of them overlap.")


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    A span of a document: `text == document.text[start:end]`.

    `id` is made of its document's key, its search text and which of its equals it is: it stays while the text stays, wherever that
    moves to. `content_hash` is of `search_text` alone: equal ones have equal vectors.
    """

    id: str
    content_hash: str
    index: int
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int
    text: str
    search_text: str
    token_count: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is not divided any more: a sentence, a line, or a piece of one that is longer than a chunk."""

    start: int
    end: int
    tokens: int


def estimate_tokens(text: str) -> int:
    """
    Return how many word pieces a BERT vocabulary makes of a text, rather too many than too few.

    On abstracts, reports and Markdown 1.0 to 1.2 times the true number. Cost: 0.1 us a character.
    """
    return sum(map(_pieces, _WORD.findall(text)))


def _pieces(word: str) -> int:
    if word[0].isdigit():
        return ceil(len(word) / 2)
    if not word.isascii() and _WIDE.search(word):
        return len(word)
    return 1 if len(word) <= _LONG_WORD else 1 + ceil((len(word) - _LONG_WORD) / 3)


_DEFAULT: Final = ChunkOptions()


def chunk_document(
    document: ParsedDocument, key: str, *, options: ChunkOptions = _DEFAULT, count_tokens: TokenCounter = estimate_tokens
) -> list[Chunk]:
    """
    Return the chunks of a document, in their order. `key` names the document (its id): equal chunks of two documents have two ids.

    Guarantee: deterministic; every character but white space is in a chunk, and in one only without overlap.
    Cost: about 1 us a character with `estimate_tokens`.
    """
    chunks: list[Chunk] = []
    seen: Counter[str] = Counter()
    for blocks in _sections(document.blocks):
        headings = blocks[-1].headings
        prefixes = [_prefix(document.title, each, int(options.max_tokens * _PREFIX_SHARE), count_tokens) for each in _paths(blocks)]
        room = options.max_tokens - max(map(count_tokens, prefixes))
        units = [unit for block in blocks for unit in _units(document.text, block, room, count_tokens)]
        for run in _runs(units, room, options.overlap_tokens):
            start, end = run[0].start, run[-1].end
            text = document.text[start:end]
            prefix = prefixes[start > blocks[0].start]
            search_text = f"{prefix}\n{text}" if prefix else text
            digest = hashlib.sha256(search_text.encode()).hexdigest()
            chunk_id = hashlib.sha256(f"{key}\0{digest}\0{seen[digest]}".encode()).hexdigest()[:32]
            seen[digest] += 1
            page = next((block.page for block in blocks if block.end > start), None)
            tokens = sum(each.tokens for each in run)
            chunks.append(Chunk(chunk_id, digest, len(chunks), headings, page, start, end, text, search_text, tokens))
    return chunks


def _sections(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Divide before each heading that has text before it, and where the headings above change."""
    section: list[Block] = []
    for block in blocks:
        if section and _begins_section(section[-1], block):
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def _begins_section(last: Block, block: Block) -> bool:
    if last.kind == "heading":
        return block.headings[: len(last.headings)] != last.headings
    return block.kind == "heading" or block.headings != last.headings


def _paths(blocks: Sequence[Block]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the headings to put before a section's first chunk, which may begin with its own, and before the others."""
    first = blocks[0]
    return (first.headings[:-1] if first.kind == "heading" else first.headings), blocks[-1].headings


def _prefix(title: str, headings: Sequence[str], most: int, count_tokens: TokenCounter) -> str:
    """Return title and headings in one line, from the outside shortened to what fits."""
    parts = [title, *headings] if title and title not in headings else list(headings)
    while parts:
        line = " > ".join(parts)
        if count_tokens(line) <= most:
            return line
        parts = parts[1:]
    return ""


def _units(text: str, block: Block, most: int, count_tokens: TokenCounter) -> Iterator[_Unit]:
    spans = line_spans if block.kind in _LINED else sentence_spans
    for start, end in spans(text, block.start, block.end):
        # What is far too long is not counted as a whole: 10 MB without a space would be counted twice.
        tokens = count_tokens(text[start:end]) if end - start <= _MAX_COUNTED_CHARACTERS else most + 1
        if tokens <= most:
            yield _Unit(start, end, tokens)
        else:
            yield from _pieces_of(text, start, end, most, count_tokens)


def _pieces_of(text: str, start: int, end: int, most: int, count_tokens: TokenCounter) -> Iterator[_Unit]:
    """Cut a sentence that is too long: near every 200 characters at a space, anywhere if there is none; halve what is still too long."""
    while start < end:
        stop = _stop(text, start, min(end, start + _PIECE_CHARACTERS), end)
        tokens = count_tokens(text[start:stop])
        while tokens > most and stop - start > 1:
            stop = start + (stop - start) // 2
            tokens = count_tokens(text[start:stop])
        if not text[start:stop].isspace():
            yield _Unit(start, stop, tokens)
        start = stop


def _stop(text: str, start: int, stop: int, end: int) -> int:
    if stop == end:
        return stop
    for at in range(stop, max(start + 1, stop - _BREAK_REACH), -1):
        if text[at - 1].isspace():
            return at
    return stop


def _runs(units: Sequence[_Unit], most: int, overlap: int) -> Iterator[Sequence[_Unit]]:
    """Divide units into runs of at most `most` tokens; without overlap of nearly equal size, so that the last is no crumb."""
    total = sum(each.tokens for each in units)
    wanted = most if overlap or total <= most else total / ceil(total / most)
    begin, tokens = 0, 0
    for at, unit in enumerate(units):
        if at > begin and (tokens + unit.tokens > most or tokens + unit.tokens / 2 > wanted):
            yield units[begin:at]
            begin = _overlap_start(units, begin + 1, at, min(overlap, most - unit.tokens))
            tokens = sum(each.tokens for each in units[begin:at])
        tokens += unit.tokens
    if units:
        yield units[begin:]


def _overlap_start(units: Sequence[_Unit], least: int, at: int, most: int) -> int:
    """Return where the units begin that are repeated before `at`: whole ones of at most `most` tokens, none before `least`."""
    tokens = 0
    while at > least and tokens + units[at - 1].tokens <= most:
        at -= 1
        tokens += units[at].tokens
    return at
