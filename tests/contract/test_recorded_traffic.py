"""Recorded traffic of real providers through the gateway: the official SDKs read behind it what they would read without it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from common.secret import Secret
from proxy.ports import Endpoint, Timeouts, Upstream
from proxy.snapshot import Backend, Route, Snapshot, Target
from proxy.testing import FakeUpstream, create_bench
from tests.contract.recorded_traffic import BROKEN_STREAMS, Case, Recorded, cases, left_out, recorded_cases
from tests.contract.said import SAID, Said, chat_tokens, gemini_said
from tests.contract.sdk_calls import SdkError, ask, call
from tests.contract.sdk_transports import Recording, ThroughSite
from tests.proxy.asgi_help import Site
from tests.proxy.integration.http_client_help import http_client
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.upstreams import Peer, dump_answer, serve

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of vendors that are not quite OpenAI

MODEL = "asked"
PIECE_BYTES = 997
CASES = [case for case in cases() if case.client != "count_tokens"]
COUNTS = [case for case in cases() if case.client == "count_tokens" and case.recorded.status == 200]
PASSED = [case for case in CASES if case.is_passed]
OTHERS = [case for case in CASES if not case.is_passed]
REFUSED = [case for case in OTHERS if case.recorded.status != 200]
BROKEN = [case for case in OTHERS if case.recorded.name in BROKEN_STREAMS]
TRANSLATED = [case for case in OTHERS if case not in REFUSED and case not in BROKEN]
# One answer and one stream of each provider, in the first dialect that a client reads it in.
OVER_HTTP = list(
    {(case.recorded.shown_as, case.recorded.is_stream): case for case in reversed(CASES) if case.recorded.status == 200}.values()
)


# --- the way there --------------------------------------------------------------------------------------------------------------


def _through(case: Case, endpoint: Endpoint | None = None, upstream: Upstream | None = None) -> ThroughSite:
    """Return a way to a gateway whose one backend is the provider, for `MODEL` and for the name that the exchange has for the model."""
    recorded = case.recorded
    endpoint = endpoint or Endpoint("https", "provider.example", 443)
    endpoint = replace(endpoint, path=recorded.base_path)
    backend = Backend("recorded", case.provider, endpoint, Timeouts(), Secret("theirs"), vendor=recorded.vendor)
    routes = {model: Route(model, (Target("recorded", recorded.model),)) for model in (recorded.model, MODEL)}
    bench = create_bench(snapshot=Snapshot(7, backends={"recorded": backend}, routes=routes))
    pieces = _cut(recorded.body) if recorded.is_stream else [recorded.body]
    bench.upstream.answer(pieces, recorded.status, [(b"content-type", recorded.content_type.encode())])
    changes = {"upstream": upstream} if upstream is not None else {}
    return ThroughSite(Site(bench, body_limit_bytes=64_000_000, **changes))


def _cut(body: bytes) -> list[bytes]:
    return [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)]


def _directly(recorded: Recorded) -> Recording:
    return Recording(recorded.status, recorded.content_type, recorded.body)


def _key(through: ThroughSite) -> str:
    return through.site.bench.key.decode()


def _sent(through: ThroughSite) -> tuple[str, dict[str, Any]]:
    upstream = through.site.bench.gateway.upstream
    assert isinstance(upstream, FakeUpstream)
    (sent,) = upstream.sent
    return sent.endpoint.path + sent.path, json.loads(sent.body)


def _path(case: Case) -> str:
    """Return where the provider is asked; only who speaks its own dialect takes a query along."""
    return case.recorded.path if case.is_passed else case.recorded.path.removesuffix("?beta=true")


def _recorded_tokens(through: ThroughSite) -> tuple[int, int, str]:
    """Return what the gateway wrote down as used."""
    (line,) = through.site.bench.spool.ends
    return line.input_tokens, line.output_tokens, line.usage_source


def _is_same_failure(failure: SdkError, original: SdkError) -> bool:
    """
    Tell whether a failure says what the provider said.

    Ours may say more in its message, and has a type where the provider has none; a `code` that is a number is no code of OpenAI's.
    """
    words = (original.type, original.code, original.param)
    ours = (failure.type, failure.code, failure.param)
    is_in_stream = original.status == 0  # what breaks off in the middle is told as a failure of the provider, whoever's fault it was
    return (
        (failure.kind, failure.status) == (original.kind, original.status)
        and original.message in failure.message
        and (is_in_stream or all(word == our for word, our in zip(words, ours, strict=True) if isinstance(word, str)))
    )


# --- in the provider's own dialect ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PASSED, ids=str)
async def test_an_sdk_behind_the_gateway_reads_what_it_reads_of_the_provider(case: Case) -> None:
    recorded = case.recorded
    through = _through(case)

    directly = await call(_directly(recorded), case.client, recorded.request)
    read = await call(through, case.client, recorded.request, _key(through))

    if isinstance(directly, SdkError):
        assert isinstance(read, SdkError)
        assert _is_same_failure(read, directly), (read, directly)
    else:
        assert read == directly
    path, body = _sent(through)
    assert path == _path(case)
    assert {name: body[name] for name in ("messages", "input", "tools") if name in body} == {
        name: recorded.request[name] for name in ("messages", "input", "tools") if name in recorded.request
    }


@pytest.mark.parametrize("case", [case for case in PASSED if case.client == "responses"], ids=str)
async def test_a_response_is_settled_as_it_was_counted(case: Case) -> None:
    through = _through(case)

    read = await call(through, case.client, case.recorded.request, _key(through))

    final = read[-1]["response"] if isinstance(read, list) else read
    assert not isinstance(final, SdkError)
    usage = final["usage"]
    if usage is not None:  # one in the background is only accepted
        assert _recorded_tokens(through) == (usage["input_tokens"], usage["output_tokens"], "provider")


# --- in another dialect ---------------------------------------------------------------------------------------------------------


async def _said_directly(recorded: Recorded) -> Said:
    if recorded.dialect == "gemini":
        return gemini_said(_events(recorded) if recorded.is_stream else [recorded.exchange["response"]])
    answer = await ask(_directly(recorded), recorded.dialect, MODEL, is_stream=recorded.is_stream)
    assert not isinstance(answer, SdkError), answer
    said = SAID[recorded.dialect](answer)
    if recorded.dialect == "chat" and recorded.is_stream:  # the SDK forgets counts that are not in the last chunk
        read, written = chat_tokens(_events(recorded))
        return replace(said, input_tokens=read, output_tokens=written)
    return said


def _events(recorded: Recorded) -> list[dict[str, Any]]:
    lines = recorded.body.decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


@pytest.mark.parametrize("case", TRANSLATED, ids=str)
async def test_an_answer_says_the_same_in_another_dialect(case: Case) -> None:
    recorded = case.recorded
    through = _through(case)

    answer = await ask(through, case.client, MODEL, is_stream=recorded.is_stream, key=_key(through))

    assert not isinstance(answer, SdkError), answer
    said = await _said_directly(recorded)
    assert SAID[case.client](answer) == said
    assert _recorded_tokens(through) == (said.input_tokens, said.output_tokens, "provider")
    path, body = _sent(through)
    assert path == _path(case)
    assert body.get("model", recorded.model) == recorded.model


@pytest.mark.parametrize("case", REFUSED, ids=str)
async def test_a_refusal_says_the_same_in_another_dialect(case: Case) -> None:
    recorded = case.recorded
    through = _through(case)

    directly = await ask(_directly(recorded), recorded.dialect, MODEL, is_stream=recorded.is_stream)
    failure = await ask(through, case.client, MODEL, is_stream=recorded.is_stream, key=_key(through))

    assert isinstance(directly, SdkError)
    assert isinstance(failure, SdkError)
    assert (failure.kind, failure.status) == (directly.kind, directly.status)
    assert directly.message in failure.message


@pytest.mark.parametrize("case", BROKEN, ids=str)
async def test_a_stream_that_breaks_off_does_so_in_another_dialect(case: Case) -> None:
    through = _through(case)
    directly = await ask(_directly(case.recorded), case.recorded.dialect, MODEL, is_stream=True)

    answer = await ask(through, case.client, MODEL, is_stream=True, key=_key(through))

    assert isinstance(directly, SdkError)
    if not isinstance(answer, SdkError):  # OpenAI's SDK has a response that failed
        assert answer["status"] == "failed"
    message = answer.message if isinstance(answer, SdkError) else answer["error"]["message"]
    assert directly.message in message


@pytest.mark.parametrize("case", COUNTS, ids=str)
async def test_tokens_are_counted_as_the_provider_did(case: Case) -> None:
    through = _through(case)
    fields = case.recorded.request if case.is_passed else {"messages": [{"role": "user", "content": "Hello!"}]}
    counted = case.recorded.exchange["response"]

    read = await call(through, "count_tokens", fields | {"model": MODEL}, _key(through))

    assert isinstance(read, dict)
    assert read["input_tokens"] == counted.get("input_tokens", counted.get("totalTokens"))


# --- over a real connection -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _over_http(case: Case) -> AsyncIterator[ThroughSite]:
    recorded = case.recorded
    answer = dump_answer(recorded.body, b"content-type: " + recorded.content_type.encode())

    async def play(peer: Peer) -> None:
        await peer.read_request()
        for piece in _cut(answer):
            await peer.write(piece)

    async with serve(play) as server, http_client() as client:
        yield _through(case, server.endpoint, client)
        assert [request.line.split() for request in server.requests] == [[b"POST", _path(case).encode(), b"HTTP/1.1"]]


@pytest.mark.parametrize("case", [case for case in OVER_HTTP if case.is_passed], ids=str)
async def test_over_http_an_sdk_reads_what_it_reads_of_the_provider(case: Case) -> None:
    recorded = case.recorded
    directly = await call(_directly(recorded), case.client, recorded.request)

    async with _over_http(case) as through:
        read = await call(through, case.client, recorded.request, _key(through))

    assert read == directly


@pytest.mark.parametrize("case", [case for case in OVER_HTTP if not case.is_passed], ids=str)
async def test_over_http_an_answer_says_the_same_in_another_dialect(case: Case) -> None:
    recorded = case.recorded

    async with _over_http(case) as through:
        answer = await ask(through, case.client, MODEL, is_stream=recorded.is_stream, key=_key(through))

    assert not isinstance(answer, SdkError), answer
    assert SAID[case.client](answer) == await _said_directly(recorded)


# --- the recording itself -------------------------------------------------------------------------------------------------------


def test_every_exchange_is_replayed_or_left_out_with_a_reason() -> None:
    assert len(recorded_cases()) + sum(left_out().values()) == len(recorded_exchanges())
    assert {case.recorded.name for case in cases()} == {recorded.name for recorded in recorded_cases()}
    assert all(reason for _, _, reason in left_out())


def test_streams_that_break_off_are_in_the_recording() -> None:
    assert {case.recorded.name for case in BROKEN} == BROKEN_STREAMS
