"""Streams that fail: a status while nothing was sent, one error frame and the end mark after that, never a made-up success."""

from __future__ import annotations

import pytest

from proxy.ports import UpstreamFailure
from tests.proxy.asgi_help import Site, Talk, check_error
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, event, parse_frames

RESET = UpstreamFailure("body", "reset", is_sent=True)
TIMEOUT = UpstreamFailure("body", "timeout", is_sent=True, timer="idle")
TOO_LATE = UpstreamFailure("body", "timeout", is_sent=True, timer="first_token")
NOT_OURS = b"data: <html>\n\n"
IN_STREAM = event({"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}})


async def _stream(pieces, site: Site | None = None) -> Talk:
    site = site or Site()
    site.bench.upstream.answer(pieces)
    return await site.ask(stream=True)


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
    for pieces in ([ROLE, HELLO, STOP, USAGE, DONE], [ROLE], [ROLE, HELLO], [IN_STREAM], [RESET]):
        site = Site()
        response = site.bench.upstream.answer(pieces)
        await site.ask(stream=True)
        assert response.is_aborted
