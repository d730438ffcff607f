"""OpenAI's own SDK on the streams that we write: its accumulator is strict about what follows what."""

from __future__ import annotations

import httpx2
import openai
import pytest
from pydantic import BaseModel

from proxy.errors import UpstreamTimeout
from proxy.translators.clients.responses import CODEC
from proxy.translators.conversation import Logprob, Started, Stopped, TextDelta
from proxy.translators.direct_responses import DIRECT
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.responses_help import asked
from tests.proxy.unit.translators.clients.test_responses_streams import ALL, TALK

TOOL = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": False}


def _client(stream: bytes) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=stream, headers={"content-type": "text/event-stream"})

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(api_key="k", base_url="http://gateway.invalid/v1", http_client=openai.DefaultHttpxClient(transport=transport))


def _write(events) -> bytes:
    stream = CODEC.begin_stream(asked(stream=True))
    return stream.feed(events) + stream.end()


def _accumulate(stream: bytes, **fields):
    with _client(stream) as client, client.responses.stream(model="gpt", input="Hello!", **fields) as events:
        kinds = [event.type for event in events]
        return kinds, events.get_final_response()


def test_text_is_accumulated():
    kinds, final = _accumulate(_write(TALK))

    assert final.output_text == "Hello!"
    assert final.usage.total_tokens == 8
    assert kinds[-1] == "response.completed"


def test_everything_is_accumulated():
    _, final = _accumulate(_write(ALL), tools=[TOOL])

    assert [item.type for item in final.output] == ["reasoning", "reasoning", "message", "function_call", "reasoning", "function_call"]
    assert [item.arguments for item in final.output if item.type == "function_call"] == ["[]", "{}"]
    assert final.output[0].summary[0].text == "Hmm."


def test_an_object_is_parsed():
    class Place(BaseModel):
        city: str

    _, final = _accumulate(_write([Started("x"), TextDelta('{"city":"Ul'), TextDelta('m"}'), Stopped("stop")]), text_format=Place)

    assert final.output_parsed == Place(city="Ulm")


def test_logprobs_are_accumulated():
    _, final = _accumulate(_write([Started("x"), TextDelta("Hi", logprobs=(Logprob("Hi", -1.0),)), Stopped("stop")]))

    assert final.output[0].content[0].logprobs[0].token == "Hi"


def test_an_incomplete_response_is_no_error():
    stream = _write([Started("x"), TextDelta("Hel"), Stopped("length")])

    with _client(stream) as client, client.responses.stream(model="gpt", input="Hello!") as events:
        last = list(events)[-1]

    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "max_output_tokens")


@pytest.mark.parametrize("before", [[], TALK[:2]])
def test_a_failure_is_seen(before):
    stream = CODEC.begin_stream(asked(stream=True))
    sent = stream.feed(before) + stream.fail(UpstreamTimeout("Too late."))

    with _client(sent) as client, client.responses.stream(model="gpt", input="Hello!") as events:
        last = list(events)[-1]

    assert (last.type, last.response.error.code, last.response.error.message) == ("response.failed", "timeout", "Too late.")


@pytest.mark.parametrize("pieces_count", [0, 1, 4])
def test_a_failure_of_a_stream_that_passed_is_seen(pieces_count):
    given = next(exchange["response"] for exchange in recorded_exchanges() if exchange["name"] == "test_openai_responses_stream#1")
    frames = [frame.encode() + b"\n\n" for frame in given.split("\n\n")[:-1]]
    stream = DIRECT.begin_stream(asked(stream=True))
    passed = b"".join(stream.feed(frame) for frame in frames[: pieces_count * 2])
    sent = (passed if stream.has_content else b"") + stream.fail(UpstreamTimeout("Too late."))

    with _client(sent) as client, client.responses.stream(model="gpt", input="Hello!") as events:
        last = list(events)[-1]

    assert (last.type, last.response.error.code) == ("response.failed", "timeout")


def test_events_are_iterated():
    with _client(_write(ALL)) as client:
        events = list(client.responses.create(model="gpt", input="Hello!", stream=True))

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert {type(event).__name__ for event in events} >= {"ResponseReasoningSummaryTextDeltaEvent", "ResponseRefusalDoneEvent"}
