"""The simulator as a process of its own, asked by OpenAI's official client and by plain sockets."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import openai
import pytest
from openai import OpenAI

from proxy.simulator.testing import RunningSimulator, running_simulator

USER: Any = [{"role": "user", "content": "What is a rate limiter?"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]
WAIT_S = 20.0


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def client(simulator: RunningSimulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{simulator.base_url}/v1", api_key="any", max_retries=0, timeout=WAIT_S) as made:
        yield made


def exchange(simulator: RunningSimulator, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """Send one request over a plain socket and return all that comes back until the server closes."""
    with connect(simulator, method, path, body) as sock:
        return read_all(sock)


@contextlib.contextmanager
def connect(simulator: RunningSimulator, method: str, path: str, body: dict[str, Any] | None = None) -> Iterator[socket.socket]:
    payload = msgspec.json.encode(body) if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\ncontent-length: {len(payload)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=WAIT_S) as sock:
        sock.sendall(head.encode() + payload)
        yield sock


def read_all(sock: socket.socket) -> bytes:
    received = b""
    while part := sock.recv(65536):
        received += part
    return received


def get(simulator: RunningSimulator, path: str) -> bytes:
    return exchange(simulator, "GET", path).partition(b"\r\n\r\n")[2]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


def test_client_reads_an_answer_and_its_usage(client):
    answer = client.chat.completions.create(model="sim-chat", messages=USER, max_tokens=4)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.completion_tokens, answer.usage.total_tokens) == (4, answer.usage.prompt_tokens + 4)


def test_client_reads_a_stream_and_its_usage(client):
    whole = client.chat.completions.create(model="sim-fast", messages=USER)
    with client.chat.completions.create(model="sim-fast", messages=USER, stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)


def test_client_reads_a_stream_that_comes_byte_by_byte(client):
    with client.chat.completions.create(model="sim-drip", messages=USER, stream=True, max_tokens=5) as stream:
        chunks = list(stream)

    assert len(chunks) == 7


def test_client_collects_streamed_tool_calls(client):
    with client.chat.completions.stream(model="sim-tools", messages=USER, tools=TOOLS) as stream:
        final = stream.get_final_completion()

    calls = final.choices[0].message.tool_calls
    assert final.choices[0].finish_reason == "tool_calls"
    assert calls is not None
    assert [each.function.name for each in calls] == ["get_weather", "get_weather"]
    assert all("city" in msgspec.json.decode(each.function.arguments) for each in calls)


def test_client_reads_json_that_fits_its_schema(client):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    answer = client.chat.completions.create(
        model="sim-json",
        messages=USER,
        response_format={"type": "json_schema", "json_schema": {"name": "count", "schema": schema, "strict": True}},
    )

    assert isinstance(msgspec.json.decode(answer.choices[0].message.content or "")["n"], int)


def test_client_reads_embeddings_as_it_asks_for_them(client):
    answer = client.embeddings.create(model="sim-embed", input=["one", "two"], dimensions=8)
    plain = client.embeddings.create(model="sim-embed", input="one", dimensions=8, encoding_format="float")

    assert [len(each.embedding) for each in answer.data] == [8, 8]
    assert answer.data[0].embedding == pytest.approx(plain.data[0].embedding)


def test_client_reads_responses_whole_and_streamed(client):
    whole = client.responses.create(model="sim-fast", input="Repeat: one two three")
    with client.responses.stream(model="sim-fast", input="Repeat: one two three") as stream:
        streamed = stream.get_final_response()

    assert whole.output_text == streamed.output_text == "one two three"
    assert whole.usage == streamed.usage


def test_client_lists_models_and_completes_text(client):
    assert "sim-chat" in [model.id for model in client.models.list()]
    assert client.completions.create(model="sim-fast", prompt="Repeat: a b").choices[0].text == "a b"


@pytest.mark.parametrize(
    ("model", "error"),
    [("sim-500", openai.InternalServerError), ("sim-429", openai.RateLimitError), ("sim-nothing", openai.NotFoundError)],
)
def test_client_raises_the_errors_of_failing_models(client, model, error):
    with pytest.raises(error):
        client.chat.completions.create(model=model, messages=USER)


def test_client_raises_an_error_that_comes_in_the_middle_of_a_stream(client):
    received = []
    with (
        client.chat.completions.create(model="sim-error-in-stream", messages=USER, stream=True) as stream,
        pytest.raises(openai.APIError, match="The server had an error"),
    ):
        received.extend(stream)

    with client.chat.completions.create(model="sim-cut", messages=USER, stream=True) as stream, pytest.raises(openai.APIConnectionError):
        list(stream)


def test_cut_answers_close_the_connection_before_their_end(simulator):
    streamed = exchange(simulator, "POST", "/v1/chat/completions", {"model": "sim-cut", "messages": USER, "stream": True})
    whole = exchange(simulator, "POST", "/v1/chat/completions", {"model": "sim-cut", "messages": USER})

    assert streamed.startswith(b"HTTP/1.1 200 OK")
    assert b'"content":' in streamed
    assert b"[DONE]" not in streamed
    assert not streamed.endswith(b"0\r\n\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    assert len(body) < int(head.lower().partition(b"content-length: ")[2].split()[0])


def test_client_that_leaves_a_slow_stream_is_noticed(simulator):
    body = {"model": "sim-slow", "messages": USER, "stream": True}
    with connect(simulator, "POST", "/v1/chat/completions?probe=leave", body):
        wait_for(lambda: b"simulator_active_streams 1" in get(simulator, "/metrics"))

    wait_for(lambda: b"simulator_active_streams 0" in get(simulator, "/metrics"))
    entries = msgspec.json.decode(get(simulator, "/logs"))["requests"]
    (entry,) = [entry for entry in entries if entry["model"] == "sim-slow"]
    assert entry["disconnected"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_clean_and_breaks_off_open_streams(number):
    with running_simulator() as simulator:
        body = {"model": "sim-chat", "messages": [{"role": "user", "content": "Write 5000 words"}], "stream": True}
        with connect(simulator, "POST", "/v1/chat/completions", body) as sock:
            received = b""
            while b'"content":' not in received:
                received += sock.recv(65536)
            simulator.process.send_signal(number)
            received += read_all(sock)

        assert simulator.process.wait(WAIT_S) == 0
        assert b"[DONE]" not in received


def test_required_key_is_asked_for():
    with running_simulator("--require-key", "right") as simulator:
        with (
            OpenAI(base_url=f"{simulator.base_url}/v1", api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError) as caught,
        ):
            client.chat.completions.create(model="sim-fast", messages=USER)
        with OpenAI(base_url=f"{simulator.base_url}/v1", api_key="right", max_retries=0) as client:
            assert client.chat.completions.create(model="sim-fast", messages=USER).choices

    assert caught.value.code == "invalid_api_key"


def test_taken_port_is_reported_in_one_line(simulator):
    command = [sys.executable, "-m", "proxy.simulator", "--port", str(simulator.port)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"simulator: cannot listen on 127.0.0.1:{simulator.port}: Address already in use")
    assert done.stderr.count("\n") == 1


def test_simulator_runs_without_django():
    code = "import sys, proxy.simulator.__main__; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=WAIT_S, check=False).returncode == 0
