"""What an upstream said was wrong, in whatever dialect it said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ErrorClass = Literal["", "context_length", "content_policy", "rate_limit", "quota", "overloaded", "not_found", "credential"]
"""`credential`: ours was refused, whatever the status, which is no fault of the caller."""


@dataclass(frozen=True, slots=True)
class UpstreamErrorDetail:
    """`error_class` names what a caller or a fallback can act on, whatever the provider calls it; empty when it is none of them."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None
    error_class: ErrorClass = ""
