"""What can go wrong with an embedded service, said so that the person at the terminal can act on it."""

from __future__ import annotations


class ServiceError(Exception):
    """A service or its folder is not usable; the message says what happened and what to change."""


class LockHeldError(ServiceError):
    """Another `up` works on the same data folder; `pid` is None when it has not written it yet."""

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid
