"""The messages of `/ws/v1/stream`, read and written."""

from __future__ import annotations

import json

import pytest

from proxy.wire.socket_messages import (
    Auth,
    ChunkWriter,
    Ping,
    RequestCancel,
    RequestCreate,
    dump_completed,
    dump_error,
    dump_started,
    parse_message,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"ping"}', Ping()),
        ('{"type":"auth","api_key":"gw_x"}', Auth("gw_x")),
        ('{"id":"a","type":"request.cancel"}', RequestCancel("a")),
        ('{"type":"ping","unknown":[1]}', Ping()),
    ],
)
def test_messages_are_read(text, message):
    assert parse_message(text) == message


def test_a_body_is_kept_as_it_was_written():
    body = '{ "model":"gpt", "x": 1.0e3, "é":"\\u00e9" }'

    message = parse_message('{"type":"request.create","id":"a","endpoint":"chat","body":' + body + ',"headers":{"a":"b"}}')

    assert isinstance(message, RequestCreate)
    assert bytes(message.body) == body.encode()
    assert message.headers == {"a": "b"}


@pytest.mark.parametrize("text", ['{"type":"auth","api_key":"\\ud800"}', '{"type":"ping"', '{"type":"ping"} {}', '"ping"', '{"type":5}'])
def test_what_is_no_message_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_message(text)


def test_chunks_are_numbered_and_their_data_is_untouched():
    writer = ChunkWriter('a"\n')

    texts = [writer.dump(b'{"x": 1.0}'), writer.dump('{"é":[]}'.encode())]

    assert texts == [
        '{"type":"response.chunk","id":"a\\"\\n","seq":0,"data":{"x": 1.0}}',
        '{"type":"response.chunk","id":"a\\"\\n","seq":1,"data":{"é":[]}}',
    ]


def test_bytes_that_are_no_utf_8_cannot_break_a_message():
    assert json.loads(ChunkWriter("a").dump(b'{"x":"\xff"}'))["data"] == {"x": "\ufffd"}


def test_the_other_messages():
    assert json.loads(dump_started("a", "u")) == {"type": "response.started", "id": "a", "request_id": "u"}
    assert json.loads(dump_completed("a", "u", None, "0.000000000")) == {
        "type": "response.completed",
        "id": "a",
        "request_id": "u",
        "usage": None,
        "cost_usd": "0.000000000",
    }
    assert json.loads(dump_error({"code": "x"}, 429, "a", "u", 5)) == {
        "type": "error",
        "status": 429,
        "error": {"code": "x"},
        "id": "a",
        "request_id": "u",
        "retry_after_ms": 5,
    }
    assert json.loads(dump_error({"code": "x"}, 400)) == {"type": "error", "status": 400, "error": {"code": "x"}}
