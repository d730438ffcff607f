"""Chat completions, with the official `openai` client."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

import openai
import pytest
from pydantic import BaseModel

from tests.contract.features import Absent, Clients, feature

CHAT: Final = "chat completions"
NOT_OPENAI: Final = "anthropic gemini ollama"
WEATHER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
LONG_TEXT: Final = "word " * 132_000
IN_OTHER_WORDS: Final = {"gemini": "the simulator says it in OpenAI's words"}


class Person(BaseModel):
    name: str
    age: int


def png() -> str:
    """Return a picture of one pixel, as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    return base64.b64encode(picture).decode()


def say(text: str) -> Any:
    return [{"role": "user", "content": text}]


# --- text -----------------------------------------------------------------------------------------------------------------------


@feature(CHAT, "text")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: one two three"))

    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == ("one two three", "stop")
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.completion_tokens == 3


@feature(CHAT, "stream")
def _(clients: Clients) -> None:
    chunks = list(clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: one two three"), stream=True))
    choices = [choice for chunk in chunks for choice in chunk.choices]  # Azure's first chunk has none

    assert "".join(choice.delta.content or "" for choice in choices) == "one two three"
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert {chunk.usage for chunk in chunks} == {None}


@feature(CHAT, "usage in a stream")
def _(clients: Clients) -> None:
    create = clients.openai.chat.completions.create
    whole = create(model=clients.model(), messages=say("Repeat: one two three"))
    chunks = list(create(model=clients.model(), messages=say("Repeat: one two three"), stream=True, stream_options={"include_usage": True}))

    assert not chunks[-1].choices
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (whole.usage.prompt_tokens, 3)


@feature(CHAT, "system prompt")
def _(clients: Clients) -> None:
    messages: Any = [{"role": "system", "content": "Be brief."}, *say("Repeat: yes")]
    with_prompt = clients.openai.chat.completions.create(model=clients.model(), messages=messages)
    without = clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: yes"))

    assert with_prompt.choices[0].message.content == "yes"
    assert with_prompt.usage is not None
    assert without.usage is not None
    assert with_prompt.usage.prompt_tokens > without.usage.prompt_tokens


@feature(CHAT, "developer prompt")
def _(clients: Clients) -> None:
    messages: Any = [{"role": "developer", "content": "Be brief."}, *say("Repeat: yes")]

    assert clients.openai.chat.completions.create(model=clients.model(), messages=messages).choices[0].message.content == "yes"


@feature(CHAT, "conversation of several turns")
def _(clients: Clients) -> None:
    messages: Any = [*say("Hello!"), {"role": "assistant", "content": "Hi."}, *say("Repeat: again")]

    assert clients.openai.chat.completions.create(model=clients.model(), messages=messages).choices[0].message.content == "again"


@feature(CHAT, "stop sequences")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: one two three"), stop=["two"])

    assert (completion.choices[0].message.content or "").strip() == "one"
    assert completion.choices[0].finish_reason == "stop"


@feature(CHAT, "max_completion_tokens")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model(), messages=say("Repeat: one two three"), max_completion_tokens=2
    )

    assert completion.choices[0].finish_reason == "length"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 2


@feature(CHAT, "max_tokens")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: one two three"), max_tokens=2)

    assert completion.choices[0].finish_reason == "length"


@feature(CHAT, "temperature, top_p")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Repeat: yes"), temperature=0.5, top_p=0.9)

    assert completion.choices[0].message.content == "yes"


@feature(CHAT, "seed", "anthropic", "seed")
def _(clients: Clients) -> None:
    assert clients.openai.chat.completions.create(model=clients.model(), messages=say("Hello!"), seed=7).choices


@feature(CHAT, "frequency_penalty", "anthropic", "frequency_penalty")
def _(clients: Clients) -> None:
    assert clients.openai.chat.completions.create(model=clients.model(), messages=say("Hello!"), frequency_penalty=0.5).choices


@feature(CHAT, "n", "anthropic ollama", "n")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Hello!"), n=2)

    assert [choice.index for choice in completion.choices] == [0, 1]
    assert all(choice.message.content for choice in completion.choices)


@feature(CHAT, "logprobs", "anthropic", "logprobs", absent={"ollama": "the simulator's Ollama gives none"})
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model(), messages=say("Repeat: one two three"), logprobs=True, top_logprobs=2
    )

    logprobs = completion.choices[0].logprobs
    if logprobs is None:
        raise Absent
    assert logprobs.content is not None
    assert "".join(token.token for token in logprobs.content) == "one two three"
    assert all(len(token.top_logprobs) == 2 for token in logprobs.content)


@feature(CHAT, "logit_bias", NOT_OPENAI, "logit_bias")
def _(clients: Clients) -> None:
    assert clients.openai.chat.completions.create(model=clients.model(), messages=say("Hello!"), logit_bias={"1": -1}).choices


@feature(CHAT, "reasoning_effort")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model("sim-reasoning"), messages=say("Repeat: yes"), reasoning_effort="low"
    )

    assert completion.choices[0].message.content == "yes"
    assert getattr(completion.choices[0].message, "reasoning_content", None)


@feature(CHAT, "metadata, user, store")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model(), messages=say("Repeat: yes"), metadata={"a": "b"}, user="someone", store=False
    )

    assert completion.choices[0].message.content == "yes"


# --- formats and media ----------------------------------------------------------------------------------------------------------


@feature(CHAT, "structured output, parsed")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.parse(model=clients.model(), messages=say("Who?"), response_format=Person)

    assert isinstance(completion.choices[0].message.parsed, Person)


@feature(CHAT, "structured output in a stream")
def _(clients: Clients) -> None:
    with clients.openai.chat.completions.stream(model=clients.model(), messages=say("Who?"), response_format=Person) as events:
        completion = events.get_final_completion()

    assert isinstance(completion.choices[0].message.parsed, Person)


@feature(CHAT, "JSON mode", "anthropic", "response_format")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model(), messages=say("Answer in JSON."), response_format={"type": "json_object"}
    )

    assert isinstance(json.loads(completion.choices[0].message.content or ""), dict)


def _see(clients: Clients, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Repeat: seen"}]
    messages: Any = [{"role": "user", "content": content}]
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=messages)

    assert completion.choices[0].message.content == "seen"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens >= 85


@feature(CHAT, "image as data")
def _(clients: Clients) -> None:
    _see(clients, f"data:image/png;base64,{png()}")


@feature(CHAT, "image by address", "ollama", "messages")
def _(clients: Clients) -> None:
    _see(clients, "https://images.example/one.png")


# --- errors ---------------------------------------------------------------------------------------------------------------------


@feature(CHAT, "error: rate limit of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        clients.openai.chat.completions.create(model=clients.model("sim-429"), messages=say("Hello!"))

    assert caught.value.type


@feature(CHAT, "error: failure of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        clients.openai.chat.completions.create(model=clients.model("sim-500"), messages=say("Hello!"))

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")


def check_too_long(ask: Callable[[str], Any]) -> None:
    """Ask more than fits and check that the error says so. Errors: BadRequestError for a parameter that is refused; Absent."""
    with pytest.raises(openai.BadRequestError) as caught:
        ask(LONG_TEXT)
    if caught.value.code == "unsupported_parameter":
        raise caught.value
    if caught.value.code == "INVALID_ARGUMENT":
        raise Absent
    assert caught.value.code == "context_length_exceeded"


@feature(CHAT, "error: prompt too long", absent=IN_OTHER_WORDS)
def _(clients: Clients) -> None:
    check_too_long(lambda text: clients.openai.chat.completions.create(model=clients.model(), messages=say(text)))
