"""Streams as the client sees them, however the network cuts what the upstream sends."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proxy.asgi_help import Site, Talk
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
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.005)

    assert talk.status == 0
    assert not response.is_started
    await talk.done()
    assert talk.pieces[0] == ROLE + ROLE + HELLO
    assert response.is_started


# --- usage ------------------------------------------------------------------------------------------------------------------------


async def test_the_usage_chunk_is_taken_out_when_nobody_asked_and_counted():
    site = Site()

    talk = await _stream(WHOLE, site)

    assert talk.body == WITHOUT_USAGE
    (ended,) = site.bench.spool.ends
    assert (ended.input_tokens, ended.output_tokens, ended.usage_source) == (5, 3, "provider")


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

    assert talk.body == WITHOUT_USAGE


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
    assert (ended.input_tokens, ended.output_tokens, ended.cache_read_tokens) == (5, 3, 4)


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
