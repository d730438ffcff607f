"""Streams as the client sees them, however the network cuts what the upstream sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.ports import UpstreamFailure
from tests.proxy.asgi_help import Site, Talk, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, chat, delta, event, parse_frames, usage_chunk

WHOLE = [ROLE, HELLO, WORLD, STOP, USAGE, DONE]
WITHOUT_USAGE = ROLE + HELLO + WORLD + STOP + DONE


async def _stream(pieces, site: Site | None = None, **fields) -> Talk:
    site = site or Site()
    site.bench.upstream.answer(pieces)
    return await site.ask(stream=True, **fields)


def _wants_usage() -> dict[str, object]:
    return {"stream_options": {"include_usage": True}}


async def test_the_head_of_a_stream():
    talk = await _stream(WHOLE)

    assert talk.status == 200
    assert talk.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert talk.headers["cache-control"] == "no-cache, no-transform"
    assert talk.headers["x-accel-buffering"] == "no"
    assert talk.headers["x-gateway-backend"] == "main"
    assert talk.headers["x-gateway-revision"] == "7"
    assert "content-length" not in talk.headers
    assert "x-gateway-cost-usd" not in talk.headers


@pytest.mark.parametrize("cut", ["whole", "by event", "by byte", "by seven"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
async def test_the_client_gets_the_same_however_the_network_cuts_it(cut, ending):
    stream = b"".join(WHOLE).replace(b"\n", ending)
    step = {"whole": len(stream), "by byte": 1, "by seven": 7}.get(cut)
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)] if step else [piece.replace(b"\n", ending) for piece in WHOLE]

    talk = await _stream(pieces)

    assert talk.is_complete
    assert talk.body.replace(b"\r\n", b"\n") == WITHOUT_USAGE


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_client_gets_the_same_cut_anywhere(data):
    import asyncio

    stream = b"".join([ROLE, b": ping\n\n", HELLO, delta(content="usage [DONE] \n\n"), WORLD, STOP, USAGE, DONE])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) if begin < end]

    talk = asyncio.run(_stream(pieces))

    expected = [frame for frame in parse_frames(stream) if frame == "[DONE]" or frame["choices"]]
    assert parse_frames(talk.body) == expected


async def test_every_event_goes_out_as_it_comes():
    site = Site()
    site.bench.upstream.answer([ROLE, HELLO, 30.0])
    talk = site.open(body=chat(stream=True))

    await talk.until(HELLO)
    assert talk.pieces == [ROLE + HELLO]

    talk.leave()
    await talk.done()


async def test_nothing_goes_out_before_the_first_content():
    site = Site()
    response = site.bench.upstream.answer([ROLE, ROLE, 0.05, HELLO, STOP, DONE])
    talk = site.open(body=chat(stream=True))
    while not site.bench.upstream.sent:
        await asyncio_tick()
    await asyncio_tick()

    assert talk.status == 0
    assert not response.is_started
    await talk.done()
    assert talk.pieces[0] == ROLE + ROLE + HELLO
    assert response.is_started


async def asyncio_tick() -> None:
    import asyncio

    await asyncio.sleep(0.005)


# --- usage ------------------------------------------------------------------------------------------------------------------------


async def test_the_usage_chunk_is_taken_out_when_nobody_asked_and_counted():
    site = Site()

    talk = await _stream(WHOLE, site)

    assert talk.body == WITHOUT_USAGE
    (ended,) = site.bench.spool.ends
    assert (ended.input_tokens, ended.output_tokens, ended.usage_source) == (5, 3, "upstream")


async def test_the_usage_chunk_stays_when_the_client_asked():
    talk = await _stream(WHOLE, **_wants_usage())

    assert talk.body == b"".join(WHOLE)


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}])
async def test_other_stream_options_are_no_wish_for_usage(options):
    talk = await _stream(WHOLE, stream_options=options)

    assert talk.body == WITHOUT_USAGE


async def test_the_upstream_is_always_asked_for_usage():
    site = Site()
    await _stream(WHOLE, site)

    assert json.loads(site.bench.upstream.sent[0].body)["stream_options"] == {"include_usage": True}


async def test_the_usage_chunk_is_taken_out_of_the_middle_of_a_piece():
    talk = await _stream([ROLE + HELLO, WORLD + USAGE + STOP, DONE])

    assert talk.body == WITHOUT_USAGE.replace(WORLD + STOP, WORLD + STOP)
    assert USAGE not in talk.body


async def test_usage_beside_choices_stays_and_is_counted_once():
    last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}})
    site = Site()

    talk = await _stream([ROLE, HELLO, last, DONE], site)

    assert talk.body == ROLE + HELLO + last + DONE
    assert site.bench.spool.ends[0].input_tokens == 9


async def test_the_last_usage_counts_when_an_upstream_repeats_it():
    site = Site()

    await _stream([ROLE, HELLO, usage_chunk(5, 1), WORLD, usage_chunk(5, 2), STOP, usage_chunk(5, 3, cached=4), DONE], site)

    (ended,) = site.bench.spool.ends
    assert (ended.input_tokens, ended.output_tokens, ended.cached_input_tokens) == (5, 3, 4)


async def test_content_that_speaks_of_usage_or_the_end_is_content():
    spoken = delta(content='{"usage": 1} [DONE] "error" data: [DONE]')

    talk = await _stream([ROLE, HELLO, spoken, STOP, DONE])

    assert talk.body == ROLE + HELLO + spoken + STOP + DONE


async def test_what_comes_behind_the_end_mark_is_dropped():
    talk = await _stream([ROLE, HELLO, STOP, DONE + WORLD + DONE])

    assert talk.body == ROLE + HELLO + STOP + DONE


async def test_a_stream_without_content_is_still_an_answer():
    talk = await _stream([ROLE, USAGE, DONE])

    assert (talk.status, talk.body) == (200, ROLE + DONE)


async def test_other_kinds_of_content_pass_untouched():
    tool = delta(tool_calls=[{"index": 0, "id": "t1", "function": {"name": "f", "arguments": '{"a": "\\n\\n"}'}}])

    talk = await _stream([ROLE + tool, delta("tool_calls"), DONE])

    assert talk.body == ROLE + tool + delta("tool_calls") + DONE


# --- failures ---------------------------------------------------------------------------------------------------------------------

RESET = UpstreamFailure("body", "reset", is_sent=True)
TIMEOUT = UpstreamFailure("body", "timeout", is_sent=True, timer="idle")
TOO_LATE = UpstreamFailure("body", "timeout", is_sent=True, timer="first_token")
NOT_OURS = b"data: <html>\n\n"
IN_STREAM = event({"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}})


@pytest.mark.parametrize(
    ("pieces", "status", "code"),
    [
        ([], 502, "upstream_error"),
        ([ROLE], 502, "upstream_error"),
        ([ROLE, RESET], 502, "upstream_error"),
        ([ROLE, TOO_LATE], 504, "timeout"),
        ([NOT_OURS], 502, "upstream_error"),
        ([ROLE, b'data: {"choices": 5}\n\n'], 502, "upstream_error"),
        ([IN_STREAM], 502, "upstream_error"),
        ([ROLE + IN_STREAM], 502, "upstream_error"),
        ([ROLE + HELLO + IN_STREAM], 502, "upstream_error"),
        ([b"data: [DO"], 502, "upstream_error"),
    ],
)
async def test_a_failure_before_content_is_an_answer_with_a_status(pieces, status, code):
    site = Site()

    talk = await _stream(pieces, site)

    check_error(talk, status, "api_error", code)
    (ended,) = site.bench.spool.ends
    assert (ended.status, ended.outcome, ended.error_code) == (status, "error", code)


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        ([], "upstream_error"),
        ([STOP], "upstream_error"),
        ([RESET], "upstream_error"),
        ([TIMEOUT], "timeout"),
        ([IN_STREAM], "upstream_error"),
        ([IN_STREAM, DONE], "upstream_error"),
        ([b"data: [DONE]"], "upstream_error"),
        ([b"data: cut off\n\n"], "upstream_error"),
        ([b'data: {"usage": {"prompt_tokens": "x"}, "choices": []}\n\n', DONE], "upstream_error"),
    ],
)
async def test_a_failure_after_content_is_one_frame_and_the_end_mark(tail, code):
    site = Site()

    talk = await _stream([ROLE, HELLO, *tail], site)

    frames = parse_frames(talk.body)
    assert talk.status == 200
    assert talk.is_complete
    assert frames[-1] == "[DONE]"
    assert frames[-2]["error"]["code"] == code
    assert set(frames[-2]["error"]) == {"message", "type", "param", "code"}
    assert frames[-2]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "error"}]
    assert frames.count("[DONE]") == 1
    assert sum("error" in frame for frame in frames[:-1]) == 1
    (ended,) = site.bench.spool.ends
    assert (ended.outcome, ended.error_code) == ("error", code)


async def test_usage_that_came_before_a_failure_is_settled():
    site = Site()

    await _stream([ROLE, HELLO, USAGE, RESET], site)

    assert site.bench.spool.ends[0].input_tokens == 5


async def test_an_error_frame_tells_the_provider_s_words_and_no_name_of_a_host():
    talk = await _stream([ROLE, HELLO, IN_STREAM])
    reset = await _stream([ROLE, HELLO, UpstreamFailure("body", "reset", is_sent=True, detail="10.1.2.3:443 hung up")])

    assert "overloaded" in parse_frames(talk.body)[-2]["error"]["message"]
    assert b"10.1.2.3" not in reset.body


async def test_the_upstream_is_closed_whatever_happens():
    for pieces in (WHOLE, [ROLE], [ROLE, HELLO], [IN_STREAM], [RESET]):
        site = Site()
        response = site.bench.upstream.answer(pieces)
        await site.ask(stream=True)
        assert response.is_aborted


async def test_an_endless_event_is_given_up(monkeypatch):
    monkeypatch.setattr("proxy.wire.sse.EVENT_LIMIT_BYTES", 1000)
    monkeypatch.setattr("proxy.wire.sse.SseSplitter.__init__.__defaults__", (1000,))

    talk = await _stream([ROLE, HELLO, *[b"x" * 100] * 11, DONE])

    assert parse_frames(talk.body)[-2]["error"]["code"] == "upstream_error"
