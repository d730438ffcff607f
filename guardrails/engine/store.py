"""
Where compiled automata are kept between starts.

Rules: a file counts only if this user wrote it, nobody else can, and its content is what was written; all else is as if it were not
there. A folder that cannot be written costs time, never a policy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

KEPT_COUNT = 32
_MAGIC = b"gwhs1\n"
_SUFFIX = ".automaton"


def load_blob(folder: Path, key: str) -> bytes | None:
    """Return what was stored under the key, or None if there is nothing to be trusted."""
    path = folder / f"{key}{_SUFFIX}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return None
        data = file.read()
    start = len(_MAGIC) + 32
    if data[: len(_MAGIC)] != _MAGIC or data[len(_MAGIC) : start] != _digest(key, data[start:]):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return data[start:]


def store_blob(folder: Path, key: str, blob: bytes) -> None:
    """Keep the blob, readable by this user alone, and forget the files used longest ago. Guarantee: never half a file."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _digest(key, blob) + blob)
        Path(name).replace(folder / f"{key}{_SUFFIX}")
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        return
    _forget_old(folder)


def _forget_old(folder: Path) -> None:
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda each: each.stat().st_mtime, reverse=True)
        for each in files[KEPT_COUNT:]:
            each.unlink(missing_ok=True)


def _digest(key: str, blob: bytes) -> bytes:
    return hashlib.sha256(key.encode() + blob).digest()
