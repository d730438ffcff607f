"""
How a guardrail reaches the outside: two ports that the process which composes everything fills.

Rules: no guardrail opens a connection. Whoever provides `Egress` decides which addresses may be reached, follows no redirect, checks
certificates, and stops reading an answer at `LONGEST_ANSWER`. Whoever provides `Judge` sends the question through a route of this
gateway with the guardrails off, else a judge would wait for itself.

Binding: a detector that asks is built from its parameters alone, without ports, because a policy is compiled and checked in places that
have none. Before use the caller calls `detector.bound(egress, judge)`, which returns a detector with them. Asked without, it raises
`CouldNotScan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

LONGEST_ANSWER = 1 << 20
"""An answer of more bytes is an error, whoever sends it."""


class Egress(Protocol):
    async def post_json(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Return the status and body of the answer, whatever the status. Errors: any, of connection, address or time."""


class Judge(Protocol):
    async def ask(self, model: str, messages: Sequence[Mapping[str, str]], timeout_s: float) -> str:
        """Return the text that a model of this gateway answers to messages of `role` and `content`. Errors: any."""


class Asks(Protocol):
    """A slow detector that needs ports."""

    def bound(self, egress: Egress | None, judge: Judge | None) -> Asks: ...
