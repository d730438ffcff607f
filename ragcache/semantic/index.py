"""
The look-up of the semantic cache, stage by stage: the place to start reading.

| stage | does | costs | ends here |
|---|---|---|---|
| candidates | static vector, nearest of the namespace above a floor | 0.03 ms + 0.02 to 0.3 | most misses |
| similarity | MiniLM's vector, exact cosines of the candidates | 1.4 ms (12 words) | below the cut |
| context | the histories agree but for the wording of their questions | 0.01 ms | next candidate |
| guards | vetoes over two readings | 0.05 ms each | next candidate |
| verifier | score against cut; vectors of words only if some are unexplained | 0.01 ms, or 1.4 | next candidate |
| earlier questions | those worded otherwise pass by themselves | 0, or 1.4 ms each | next candidate |

Rules: policy and namespace are decided before (`cacheability.py`, `identity.py`), exact and normalised keys were tried. A hit names an
entry: whoever
gives its answer reads it again by id, so that what was purged elsewhere is not given. Runs in a thread: everything here is safe for
several.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from ragcache.semantic.alignment import Unexplained, support
from ragcache.semantic.block import shorten
from ragcache.semantic.cacheability import MAX_TOKENS
from ragcache.semantic.guards import find_veto
from ragcache.semantic.judging import CosineVerifier, Cuts, Evidence, FixedCut, Verifier
from ragcache.semantic.reading import Reading, read
from ragcache.semantic.store import Entry, SemanticStore
from ragcache.semantic.turns import ContextPrint, may_share, needs_proof

if TYPE_CHECKING:
    from ragcache.embeddings.ports import Embedder, TokenEmbedder, TokenVectors

STATIC_FLOOR: Final = 0.65
TRIED_COUNT: Final = 3
"""Candidates that guards and verifier look at: the partner is among the first three, or is not found."""
RUNS_COUNT: Final = 1
"""Runs of the model for stored questions in one look-up: a second would take it past its time, for one hit in a thousand."""
CONTEXT_RUNS_COUNT: Final = 4
"""Runs for earlier questions: those of a conversation that goes on were looked up before, and are remembered."""
_REMEMBERED_COUNT: Final = 512
"""Token vectors of stored questions, 20 KB each: those that come up again and again."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked up. `context` is None for a question that begins its conversation."""

    namespace: bytes
    text: str
    context: ContextPrint | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An entry whose answer may be given. `similarity` is MiniLM's cosine, `score` the verifier's and `verifier` its name."""

    entry: Entry
    similarity: float
    score: float
    verifier: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """
    What a look-up did. `reason` says why nothing was found ("" for a hit), the word of the last candidate that failed.

    Units: `stages_us` by name, those that ran. `nearest` is the highest cosine seen, 0.0 when no vector of MiniLM was needed.
    """

    found: Found | None
    reason: str
    nearest: float
    stages_us: dict[str, int]


class SemanticIndex:
    """Make one in each process, after its fork."""

    def __init__(
        self,
        store: SemanticStore,
        static: Embedder,
        neural: TokenEmbedder,
        *,
        verifier: Verifier | None = None,
        cuts: Cuts | None = None,
        static_floor: float = STATIC_FLOOR,
    ) -> None:
        self._store = store
        self._static = static
        self._neural = neural
        self._verifier = verifier or CosineVerifier()
        self._cuts = cuts or FixedCut()
        self._floor = static_floor
        self._tokens: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = Lock()

    def find(self, question: Question, now_s: float) -> Found | None:
        """Return an entry whose answer serves the question, None when there is none. Cost: the module's table."""
        return self.look_up(question, now_s).found

    def add(self, namespace: bytes, entry: Entry, now_s: float) -> bool:
        """
        Keep a question for later look-ups; False where `SemanticStore.add` says so, or its text is too long to be compared.

        Cost: 1.5 ms, a run of the model. Guarantee: its vectors are those that a look-up of the same text computes.
        """
        if self._neural.count_tokens(entry.question) > MAX_TOKENS:
            return False
        static = shorten(self._static.embed_one(entry.question))
        return self._store.add(namespace, entry, static, self._neural.embed_one(entry.question), now_s)

    def look_up(self, question: Question, now_s: float) -> LookUp:
        """As `find`, with why and how long. A hit raises the worth of its entry."""
        clock = _Clock()
        cut = self._cuts.cut_for(question.namespace)
        if cut is None:
            return LookUp(None, "not certified", 0.0, clock.stages_us)
        candidates = self._store.search(question.namespace, shorten(self._static.embed_one(question.text)), self._floor)
        clock.note("candidates")
        if not candidates:
            return LookUp(None, "no candidate", 0.0, clock.stages_us)
        if self._neural.count_tokens(question.text) > MAX_TOKENS:
            return LookUp(None, "long", 0.0, clock.stages_us)
        tokens = self._neural.embed_tokens(question.text)
        if question.context is not None:
            self._remember(question.text, tokens)  # the next question of this conversation has it in its history
        ranked = self._store.rank(question.namespace, candidates, tokens.vector, now_s)
        clock.note("similarity")
        nearest = ranked[0][0] if ranked else 0.0
        reason = "similarity"
        asked = read(question.text)
        runs = _Runs(RUNS_COUNT)
        tried = 0
        for similarity, candidate, entry in ranked:
            if similarity < cut or tried == TRIED_COUNT:
                break
            if not _may_share_context(question.context, entry.context):
                reason = "context"
                continue
            tried += 1
            score, reason = self._judge(asked, tokens, entry.question, similarity, candidate.static_similarity, runs)
            if not reason and score >= cut:
                if self._are_proved(question.context, entry.context, cut):
                    clock.note("judgement")
                    self._store.note_hit(entry.id, now_s)
                    return LookUp(Found(entry, similarity, score, self._verifier.name), "", nearest, clock.stages_us)
                reason = "context"
            reason = reason or "score"
        clock.note("judgement")
        return LookUp(None, reason, nearest, clock.stages_us)

    def _judge(
        self, asked: Reading, tokens: TokenVectors, stored: str, similarity: float, static_similarity: float, runs: _Runs
    ) -> tuple[float, str]:
        """Return the verifier's score and "", or 0.0 and the guard that forbids."""
        stored_reading = read(stored)
        veto = find_veto(asked, stored_reading)
        if veto:
            return 0.0, veto

        def find_support(unexplained: Unexplained) -> float:
            if stored not in self._tokens and not runs.take():
                return -1.0
            return support(unexplained, asked, tokens, stored_reading, self._tokens_of(stored))

        return self._verifier.score(Evidence(asked, stored_reading, similarity, static_similarity, find_support)), ""

    def _are_proved(self, asked: ContextPrint | None, stored: ContextPrint | None, cut: float) -> bool:
        """Return whether all earlier questions that are worded otherwise pass as the last one did."""
        if asked is None or stored is None:
            return True
        runs = _Runs(CONTEXT_RUNS_COUNT)
        return all(self._are_one(a, b, cut, runs) for a, b in needs_proof(asked, stored))

    def _are_one(self, a: str, b: str, cut: float, runs: _Runs) -> bool:
        if not all(text in self._tokens or runs.take() for text in (a, b)):
            return False
        here, there = self._tokens_of(a), self._tokens_of(b)
        similarity = float(here.vector @ there.vector)
        if similarity < cut:
            return False
        score, veto = self._judge(read(a), here, b, similarity, 0.0, runs)
        return not veto and score >= cut

    def _tokens_of(self, text: str) -> TokenVectors:
        with self._lock:
            known = self._tokens.get(text)
            if known is not None:
                self._tokens.move_to_end(text)
                return known
        tokens = self._neural.embed_tokens(text)
        self._remember(text, tokens)
        return tokens

    def _remember(self, text: str, tokens: TokenVectors) -> None:
        with self._lock:
            self._tokens[text] = tokens
            while len(self._tokens) > _REMEMBERED_COUNT:
                self._tokens.popitem(last=False)


def _may_share_context(asked: ContextPrint | None, stored: ContextPrint | None) -> bool:
    if asked is None or stored is None:
        return asked is stored
    return may_share(asked, stored)


class _Runs:
    """How many runs of the model are left."""

    def __init__(self, count: int) -> None:
        self._left = count

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0


class _Clock:
    """Microseconds between notes."""

    def __init__(self) -> None:
        self.stages_us: dict[str, int] = {}
        self._last_ns = perf_counter_ns()

    def note(self, stage: str) -> None:
        now_ns = perf_counter_ns()
        self.stages_us[stage] = (now_ns - self._last_ns) // 1_000
        self._last_ns = now_ns
