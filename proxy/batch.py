"""
`POST /v1/batch`: many calls in one request, answered side by side and together.

Rules: each entry is a request of its own: it has its own id, limits, usage record and cost, and goes through the same pipeline. Entries
fail one by one; the batch fails only when it cannot be read or its key is not valid. A client that leaves ends all of it.
Reference: docs/reference/batch.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

import msgspec
import structlog

from common.money import dump_usd
from proxy.errors import BadRequest, ClientGone, GatewayError, InternalError, RequestTooLarge
from proxy.exchange import Exchange, Sink
from proxy.gateway import Gateway
from proxy.reply_headers import JSON_HEADERS, cost_header, exchange_headers
from proxy.sinks import CollectingSink
from proxy.stages.authenticate import authenticate, require
from proxy.wire.bad_request import UNREADABLE, decode_body
from proxy.wire.dialect import Dialect
from proxy.wire.usage import Usage

log = structlog.get_logger(__name__)

REQUESTS_MAX_COUNT: Final = 100
ANSWERS_MAX_BYTES: Final = 64 * 1024 * 1024
_OWN_DEPTH_COUNT: Final = 3
"""The levels that a batch puts around a body."""


class BatchEndpoint(Protocol):
    """What an entry may ask for: how it is answered, and in which shape it is told of errors."""

    @property
    def handle(self) -> Callable[[Gateway, Exchange, Sink], Awaitable[None]]: ...

    @property
    def dialect(self) -> Dialect: ...


Endpoints = Mapping[str, BatchEndpoint]
"""By path."""


class BatchEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    custom_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    endpoint: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    body: msgspec.Raw


class _BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requests: Annotated[list[BatchEntry], msgspec.Meta(min_length=1, max_length=REQUESTS_MAX_COUNT)]


class _StreamWish(msgspec.Struct, frozen=True):
    stream: Any = None


_batch_decoder: Final = msgspec.json.Decoder(_BatchBody)
_wish_decoder: Final = msgspec.json.Decoder(_StreamWish)
_encode: Final = msgspec.json.Encoder().encode


def parse_batch(body: bytes, depth_limit_count: int) -> list[BatchEntry]:
    """Return the entries of a batch; each body may have `depth_limit_count` levels. Errors: BadRequest, with `param`."""
    checked, _ = decode_body(body, depth_limit_count + _OWN_DEPTH_COUNT, _batch_decoder)
    seen: set[str] = set()
    for at, entry in enumerate(checked.requests):
        if entry.custom_id in seen:
            raise BadRequest(f"The custom_id {entry.custom_id!r} is used twice.", param=f"requests[{at}].custom_id")
        seen.add(entry.custom_id)
    return checked.requests


async def handle_batch(gateway: Gateway, exchange: Exchange, sink: Sink, endpoints: Endpoints) -> None:
    """
    Answer a batch: the results in the order of its entries, with status 200 also when entries failed.

    `endpoints` are those that an entry may name.

    Errors: InvalidApiKey, PermissionMissing, BadRequest; ClientGone. CancelledError when this process stops.
    Units: at most 100 entries, all at once; 64 MiB of answers, beyond which an entry's is left out.
    """
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    require(principal, "inference")
    runs = [_Run(entry, _derive(exchange, entry)) for entry in parse_batch(exchange.body, gateway.json_depth_count)]
    sink.watch(is_cancelling=True, is_late=False)
    await _run_all(runs, sink, gateway, endpoints)
    exchange.timings.mark("batch")
    exchange.cost_nano_usd = sum(run.exchange.cost_nano_usd for run in runs)
    headers = [*JSON_HEADERS, *exchange_headers(exchange, snapshot.revision), cost_header(exchange.cost_nano_usd)]
    await sink.send(200, headers, _dump_batch(runs))


@dataclass(slots=True)
class _Answers:
    """What the answers of one batch take together."""

    size_bytes: int = 0


class _Run:
    """One entry on its way."""

    def __init__(self, entry: BatchEntry, exchange: Exchange) -> None:
        self.entry = entry
        self.exchange = exchange
        self.sink = CollectingSink()
        self.status = 0
        self.body = b""

    async def run(self, gateway: Gateway, endpoints: Endpoints, answers: _Answers) -> None:
        """Errors: CancelledError. Whatever else happens is the entry's result, so that it costs no other entry its answer."""
        try:
            endpoint = endpoints.get(self.entry.endpoint)
            if endpoint is None:
                raise BadRequest(f"The endpoint of an entry is one of {', '.join(endpoints)}.", param="endpoint")
            self.exchange.dialect = endpoint.dialect
            _refuse_stream(self.entry.body)
            await endpoint.handle(gateway, self.exchange, self.sink)
            self._take_answer(answers)
        except GatewayError as error:
            self.fail(error)
        except Exception:
            log.exception("batch_entry_failed", request_id=self.exchange.request_id)
            self.fail(InternalError())

    def _take_answer(self, answers: _Answers) -> None:
        """Errors: InternalError when there is none; RequestTooLarge."""
        self.status, self.body = self.sink.status, self.sink.body
        if not self.status:
            raise InternalError
        answers.size_bytes += len(self.body)
        if answers.size_bytes > ANSWERS_MAX_BYTES:
            raise RequestTooLarge("The answers of this batch are too large together. Ask for this entry's again, in a smaller batch.")

    def fail(self, error: GatewayError) -> None:
        dialect = self.exchange.dialect
        self.status, self.body = dialect.status_of(error), dialect.dump_error(error, self.exchange.request_id)

    def result(self) -> dict[str, Any]:
        exchange = self.exchange
        usage = {"usage": _usage_fields(exchange.usage)} if exchange.usage is not None else {}
        return {
            "custom_id": self.entry.custom_id,
            "request_id": exchange.request_id,
            "status": self.status,
            "body": msgspec.Raw(self.body),
            **usage,
            "cost_usd": dump_usd(exchange.cost_nano_usd),
        }


def _derive(batch: Exchange, entry: BatchEntry) -> Exchange:
    """
    Return the exchange of an entry: the batch's caller, headers and patience; its own body, id and idempotency key.

    The key is the batch's with the entry's id, so that a batch sent again asks only for what was not answered. A header holds no line
    break, so no other request's key can be the same.
    """
    return Exchange(
        entry.endpoint,
        batch.method,
        batch.client_ip,
        batch.presented_key,
        bytes(entry.body),
        time.perf_counter(),
        deadline_s=batch.left_s(),
        passed_headers=list(batch.passed_headers),
        query=batch.query,
        tags=batch.tags,
        end_user=batch.end_user,
        cache_control=batch.cache_control,
        idempotency_key=f"{batch.idempotency_key}\n{entry.custom_id}" if batch.idempotency_key else "",
    )


def _refuse_stream(body: msgspec.Raw) -> None:
    """Errors: BadRequest for an entry that asks for a stream. What is wrong otherwise the endpoint says, in its own dialect."""
    try:
        wish = _wish_decoder.decode(body)
    except UNREADABLE:
        return
    if wish.stream is True:
        raise BadRequest("An entry of a batch cannot be streamed.", param="stream")


async def _run_all(runs: list[_Run], sink: Sink, gateway: Gateway, endpoints: Endpoints) -> None:
    """Errors: ClientGone; CancelledError when this process stops. No entry runs any more then."""
    answers = _Answers()
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(run.run(gateway, endpoints, answers)) for run in runs]
    try:
        await asyncio.wait(tasks)  # and not gather, which would cancel the entries before they could learn who left
    except asyncio.CancelledError:
        if not sink.is_gone:
            raise
        for run in runs:
            run.sink.leave()
        await asyncio.wait(tasks)  # those whose backend is read to its end are
        raise ClientGone from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _usage_fields(usage: Usage) -> dict[str, int]:
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "total_tokens": usage.total_tokens}


def _dump_batch(runs: list[_Run]) -> bytes:
    succeeded_count = sum(200 <= run.status < 300 for run in runs)
    counts = {"total": len(runs), "succeeded": succeeded_count, "failed": len(runs) - succeeded_count}
    return _encode({"object": "batch", "results": [run.result() for run in runs], "counts": counts})
