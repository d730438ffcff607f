"""
Look at what is asked and what is answered before it goes on.

The seam that guardrail policies attach to: a `Guard` inspects, the stage enforces. An installation without a policy has no guard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apikeys.hotpath import Principal
from proxy.errors import ContentFiltered
from proxy.wire.model_request import ModelRequest


@dataclass(frozen=True, slots=True)
class Verdict:
    """`request` is what goes on: the same one, or one that a redaction changed."""

    request: ModelRequest
    blocked_by: str | None = None


class Guard(Protocol):
    """A policy that looks at requests and at answers."""

    async def check_request(self, principal: Principal, request: ModelRequest) -> Verdict: ...

    async def check_reply(self, principal: Principal, body: bytes) -> bytes:
        """Return the answer as it may be seen. Errors: ContentFiltered."""


async def guard(principal: Principal, request: ModelRequest, guards: tuple[Guard, ...]) -> Verdict:
    """Return what all guards let through. Errors: ContentFiltered."""
    verdict = Verdict(request)
    for each in guards:
        verdict = await each.check_request(principal, verdict.request)
        if verdict.blocked_by is not None:
            raise ContentFiltered(f"The request was blocked by the policy {verdict.blocked_by!r}.")
    return verdict


async def guard_reply(principal: Principal, body: bytes, guards: tuple[Guard, ...]) -> bytes:
    """Return the answer that all guards let through. Errors: ContentFiltered."""
    for each in guards:
        body = await each.check_reply(principal, body)
    return body
