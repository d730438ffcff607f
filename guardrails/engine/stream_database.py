"""
The triggers of a policy as one automaton that reads a text in pieces.

Two forms: Hyperscan in stream mode, and, where the extension is missing, `re2.Set` over the last piece and as much before it as the
longest trigger needs. A trigger's end may be reported later than it lies, never earlier, and is never left out.

Rules: callbacks only collect. A Hyperscan stream borrows its handler, context and database: the stream object here keeps all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from guardrails.engine.database import SET_MEMORY_BYTES, Engine, cpu_flags, find_hyperscan, flags_of
from guardrails.engine.expression import parse, width
from guardrails.engine.shared import Shared
from guardrails.engine.store import load_blob, store_blob
from guardrails.errors import BadRule, CouldNotScan

_WHOLE_BYTES = 1 << 16
"""How far back the fallback looks for triggers without a longest match."""


class TriggerStream(Protocol):
    """
    The triggers of one text. `fired` has the end of each trigger's last match (bytes from the text's start) by the trigger's number;
    who reads it clears it. `scan` reads the next piece. Errors of `scan`: CouldNotScan, or the engine's own.
    """

    fired: dict[int, int]

    @property
    def scan(self) -> Callable[[bytes], Any]: ...

    def close(self) -> None: ...


class TriggerDatabase(Protocol):
    engine: Engine

    def open(self) -> TriggerStream:
        """Cost: 1.5 us."""


def compile_triggers(triggers: Sequence[str], cache_folder: Path | None = None, engine: Engine | None = None) -> TriggerDatabase:
    """
    Return the automaton of some expressions, numbered as they come; `engine` None takes the fastest that runs here.

    Policies share it. Errors: BadRule with the expression that an engine refuses.
    Cost: 0.1 to 0.5 s for 2,300 expressions, a few ms from the cache.
    """
    module = find_hyperscan() if engine != "re2" else None
    if module is not None and triggers:
        return _databases.find_or_make((tuple(triggers), cache_folder), lambda: _HyperscanTriggers(module, triggers, cache_folder))
    return _SetTriggers(triggers)


def _collect(trigger: int, _start: int, end: int, _flags: int, fired: dict[int, int]) -> None:
    fired[trigger] = end


class _HyperscanTriggers:
    engine: Engine = "hyperscan"

    def __init__(self, module: Any, triggers: Sequence[str], cache_folder: Path | None) -> None:
        self._hyperscan = module
        self._database = self._load(triggers, cache_folder) if cache_folder else self._compile(triggers)
        self._own = _OwnScratch(module, self._database)

    def open(self) -> TriggerStream:
        return _HyperscanStream(self._database, self._own)

    def _load(self, triggers: Sequence[str], folder: Path) -> Any:
        hyperscan = self._hyperscan
        digest = hashlib.sha256()
        for part in ("stream", str(hyperscan.__version__), platform.machine(), *cpu_flags(), *triggers):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        key = digest.hexdigest()
        blob = load_blob(folder, key)
        with contextlib.suppress(Exception):  # a blob that this library or processor refuses is compiled anew
            if blob is not None:
                database = hyperscan.loadb(blob, hyperscan.HS_MODE_STREAM)
                database.scratch = hyperscan.Scratch(database)
                return database
        database = self._compile(triggers)
        store_blob(folder, key, hyperscan.dumpb(database))
        return database

    def _compile(self, triggers: Sequence[str]) -> Any:
        hyperscan = self._hyperscan
        flags = [flags_of(hyperscan, each, is_caseless=False) for each in triggers]
        with contextlib.suppress(hyperscan.error):
            return self._compile_with(triggers, flags)
        flags = [self._flags_alone(each, flag) for each, flag in zip(triggers, flags, strict=True)]
        try:
            return self._compile_with(triggers, flags)
        except hyperscan.error as error:
            raise BadRule(f"The rules cannot be compiled together: {error}.") from error

    def _flags_alone(self, trigger: str, flags: int) -> int:
        """Return flags the trigger compiles with: an error of many names none. What is too large is asked for loosely."""
        hyperscan = self._hyperscan
        for tried in (flags, flags | hyperscan.HS_FLAG_PREFILTER):
            try:
                self._compile_with([trigger], [tried])
            except hyperscan.error as error:
                reason = error
            else:
                return tried
        raise BadRule(f"The trigger {trigger!r} cannot be compiled: {reason}.") from reason

    def _compile_with(self, triggers: Sequence[str], flags: Sequence[int]) -> Any:
        database = self._hyperscan.Database(mode=self._hyperscan.HS_MODE_STREAM)
        database.compile(expressions=[each.encode() for each in triggers], ids=list(range(len(triggers))), flags=list(flags))
        return database


_databases: Shared[_HyperscanTriggers] = Shared()


class _OwnScratch(threading.local):
    """A database's scratch for each thread: streams are read on the event loop, and long pieces in a thread beside it."""

    closing = threading.Lock()
    """A stream can be closed with the database's own scratch alone."""

    def __init__(self, module: Any, database: Any) -> None:
        self.scratch = module.Scratch(database)


class _HyperscanStream:
    __slots__ = ("_database", "_own", "_read", "_stream", "fired")

    def __init__(self, database: Any, own: _OwnScratch) -> None:
        self.fired: dict[int, int] = {}
        self._database = database
        self._own = own
        self._stream = database.stream(match_event_handler=_collect, context=self.fired)
        self._stream.__enter__()
        self._read = self._stream.scan

    def scan(self, data: bytes) -> None:
        self._read(data, 0, self._own.scratch)

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with self._own.closing:
                stream.__exit__(None, None, None)


class _SetTriggers:
    engine: Engine = "re2"

    def __init__(self, triggers: Sequence[str]) -> None:
        import re2  # here: 4 MB that a worker without policies does not need

        options = re2.Options()
        options.log_errors = False
        options.max_mem = SET_MEMORY_BYTES
        self._set = re2.Set.SearchSet(options)
        for each in triggers:
            try:
                self._set.Add(each.encode())
            except re2.error as error:
                raise BadRule(f"The trigger {each!r} cannot be compiled: {error}.") from error
        # The empty expression is in every answer. An answer without it is none: the set ran out of memory.
        self._sentinel = self._set.Add(b"")
        self._set.Compile()
        longest = [width(parse(each))[1] for each in triggers]
        self._reach_bytes = max((_WHOLE_BYTES if most is None else 4 * most for most in longest), default=0)

    def match(self, data: bytes) -> list[int]:
        """Errors: CouldNotScan."""
        found: list[int] | None = self._set.Match(data) if self._sentinel else [0]
        if not found or self._sentinel not in found:
            raise CouldNotScan("RE2's set ran out of memory.")
        found.remove(self._sentinel)
        return found

    def open(self) -> TriggerStream:
        return _SetStream(self.match, self._reach_bytes)


class _SetStream:
    __slots__ = ("_end", "_match", "_reach_bytes", "_tail", "fired", "scan")

    def __init__(self, match: Callable[[bytes], list[int]], reach_bytes: int) -> None:
        self.fired: dict[int, int] = {}
        self.scan: Callable[[bytes], Any] = self._scan
        self._match = match
        self._reach_bytes = reach_bytes
        self._tail = b""
        self._end = 0

    def _scan(self, data: bytes) -> None:
        window = self._tail + data
        self._end += len(data)
        for trigger in self._match(window):
            self.fired[trigger] = self._end
        self._tail = window[-self._reach_bytes :] if self._reach_bytes else b""

    def close(self) -> None:
        self._tail = b""
