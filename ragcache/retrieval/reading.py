"""
Hostile bytes into a parsed document, in a process of its own with limits of memory, CPU and time.

Rules: what is too large is refused before anything is started. The child gets no environment, inherits no file and no connection, and is
gone when this returns, whatever happened.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from ragcache.retrieval.child import LENGTH_BYTES, Failed, Job, Parsed
from ragcache.retrieval.documents import Bounds, ParsedDocument
from ragcache.retrieval.errors import BY_CODE, DamagedDocument, DocumentTooLarge, EmptyDocument, ReadingOverran, UnreadableDocument
from ragcache.retrieval.formats import detect_format

_ROOT: Final = str(Path(__file__).resolve().parents[2])
_PROGRAM: Final = "import sys; sys.path.insert(0, sys.argv[1]); from ragcache.retrieval.child import main; main()"
_SIGNALS_OF_LIMITS: Final = (-signal.SIGXCPU, -signal.SIGKILL)
_DEFAULT: Final = Bounds()


def read_document(
    data: bytes, *, name: str = "", media_type: str = "", charset: str | None = None, bounds: Bounds = _DEFAULT
) -> ParsedDocument:
    """
    Return a document's text and blocks. `charset` is what its sender names, if anything.

    Errors: UnreadableDocument, each kind of it with a sentence for the sender.
    Cost: 60 ms for the process (300 ms for a PDF), then what the document takes; blocks, at most `max_wall_s`.
    Guarantee: bounded memory, CPU and time; a crash of a parser is an error of this document alone.
    """
    if len(data) > bounds.max_bytes:
        raise DocumentTooLarge(f"The document has {len(data):,} bytes; {bounds.max_bytes:,} are allowed. Split it.")
    if not data:
        raise EmptyDocument("The document is empty.")
    head = msgspec.msgpack.encode(Job(detect_format(data, name=name, media_type=media_type), bounds, charset))
    code, output = _run(len(head).to_bytes(LENGTH_BYTES, "big") + head + data, bounds)
    return _document(code, output, bounds)


def _run(given: bytes, bounds: Bounds) -> tuple[int, bytes]:
    command = [sys.executable, "-I", "-c", _PROGRAM, _ROOT]
    try:
        done = subprocess.run(
            command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/", timeout=bounds.max_wall_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReadingOverran(f"Reading the document took more than {bounds.max_wall_s:g} s. Split it or send its text.") from error
    return done.returncode, done.stdout


def _document(code: int, output: bytes, bounds: Bounds) -> ParsedDocument:
    if code in _SIGNALS_OF_LIMITS:
        raise ReadingOverran(
            f"Reading the document took more than {bounds.max_cpu_s} s of CPU or too much memory. Split it or send its text."
        )
    try:
        outcome = msgspec.msgpack.decode(output, type=Parsed | Failed)
    except msgspec.DecodeError as error:
        raise DamagedDocument("The document ended the program that reads it. Save it again with its program.") from error
    if isinstance(outcome, Failed):
        raise BY_CODE.get(outcome.code, UnreadableDocument)(outcome.message)
    return outcome.document
