"""Comments on a silent stream, so that proxies keep it open: in time, whole, off by a switch on the key, and no timer's excuse."""

from __future__ import annotations

import asyncio

from proxy.ports import UpstreamFailure
from proxy.testing import create_bench, create_principal
from tests.proxy.asgi_help import Site, Talk
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, chat, parse_frames

COMMENT = b": keepalive\n\n"


async def _stream(pieces, keepalive_s: float = 0.03, *, is_enabled: bool = True) -> tuple[Site, Talk]:
    site = Site(create_bench(create_principal(is_keepalive_enabled=is_enabled)), keepalive_s=keepalive_s)
    site.bench.upstream.answer(pieces)
    return site, await site.ask(stream=True)


async def test_a_silent_stream_gets_comments_between_whole_events():
    _, talk = await _stream([ROLE + HELLO, 0.2, WORLD, STOP, USAGE, DONE])

    assert 1 <= talk.body.count(COMMENT) <= 8
    assert talk.body.replace(COMMENT, b"") == ROLE + HELLO + WORLD + STOP + DONE
    assert all(piece.endswith(b"\n\n") for piece in talk.pieces)


async def test_a_stream_that_flows_gets_none():
    _, talk = await _stream([ROLE, HELLO, *[piece for _ in range(20) for piece in (0.002, WORLD)], STOP, DONE], keepalive_s=5)

    assert COMMENT not in talk.body


async def test_the_switch_on_the_key_turns_it_off():
    _, talk = await _stream([ROLE + HELLO, 0.1, STOP, DONE], is_enabled=False)

    assert COMMENT not in talk.body


async def test_silence_before_the_first_content_starts_the_stream():
    site = Site(keepalive_s=0.03)
    response = site.bench.upstream.answer([ROLE, 0.15, HELLO, STOP, DONE])
    talk = site.open(body=chat(stream=True))

    await talk.until(COMMENT)
    assert talk.status == 200
    assert not response.is_started  # the first-token timer goes on: a comment is no content
    await talk.done()

    assert talk.body.startswith(COMMENT)
    assert talk.body.replace(COMMENT, b"") == ROLE + HELLO + STOP + DONE


async def test_a_failure_after_a_comment_is_a_frame():
    site, talk = await _stream([ROLE, 0.1, UpstreamFailure("body", "timeout", is_sent=True, timer="first_token")])

    assert talk.status == 200
    frames = parse_frames(talk.body)
    assert frames[0]["error"]["code"] == "timeout"
    assert frames[-1] == "[DONE]"
    assert site.bench.spool.ends[0].status == 504


async def test_nothing_comes_behind_the_end_and_no_task_is_left():
    before = asyncio.all_tasks()
    _, talk = await _stream([ROLE + HELLO, 0.08, STOP, DONE])
    body = talk.body

    await asyncio.sleep(0.1)

    assert talk.body == body
    assert talk.body.endswith(DONE)
    assert asyncio.all_tasks() == before


async def test_a_whole_answer_gets_none():
    site = Site(keepalive_s=0.01)
    site.bench.upstream.answer([0.1, b'{"choices": []}'])

    talk = await site.ask()

    assert talk.body == b'{"choices": []}'
