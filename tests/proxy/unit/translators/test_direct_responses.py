"""The Responses dialect to providers that speak it: bytes pass, the usage is read, an end is an end."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InternalError, Untranslatable, UpstreamBroken, UpstreamTimeout
from proxy.ports import Endpoint
from proxy.translators.direct_responses import DIRECT, has_responses
from proxy.translators.translation import TranslatedReply
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried
from tests.proxy.provider_help import like
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.responses_help import (
    AZURE,
    BACKEND,
    COMPLETED,
    CREATED,
    HEL,
    HELLO,
    IN_PROGRESS,
    ITEM_ADDED,
    LO,
    SIMULATOR,
    TARGET,
    ask,
    asked,
    call_item,
    event,
    message_item,
    parse_events,
    response,
    text_delta,
)

COUNTED = Usage(fresh_input_tokens=6, cache_read_tokens=4, text_output_tokens=2, reasoning_tokens=5)


def _fed(*pieces: bytes):
    stream = DIRECT.begin_stream(asked(stream=True))
    return stream, b"".join(stream.feed(piece) for piece in pieces)


# --- requests -------------------------------------------------------------------------------------------------------------------


def test_only_the_models_name_changes():
    body = ask(stream=True, unknown={"a": [1, 2.50]}, input=[{"role": "user", "content": "ü"}])

    call = DIRECT.translate_request(
        asked(stream=True, unknown={"a": [1, 2.50]}, input=[{"role": "user", "content": "ü"}]), TARGET, BACKEND, [(b"openai-beta", b"x")]
    )

    assert (call.method, call.path) == ("POST", "/responses")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
        (b"openai-beta", b"x"),
        (b"authorization", b"Bearer sk-openai"),
    ]
    assert json.loads(call.body) == json.loads(body) | {"model": "gpt-5-mini"}


@pytest.mark.parametrize(
    ("backend", "headers"),
    [(AZURE, [(b"api-key", b"az-key")]), (SIMULATOR, [])],
)
def test_each_provider_is_called_its_way(backend, headers):
    call = DIRECT.translate_request(asked(), TARGET, backend, [])

    assert call.path == "/responses"
    assert call.headers[2:] == headers
    assert (b"accept", b"application/json") in call.headers


def test_an_azure_deployment_has_no_such_endpoint():
    deployment = replace(AZURE, endpoint=Endpoint("https", "azure.invalid", 443, "/openai"))

    assert not has_responses(deployment)
    with pytest.raises(Untranslatable) as caught:
        DIRECT.translate_request(asked(), TARGET, deployment, [])
    assert caught.value.param == "model"


def test_reasoning_of_another_provider_stays_here():
    """Only its maker can open it; what OpenAI wrote has an id."""
    ours = {"type": "reasoning", "summary": [], "encrypted_content": "s"}
    theirs = ours | {"id": "rs_1"}
    request = msgspec.structs.replace(asked(input=[ours, theirs, {"role": "user", "content": "x"}]), previous_response_id="resp_1")

    call = DIRECT.translate_request(request, TARGET, BACKEND, [])

    assert json.loads(call.body)["input"] == [theirs, {"role": "user", "content": "x"}]


# --- whole answers --------------------------------------------------------------------------------------------------------------


def test_a_whole_answer_passes_and_is_counted():
    body = json.dumps(response(message_item(), extra=1)).encode()

    assert DIRECT.translate_reply(body, asked()) == TranslatedReply(body, COUNTED)


@pytest.mark.parametrize("status", ["incomplete", "queued"])
def test_an_answer_without_usage_is_not_counted(status):
    body = json.dumps(response(status=status, usage=None)).encode()

    assert DIRECT.translate_reply(body, asked()) == TranslatedReply(body, None)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b'{"id":"r"}', b'{"id":"r","output":{}}', b'{"id":"r","output":[],"usage":5}'])
def test_what_is_no_response_is_refused(body):
    with pytest.raises(ValueError):
        DIRECT.translate_reply(body, asked())


def test_a_failed_response_is_a_failure():
    body = json.dumps(response(status="failed", error={"code": "server_error", "message": "Oops."})).encode()

    with pytest.raises(UpstreamBroken, match=r"Oops\."):
        DIRECT.translate_reply(body, asked())


def test_an_error_body_is_read():
    body = b'{"error":{"message":"No.","type":"invalid_request_error","param":"input","code":"x"}}'

    assert DIRECT.parse_error(400, body) == UpstreamErrorDetail("No.", "invalid_request_error", "input", "x")
    assert DIRECT.parse_error(400, b"<html>") is None


# --- streams --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [HELLO, [b"".join(HELLO)], byte_by_byte(b"".join(HELLO))])
def test_a_stream_passes_untouched(pieces):
    stream, sent = _fed(*pieces)

    assert sent == b"".join(HELLO[:-1])
    assert stream.close() == b""
    assert (stream.is_done, stream.has_content, stream.tail, stream.usage, stream.content_bytes) == (True, True, COMPLETED, COUNTED, 6)


@given(st.data())
@unhurried
def test_where_it_was_cut_changes_nothing(data):
    stream, sent = _fed(*draw_pieces(data, b"".join(HELLO)))

    assert sent + stream.tail == b"".join(HELLO)


def test_line_ends_and_comments_pass():
    given = b": hi\r\n\r\n" + b"".join(HELLO[:-1]).replace(b"\n", b"\r\n")

    stream, sent = _fed(given, COMPLETED)

    assert sent == given
    assert stream.is_done


@pytest.mark.parametrize(
    ("frame", "has_content"),
    [
        (CREATED, False),
        (IN_PROGRESS, False),
        (event("response.queued", response=response()), False),
        (ITEM_ADDED, False),
        (event("response.output_item.added", item={"type": "reasoning"}), False),
        (event("response.output_item.added", item="odd"), False),
        (event("response.output_item.added"), False),
        (event("response.output_item.added", item=call_item()), True),
        (event("response.output_item.added", item={"type": "web_search_call"}), True),
        (event("response.content_part.added", part={"type": "output_text", "text": ""}), False),
        (text_delta(""), False),
        (text_delta("x"), True),
        (event("response.refusal.delta", delta="x"), True),
        (event("response.function_call_arguments.delta", delta="{"), True),
        (event("response.reasoning_summary_text.delta", delta="x"), True),
        (event("response.reasoning_text.delta", delta="x"), True),
        (event("response.some_tool_of_tomorrow.delta", delta={"a": 1}), True),
        (event("response.new_thing", item=5, sequence_number="x"), False),
        (b"event: response.new_thing\n\n", False),
        (b"data: [DONE]\n\n", False),
        (COMPLETED, True),
        (event("response.incomplete", response=response(status="incomplete")), True),
    ],
)
def test_content_begins_with_what_a_reader_sees(frame, has_content):
    stream, _ = _fed(frame)

    assert stream.has_content is has_content


def test_an_incomplete_response_is_a_success():
    ended = event("response.incomplete", 6, response=response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}))

    stream, _ = _fed(CREATED, HEL, ended)

    assert (stream.is_done, stream.tail, stream.usage) == (True, ended, COUNTED)


def test_an_end_mark_behind_the_end_is_passed_on():
    stream, _ = _fed(*HELLO[:-1], COMPLETED + b"data: [DONE]\n\n")

    assert stream.tail == COMPLETED + b"data: [DONE]\n\n"


def test_nothing_is_taken_after_the_end():
    stream, _ = _fed(*HELLO, event("response.failed"), b"garbage\n\n")

    assert stream.tail == COMPLETED
    assert stream.feed(HEL) == b""


@pytest.mark.parametrize("frames", [[], [CREATED], [CREATED, HEL], [CREATED, HEL, b"data: [DONE]\n\n"], [*HELLO[:-1], COMPLETED[:-1]]])
def test_an_end_without_the_end_mark_is_a_failure(frames):
    stream, _ = _fed(*frames)

    with pytest.raises(UpstreamBroken):
        stream.close()


@pytest.mark.parametrize(
    "frame",
    [
        event("response.failed", response=response(status="failed", error={"code": "server_error", "message": "Oops."})),
        event("error", code="server_error", message="Oops.", param=None),
        event("error", error={"type": "server_error", "message": "Oops."}),
        b'data: {"error":{"message":"Oops."}}\n\n',
    ],
)
def test_what_the_provider_reports_is_a_failure(frame):
    stream, _ = _fed(CREATED, HEL)

    with pytest.raises(UpstreamBroken, match=r"Oops\."):
        stream.feed(frame)


@pytest.mark.parametrize("data", [b"x", b"[]", b"{}", b'{"type":5}', b'{"type":"response.completed"}', b'{"type":"a"} b'])
def test_what_is_no_event_is_refused(data):
    stream, _ = _fed(CREATED)

    with pytest.raises(ValueError):
        stream.feed(b"data: " + data + b"\n\n")


@given(
    like(
        {
            "type": "response.completed",
            "sequence_number": 1,
            "delta": "x",
            "item": {"type": "a"},
            "error": None,
            "response": response(message_item("x") | {"content": "x"}),
        }
    )
)
@unhurried
def test_any_event_is_taken_or_refused(fields):
    stream, _ = _fed(CREATED)

    try:
        stream.feed(b"data: " + json.dumps(fields).encode() + b"\n\n")
    except (ValueError, UpstreamBroken):
        assert not stream.is_done


# --- streams that fail ----------------------------------------------------------------------------------------------------------


def test_a_failure_goes_on_where_the_stream_was():
    stream, _ = _fed(CREATED, HEL, LO)

    assert parse_events(stream.fail(UpstreamTimeout("Too late."))) == [
        {
            "type": "response.failed",
            "sequence_number": 6,
            "response": response(status="failed", usage=None)
            | {"error": {"code": "timeout", "message": "Too late."}, "incomplete_details": None},
        }
    ]


@pytest.mark.parametrize(
    ("block", "number"),
    [
        (b"".join(text_delta("x", number) for number in range(6, 9)), 9),
        (event("response.function_call_arguments.delta", 7, delta='{"sequence_number":99'), 8),
        (text_delta("x", 7) + event("response.content_part.added", 8), 9),
        (text_delta("x", 7) + b"event: response.output_text.delta\ndata: {no}\n\n", 8),
    ],
)
def test_a_failure_has_the_next_number_whatever_was_read_of_the_events(block, number):
    stream, _ = _fed(CREATED, HEL, LO)

    assert stream.feed(block) == block
    assert parse_events(stream.fail(InternalError()))[0]["sequence_number"] == number


@given(st.lists(st.text(max_size=6), min_size=1, max_size=5))
@unhurried
def test_the_text_is_measured_also_where_nobody_looks(texts):
    block = b"".join(text_delta(text) for text in texts)

    stream, sent = _fed(CREATED, HEL, block)

    assert sent.endswith(block)
    assert stream.content_bytes == 3 + sum(len(json.dumps(text)) - 2 for text in texts)


def test_a_failure_before_any_content_begins_the_response():
    stream, _ = _fed(CREATED, IN_PROGRESS)

    created, failed = parse_events(stream.fail(InternalError()))

    assert (created["type"], created["sequence_number"], created["response"]["status"]) == ("response.created", 0, "in_progress")
    assert (failed["type"], failed["sequence_number"], failed["response"]["status"]) == ("response.failed", 1, "failed")
    assert created["response"]["id"] == failed["response"]["id"] == "resp_1"


def test_content_in_front_of_an_error_in_the_same_piece_was_never_sent():
    stream, _ = _fed(CREATED)

    with pytest.raises(UpstreamBroken):
        stream.feed(HEL + event("error", message="Oops."))
    assert not stream.has_content
    assert [frame["type"] for frame in parse_events(stream.fail(InternalError()))] == ["response.created", "response.failed"]


def test_a_failure_of_what_never_began_has_an_id_of_its_own():
    stream, _ = _fed()

    created, failed = parse_events(stream.fail(InternalError()))

    assert created["response"]["id"] == failed["response"]["id"]
    assert failed["response"]["id"].startswith("resp_")


# --- recorded traffic -----------------------------------------------------------------------------------------------------------

RECORDED = {
    f"{exchange['host']}/{exchange['name']}": exchange for exchange in recorded_exchanges() if exchange["path"].endswith("/responses")
}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded_answers_pass_and_are_counted(name):
    exchange = RECORDED[name]
    request = asked(**{field: value for field, value in exchange["request"].items() if value is not None})

    if isinstance(exchange["response"], str):
        given = exchange["response"].encode()
        stream = DIRECT.begin_stream(request)
        sent = b"".join(map(stream.feed, [given[at : at + 700] for at in range(0, len(given), 700)])) + stream.close()
        assert sent + stream.tail == given
        assert stream.has_content
        usage, counted = stream.usage, parse_events(stream.tail)[0]["response"]["usage"]
    else:
        body = json.dumps(exchange["response"]).encode()
        reply = DIRECT.translate_reply(body, request)
        assert reply.body == body
        usage, counted = reply.usage, exchange["response"]["usage"]
    if counted is None:
        assert usage is None
    else:
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (counted["input_tokens"], counted["output_tokens"])
        assert usage.cache_read_tokens == counted["input_tokens_details"]["cached_tokens"]


def test_recorded_exchanges_are_there():
    assert len(RECORDED) == 92
    assert {name.split("/")[0] for name in RECORDED} == {"api.openai.com", "pydantic-ai-realtime-dev.openai.azure.com"}
