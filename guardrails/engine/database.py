"""
All patterns of a policy as one automaton: one pass over a text says which of them may match.

Rules: an answer may name a pattern that does not match, never leave one out; what cannot be scanned is `CouldNotScan`, never an empty
answer. Two engines, Hyperscan and RE2's set, answer alike; where the first cannot run, the second does.
"""

from __future__ import annotations

import hashlib
import platform
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

from guardrails.engine.flags import flags_of, is_plain, suspects_of
from guardrails.engine.shared import Shared
from guardrails.engine.store import load_blob, store_blob
from guardrails.errors import BadRule, CouldNotScan
from guardrails.patterns import Pattern

Engine = Literal["hyperscan", "re2"]
SET_MEMORY_BYTES = 64 << 20
EXPRESSION_MEMORY_BYTES = 8 << 20

_CPU_FLAGS = ("ssse3", "sse4_2", "popcnt", "avx2", "bmi2", "avx512f", "avx512bw", "avx512vbmi", "asimd", "sve", "sve2")
_Source = tuple[str, bool]
__all__ = ["Database", "Engine", "build_database", "compile_expression", "cpu_flags", "find_hyperscan", "flags_of"]


class Database(Protocol):
    """What tells which patterns may match."""

    engine: Engine

    def scan(self, data: bytes) -> Sequence[int]:
        """
        Return the indices of the patterns that may match, each once, in no order.

        Errors: CouldNotScan. Cost: about 1-9 us per KB; the GIL is released meanwhile. Guarantee: safe from several threads.
        """


def build_database(patterns: Sequence[Pattern], cache_folder: Path | None = None, engine: Engine | None = None) -> Database:
    """
    Return the automaton of the patterns; `engine` None takes the fastest that runs here.

    Errors: BadRule that names the pattern which cannot be compiled. Cost: up to a second for 300 expressions and 2,000 words; a few ms
    from `cache_folder`, where what was compiled is kept.
    """
    sources, owners = _sources_of(patterns)
    if engine is None:
        engine = "hyperscan" if find_hyperscan() is not None else "re2"
    if engine == "hyperscan":
        return _HyperscanDatabase(patterns, sources, owners, cache_folder)
    return _SetDatabase(patterns, sources, owners)


@cache
def find_hyperscan() -> ModuleType | None:
    """Return the extension, or None where it is not installed or this processor cannot run it."""
    flags = cpu_flags()
    if platform.machine() in ("x86_64", "AMD64") and flags and "sse4_2" not in flags:
        return None
    try:
        import hyperscan  # here, because a processor without SSE4.2 must not load it
    except ImportError:
        return None
    return hyperscan


@cache
def cpu_flags() -> tuple[str, ...]:
    """Return which of the instructions that a compiled automaton may use this processor has; empty if the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    line = next((row for row in text.splitlines() if row.lower().startswith(("flags", "features"))), "")
    known = set(line.split())
    return tuple(flag for flag in _CPU_FLAGS if flag in known)


def _sources_of(patterns: Sequence[Pattern]) -> tuple[list[_Source], list[tuple[int, ...]]]:
    """Return each expression of the automaton once, and the patterns that it speaks for."""
    owners: dict[_Source, list[int]] = {}
    for index, pattern in enumerate(patterns):
        for expression in dict.fromkeys(suspects_of(pattern)):
            owners.setdefault((expression, pattern.is_caseless), []).append(index)
    return list(owners), [tuple(each) for each in owners.values()]


def check_expressions(patterns: Sequence[Pattern]) -> None:
    """Errors: BadRule that names the first pattern whose expression RE2 refuses."""
    for pattern in patterns:
        if is_plain(pattern.expression):
            continue
        try:
            compile_expression(pattern.expression, pattern.is_caseless)
        except ValueError as error:
            raise BadRule(f"Pattern {pattern.name!r}: {error}.") from error


def compile_expression(expression: str, is_caseless: bool, memory_bytes: int = EXPRESSION_MEMORY_BYTES, has_groups: bool = True) -> Any:
    """Return RE2's form (`_re2.RE2`), which searches UTF-8 bytes; policies share it. Errors: ValueError with RE2's reason."""
    key = (expression, is_caseless, memory_bytes, has_groups)
    return _expressions.find_or_make(key, lambda: _compile_expression(*key))


def _compile_expression(expression: str, is_caseless: bool, memory_bytes: int, has_groups: bool) -> Any:
    import re2  # here: 4 MB that a worker without policies does not need
    from re2 import _re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory_bytes
    options.case_sensitive = not is_caseless
    options.never_capture = not has_groups
    compiled = _re2.RE2(expression.encode("utf-8", "surrogatepass"), options)
    if not compiled.ok():
        raise ValueError(compiled.error().decode(errors="replace") or "it is too large")
    return compiled


class _Indices:
    """From the expressions that reported to the patterns they speak for."""

    __slots__ = ("_owners",)

    def __init__(self, owners: list[tuple[int, ...]]) -> None:
        self._owners = owners

    def of(self, reported: Sequence[int]) -> Sequence[int]:
        owners = self._owners
        if len(reported) == 1:
            return owners[reported[0]]
        found: set[int] = set()
        for each in reported:
            found.update(owners[each])
        return tuple(found)


def _collect(source: int, _start: int, _end: int, _flags: int, found: list[int]) -> None:
    found.append(source)


class _PerThread(threading.local):
    scratch: Any = None


class _Automaton:
    """A compiled database with a scratch for each thread that scans."""

    __slots__ = ("__weakref__", "database", "mine")

    def __init__(self, database: Any) -> None:
        self.database = database
        self.mine = _PerThread()
        self.mine.scratch = database.scratch


_expressions: Shared[Any] = Shared()
_automata: Shared[_Automaton] = Shared()


class _HyperscanDatabase:
    engine: Engine = "hyperscan"

    def __init__(
        self, patterns: Sequence[Pattern], sources: list[_Source], owners: list[tuple[int, ...]], cache_folder: Path | None
    ) -> None:
        module = find_hyperscan()
        if module is None:
            raise CouldNotScan("Hyperscan does not run on this machine.")
        self._hyperscan: Any = module
        self._indices = _Indices(owners)
        self._automaton = self._share(patterns, sources, cache_folder) if sources else None
        if self._automaton is not None:
            self._mine = self._automaton.mine
            self._scan: Callable[..., Any] = self._automaton.database.scan

    def scan(self, data: bytes) -> Sequence[int]:
        if self._automaton is None or not data:
            return ()
        found: list[int] = []
        try:
            self._scan(data, _collect, 0, found, self._mine.scratch or self._own_scratch(self._automaton))
        except Exception as error:  # the extension raises what it likes; whatever it is, the text was not seen
            raise CouldNotScan(f"The automaton failed: {type(error).__name__}.") from error
        return self._indices.of(found) if found else ()

    def _own_scratch(self, automaton: _Automaton) -> Any:
        automaton.mine.scratch = self._hyperscan.Scratch(automaton.database)
        return automaton.mine.scratch

    def _share(self, patterns: Sequence[Pattern], sources: list[_Source], cache_folder: Path | None) -> _Automaton:
        key = _content_key(self._hyperscan, patterns, sources)
        return _automata.find_or_make((key, cache_folder), lambda: _Automaton(self._open(key, patterns, sources, cache_folder)))

    def _open(self, key: str, patterns: Sequence[Pattern], sources: list[_Source], cache_folder: Path | None) -> Any:
        if cache_folder is None:
            check_expressions(patterns)
            return self._compile(patterns, sources)
        blob = load_blob(cache_folder, key)
        if blob is not None:
            opened = self._load(blob)
            if opened is not None:
                return opened
        check_expressions(patterns)
        database = self._compile(patterns, sources)
        store_blob(cache_folder, key, self._hyperscan.dumpb(database))
        return database

    def _load(self, blob: bytes) -> Any:
        """Return the database, or None for a blob that this library or processor refuses."""
        try:
            database = self._hyperscan.loadb(blob, self._hyperscan.HS_MODE_BLOCK)
            database.scratch = self._hyperscan.Scratch(database)
        except Exception:  # any refusal means the same: compile it anew
            return None
        return database

    def _compile(self, patterns: Sequence[Pattern], sources: list[_Source]) -> Any:
        hyperscan = self._hyperscan
        single = hyperscan.HS_FLAG_SINGLEMATCH
        flags = [flags_of(hyperscan, expression, is_caseless) | single for expression, is_caseless in sources]
        try:
            return self._compile_with([each for each, _ in sources], flags)
        except hyperscan.error:
            flags = [self._flags_alone(patterns, source, flag) for source, flag in zip(sources, flags, strict=True)]
        try:
            return self._compile_with([each for each, _ in sources], flags)
        except hyperscan.error as error:
            raise BadRule(f"The patterns cannot be compiled together: {error}") from error

    def _flags_alone(self, patterns: Sequence[Pattern], source: _Source, flags: int) -> int:
        """Return flags the expression compiles with; what is too large is asked for loosely, because RE2 confirms. Errors: BadRule."""
        hyperscan = self._hyperscan
        expression, is_caseless = source
        for tried in (flags, flags | hyperscan.HS_FLAG_PREFILTER):
            try:
                self._compile_with([expression], [tried])
            except hyperscan.error as error:
                reason = error
            else:
                return tried
        name = next(each.name for each in patterns if each.is_caseless == is_caseless and expression in suspects_of(each))
        raise BadRule(f"Pattern {name!r}: {reason}") from reason

    def _compile_with(self, expressions: list[str], flags: list[int]) -> Any:
        database = self._hyperscan.Database(mode=self._hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=[each.encode() for each in expressions], ids=list(range(len(expressions))), flags=flags)
        return database


def _content_key(hyperscan: Any, patterns: Sequence[Pattern], sources: list[_Source]) -> str:
    """The patterns' expressions belong to the key although the automaton may hold only triggers: a stored blob says they were checked."""
    digest = hashlib.sha256()
    parts = ["block", str(hyperscan.__version__), platform.machine(), *cpu_flags()]
    parts += [f"{expression}\x00{is_caseless}" for expression, is_caseless in sources]
    parts += [pattern.expression for pattern in patterns]
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class _SetDatabase:
    engine: Engine = "re2"

    def __init__(self, patterns: Sequence[Pattern], sources: list[_Source], owners: list[tuple[int, ...]]) -> None:
        import re2  # as above

        check_expressions(patterns)
        options = re2.Options()
        options.log_errors = False
        options.max_mem = SET_MEMORY_BYTES
        self._indices = _Indices(owners)
        self._set = re2.Set.SearchSet(options)
        for expression, is_caseless in sources:
            self._add(f"(?i:{expression})" if is_caseless else f"(?:{expression})", expression)
        # RE2 answers "nothing" and "out of memory" alike; a pattern that is always there tells them apart.
        self._sentinel = self._set.Add(b"")
        self._set.Compile()

    def _add(self, wrapped: str, expression: str) -> None:
        try:
            self._set.Add(wrapped.encode())
        except Exception as error:
            raise BadRule(f"RE2 refuses the expression {expression!r}.") from error

    def scan(self, data: bytes) -> Sequence[int]:
        if self._sentinel == 0 or not data:
            return ()
        try:
            found = self._set.Match(data)
        except Exception as error:  # as above
            raise CouldNotScan(f"RE2's set failed: {type(error).__name__}.") from error
        if not found or self._sentinel not in found:
            raise CouldNotScan("RE2's set ran out of memory.")
        found.remove(self._sentinel)
        return self._indices.of(found) if found else ()
