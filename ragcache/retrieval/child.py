"""
The process that reads one document: bytes in, a parsed document or the reason against it out.

Rules: limits are set before the first byte of the document is read. It opens no file and no connection of its own, and ends with the
document. Its parent (`reading`) knows what to make of it when it is killed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from typing import BinaryIO, Final

import msgspec

from ragcache.retrieval.documents import Bounds, ParsedDocument
from ragcache.retrieval.errors import DamagedDocument, ReadingOverran, UnreadableDocument
from ragcache.retrieval.formats import Format, parse_document

LENGTH_BYTES: Final = 4
NICENESS: Final = 10
_MAX_OPEN_FILES: Final = 64


class Job(msgspec.Struct, frozen=True):
    """What the parent wants; the document's bytes come after it."""

    kind: Format
    bounds: Bounds
    charset: str | None = None


class Parsed(msgspec.Struct, frozen=True, tag="parsed"):
    document: ParsedDocument


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    code: str
    message: str


_TOO_MUCH_MEMORY: Final = msgspec.msgpack.encode(
    Failed(ReadingOverran.code, "Reading the document takes more memory than allowed. Split it or send its text.")
)


def main() -> None:
    """Read a job from standard input and write its outcome to standard output."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    job = msgspec.msgpack.decode(_head(source), type=Job)
    _limit(job.bounds)
    target.write(_outcome(source, job))
    target.flush()


def _head(source: BinaryIO) -> bytes:
    return source.read(int.from_bytes(source.read(LENGTH_BYTES), "big"))


def _limit(bounds: Bounds) -> None:
    for what, most in (
        (resource.RLIMIT_AS, bounds.max_memory_bytes),
        (resource.RLIMIT_CPU, bounds.max_cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    with contextlib.suppress(OSError):
        os.nice(NICENESS)


def _outcome(source: BinaryIO, job: Job) -> bytes:
    try:
        document = parse_document(source.read(), job.kind, job.bounds, charset=job.charset)
        return msgspec.msgpack.encode(Parsed(document))
    except UnreadableDocument as error:
        return msgspec.msgpack.encode(Failed(error.code, str(error)))
    except MemoryError:
        return _TOO_MUCH_MEMORY
    except Exception:  # whatever a hostile document leads a parser to, the reason is the document
        return msgspec.msgpack.encode(Failed(DamagedDocument.code, "The document cannot be read. Save it again with its program."))


if __name__ == "__main__":
    main()
