"""
The semantic cache on labelled data: streams replayed request by request, pairs against a full cache, chats.

Rules: what is measured is the product's own path: cacheability, exact text, normalised form, semantic look-up, in this order, one
namespace.
A miss is stored, as the pipeline would. Times are of the machine that runs it, everything but the model's answer included.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

from ragcache.evaluation.chats import Chat
from ragcache.evaluation.streams import Asked
from ragcache.evaluation.traps import Pair
from ragcache.semantic.block import shorten
from ragcache.semantic.bounds import upper_bound
from ragcache.semantic.cacheability import judge_question
from ragcache.semantic.identity import Identity
from ragcache.semantic.index import LookUp, Question, SemanticIndex
from ragcache.semantic.normal_form import normal_form
from ragcache.semantic.store import Entry, SemanticStore
from ragcache.semantic.turns import ContextPrint, print_context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MakeIndex = Callable[[], SemanticIndex]
How = Literal["bypass", "exact", "normalised", "semantic", "miss"]

NAMESPACE: Final = b"evaluation"
_FOREVER_S: Final = 1e12


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of a report. `source` is the question whose answer was given, "" for none; `reason` why a look-up found nothing."""

    asked: str
    how: How
    source: str
    is_wrong: bool
    score: float
    reason: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class StreamReport:
    """
    A replay. Ratios are of all requests. `ceiling_ratio` is what labels allow at most: requests whose class was asked before.

    `exact_alone_ratio` is what a cache of equal texts would have hit. `wrong_bound_ratio` is the 95 % upper bound of `wrong_ratio`.
    `precision_ratio` is right hits of hits; with `hit_ratio` it is a point of
    the curve of precision over hit ratio (`precision_curve`).
    """

    count: int
    hit_ratio: float
    exact_alone_ratio: float
    exact_ratio: float
    normalised_ratio: float
    semantic_ratio: float
    bypass_ratio: float
    wrong_count: int
    wrong_ratio: float
    wrong_bound_ratio: float
    precision_ratio: float
    ceiling_ratio: float
    p50_ms: float
    p95_ms: float
    rows: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class PairReport:
    """
    Pairs, one side stored and the other asked. `served_ratio` is of those that may share an answer, `wrong_ratio` of those that must not.

    `elsewhere_count` were answered from a third question, which labels do not judge.
    """

    kind: str
    served_count: int
    should_count: int
    wrong_count: int
    trap_count: int
    elsewhere_count: int
    rows: tuple[Outcome, ...]

    @property
    def served_ratio(self) -> float:
        return self.served_count / self.should_count if self.should_count else 0.0

    @property
    def wrong_ratio(self) -> float:
        return self.wrong_count / self.trap_count if self.trap_count else 0.0

    @property
    def wrong_bound_ratio(self) -> float:
        return upper_bound(self.wrong_count, self.trap_count)


class _Cache:
    """The tiers of a cache of one namespace."""

    def __init__(self, index: SemanticIndex) -> None:
        self._index = index
        self._exact: dict[tuple[str, ContextPrint | None], str] = {}
        self._normalised: dict[tuple[str, ContextPrint | None], str] = {}
        self._number = 0

    def ask(self, text: str, context: ContextPrint | None = None) -> tuple[How, str, LookUp | None]:
        """Return how a question was answered, from which one, and what the look-up did if there was one."""
        kind = judge_question(text).kind
        if kind == "never":
            return "bypass", "", None
        if (source := self._exact.get((text, context))) is not None:
            return "exact", source, None
        if kind == "exact" or (kind == "thread" and context is None):
            return "miss", "", None
        if (source := self._normalised.get((normal_form(text), context))) is not None:
            return "normalised", source, None
        found = self._index.look_up(Question(NAMESPACE, text, context), 0.0)
        if found.found is None:
            return "miss", "", found
        return "semantic", found.found.entry.question, found

    def store(self, text: str, context: ContextPrint | None = None) -> None:
        kind = judge_question(text).kind
        if kind == "never":
            return
        self._exact.setdefault((text, context), text)
        if kind == "exact" or (kind == "thread" and context is None):
            return
        self._normalised.setdefault((normal_form(text), context), text)
        self._number += 1
        self._index.add(NAMESPACE, Entry(str(self._number), "evaluation", text, 0, _FOREVER_S, context=context), 0.0)


def replay_stream(stream: Sequence[Asked], make_index: MakeIndex) -> StreamReport:
    """Ask a stream in its order, each miss being stored, and return its figures. Errors: ValueError for an empty stream."""
    if not stream:
        raise ValueError("A stream has at least one request.")
    cache = _Cache(make_index())
    labels: dict[str, str] = {}
    rows = []
    for asked in stream:
        begun = perf_counter()
        how, source, look_up = cache.ask(asked.text)
        took_ms = (perf_counter() - begun) * 1000
        rows.append(_outcome(asked.text, how, source, look_up, bool(source) and labels[source] != asked.label, took_ms))
        if how == "miss":
            cache.store(asked.text)
            labels.setdefault(asked.text, asked.label)
    return _report(stream, tuple(rows))


def measure_pairs(pairs: Sequence[Pair], make_index: MakeIndex, *, filling: Iterable[str] = (), kind: str = "all") -> PairReport:
    """Store one side of every pair, and `filling`, then ask the other sides, of which nothing is stored."""
    cache = _Cache(make_index())
    for text in dict.fromkeys([*(pair.a for pair in pairs), *filling]):
        cache.store(text)
    groups = {pair.a: pair.group for pair in pairs if pair.group}
    rows = []
    served = wrong = elsewhere = 0
    for pair in pairs:
        begun = perf_counter()
        how, source, look_up = cache.ask(pair.b)
        took_ms = (perf_counter() - begun) * 1000
        is_own = source == pair.a or (pair.label == 1 and bool(pair.group) and groups.get(source) == pair.group)
        served += is_own and pair.label == 1
        wrong += is_own and pair.label == 0
        elsewhere += bool(source) and not is_own
        rows.append(_outcome(pair.b, how, source, look_up, is_own and pair.label == 0, took_ms))
    should_count = sum(pair.label for pair in pairs)
    return PairReport(kind, served, should_count, wrong, len(pairs) - should_count, elsewhere, tuple(rows))


def measure_chats(chats: Sequence[Chat], make_index: MakeIndex, *, kind: str = "all") -> PairReport:
    """
    Store the last question of each chat's first side behind its history, then ask the second side's.

    Each chat has a cache of its own: others of the set may well be its equals.
    """
    rows = []
    served = wrong = 0
    for chat in chats:
        cache = _Cache(make_index())
        stored, asked = print_context(chat.a[:-1]), print_context(chat.b[:-1])
        begun = perf_counter()
        if stored is None or asked is None:
            how, source, look_up = "miss", "", None  # type: tuple[How, str, LookUp | None]
        else:
            cache.store(chat.a[-1].text, stored)
            begun = perf_counter()
            how, source, look_up = cache.ask(chat.b[-1].text, asked)
        took_ms = (perf_counter() - begun) * 1000
        served += bool(source) and chat.label == 1
        wrong += bool(source) and chat.label == 0
        rows.append(_outcome(chat.b[-1].text, how, source, look_up, bool(source) and chat.label == 0, took_ms))
    should_count = sum(chat.label for chat in chats)
    return PairReport(kind, served, should_count, wrong, len(chats) - should_count, 0, tuple(rows))


def precision_curve(report: StreamReport) -> tuple[tuple[float, float], ...]:
    """
    Return points of (hit ratio, precision), the surest hits first: what other cuts would have given on the hits of this replay.

    Exact and normalised hits come before all others. A stricter cut would have stored more, so the curve is an estimate but for its
    last point.
    """
    hits = sorted((row for row in report.rows if row.source), key=lambda row: -row.score)
    points, right = [], 0
    for number, row in enumerate(hits, start=1):
        right += not row.is_wrong
        points.append((number / report.count, right / number))
    return tuple(points)


def _outcome(asked: str, how: How, source: str, look_up: LookUp | None, is_wrong: bool, took_ms: float) -> Outcome:
    score = look_up.found.score if look_up and look_up.found else 2.0 if source else 0.0
    return Outcome(asked, how, source, is_wrong, score, look_up.reason if look_up else "", took_ms)


def _report(stream: Sequence[Asked], rows: tuple[Outcome, ...]) -> StreamReport:
    count = len(rows)
    hits = sum(bool(row.source) for row in rows)
    wrong = sum(row.is_wrong for row in rows)
    seen: set[str] = set()
    texts: set[str] = set()
    could_hit = repeated = 0
    for asked in stream:
        could_hit += asked.label in seen
        repeated += asked.text in texts
        seen.add(asked.label)
        texts.add(asked.text)
    times = [row.took_ms for row in rows]
    cuts = quantiles(times, n=20, method="inclusive") if count > 1 else times * 19

    def ratio(how: How) -> float:
        return sum(row.how == how for row in rows) / count

    return StreamReport(
        count=count,
        hit_ratio=hits / count,
        exact_alone_ratio=repeated / count,
        exact_ratio=ratio("exact"),
        normalised_ratio=ratio("normalised"),
        semantic_ratio=ratio("semantic"),
        bypass_ratio=ratio("bypass"),
        wrong_count=wrong,
        wrong_ratio=wrong / count,
        wrong_bound_ratio=upper_bound(wrong, count),
        precision_ratio=1 - wrong / hits if hits else 1.0,
        ceiling_ratio=could_hit / count,
        p50_ms=cuts[9],
        p95_ms=cuts[18],
        rows=rows,
    )


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """`crossed_count` look-ups found an entry of another namespace; `found_count` found one at all."""

    count: int
    namespaces_count: int
    found_count: int
    crossed_count: int


def measure_isolation(identity: Identity, vectors: NDArray[np.float32], *, count: int, seed: int = 0) -> IsolationReport:
    """
    Store the same questions under an identity and under each that differs from it in one field, and look all up at random.

    Entries are replaced and evicted in between, so that rows move.

    Shapes: `vectors` float32 (questions, dimensions), rows L2-normalised, for both models. Cost: 30 us a look-up.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    names = [field.name for field in fields(identity)]
    namespaces = [identity.namespace(), *(replace(identity, **{name: f"{getattr(identity, name)}~"}).namespace() for name in names)]
    store = SemanticStore(_ISOLATION_BYTES, vectors.shape[1])
    found_count = crossed_count = 0
    for number in range(count):
        namespace, row = rng.choice(namespaces), rng.randrange(len(vectors))
        entry_id = f"{namespace.hex()}:{row}:{number if rng.random() < _REPLACED_RATIO else ''}"
        if rng.random() < _WRITTEN_RATIO:
            store.add(namespace, Entry(entry_id, namespace.hex(), "", 0, _FOREVER_S), shorten(vectors[row]), vectors[row], 0.0)
            continue
        candidates = store.search(namespace, shorten(vectors[row]), _ISOLATION_FLOOR)
        ranked = store.rank(namespace, candidates, vectors[row], 0.0)
        found_count += bool(ranked)
        crossed_count += any(not entry.id.startswith(namespace.hex()) for _, _, entry in ranked)
    return IsolationReport(count, len(set(namespaces)), found_count, crossed_count)


_ISOLATION_BYTES: Final = 2_000_000
"""Small, so that entries are evicted and rows move all the time."""
_ISOLATION_FLOOR: Final = 0.2
_WRITTEN_RATIO: Final = 0.1
_REPLACED_RATIO: Final = 0.3
