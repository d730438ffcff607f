"""A string that cannot be printed by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """
    Wrap a credential so that logs, tracebacks, f-strings and JSON show `***`.

    Guarantee: only `reveal()` gives the value out; `repr`, `str`, `format` and pickling do not.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")
