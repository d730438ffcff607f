"""
Look at what is asked and what is answered before it goes on.

The seam that guardrail policies attach to: `Guardrails` knows which policies hold for a request and opens a `GuardedCall`, which looks
at everything that the request is made of and everything that comes back. `proxy/guarding/` is the real form. An installation without
a policy has neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from apikeys.hotpath import Principal
from proxy.errors import GatewayError
from proxy.exchange import Exchange
from proxy.snapshot import Snapshot
from proxy.translators.translation import StreamTranslation
from proxy.wire.model_request import ModelRequest


class AnswerRejected(Exception):
    """An answer that a policy wants to have once more; `note` tells the model why."""

    def __init__(self, note: str, error: GatewayError) -> None:
        super().__init__(note)
        self.note = note
        self.error = error
        """What the caller is told if the next answer is no better."""


class GuardedCall(Protocol):
    """One request under its policies, from the question to the end of the answer."""

    version: str
    """Stands for the policies and their versions: two requests share an answer only under the same."""

    @property
    def may_keep_answer(self) -> bool:
        """Whether the answer may be cached."""

    async def check_request(self, request: ModelRequest) -> ModelRequest:
        """Return the request as it may go on. Errors: ContentFiltered."""

    def watch(self, on_block: Callable[[], None]) -> None:
        """Have `on_block` called if a check that is still under way blocks the request while its answer is awaited."""

    async def before_answer(self) -> None:
        """
        Wait for the checks of the request that are under way, and for those of a stream that has come to its end. Called before the
        first byte of an answer goes out, and again before the last of a stream. Errors: ContentFiltered, AnswerRejected.
        """

    async def check_reply(self, request: ModelRequest, body: bytes) -> bytes:
        """Return a whole answer as it may be seen. Errors: ContentFiltered, AnswerRejected."""

    def guard_stream(self, request: ModelRequest, stream: StreamTranslation) -> StreamTranslation:
        """Return the stream as it may be seen; its `feed` raises ContentFiltered."""

    def insert_note(self, request: ModelRequest, note: str) -> ModelRequest:
        """Return the request with a word to the model behind it."""

    def check_error(self, error: GatewayError) -> None:
        """Take out of an error what its caller may not see: what a provider says of a request that it refused. Errors: none."""

    def note_stream(self) -> None:
        """Take what was found in a stream, which ended in whatever way, into the record."""

    def close(self) -> None:
        """Cancel what is under way."""


class Guardrails(Protocol):
    """The policies of this installation."""

    async def open(self, snapshot: Snapshot, principal: Principal, exchange: Exchange, model: str) -> GuardedCall | None:
        """Return the request's policies, None where none holds. Errors: Overloaded while they are not ready."""


class Moderation(Protocol):
    """Tells how harmful texts are, in OpenAI's words; for `/v1/moderations` where no provider is asked."""

    async def moderate(self, request: ModelRequest, request_id: str) -> bytes:
        """Return the whole answer. Errors: BadRequest for an input that holds no text."""


async def guard(call: GuardedCall | None, request: ModelRequest) -> ModelRequest:
    """Return the request that all policies let through, changed where one of them says so. Errors: ContentFiltered."""
    return request if call is None else await call.check_request(request)


async def guard_reply(call: GuardedCall | None, request: ModelRequest, body: bytes) -> bytes:
    """Return the whole answer that all policies let through. Errors: ContentFiltered, AnswerRejected."""
    return body if call is None else await call.check_reply(request, body)
