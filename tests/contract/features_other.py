"""Embeddings, legacy completions, moderations, lists of models, and LangChain."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any, Final

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from tests.contract.features import Clients, feature
from tests.contract.features_chat import NOT_OPENAI, Person
from tests.contract.features_tools import TOOL

EMBEDDINGS: Final = "embeddings"
OTHERS: Final = "completions, moderations, models"
LANGCHAIN: Final = "LangChain"
_TEXTS: Final = ["a red apple", "a green apple"]


def _embed(clients: Clients, **fields: Any) -> Any:
    return clients.openai.embeddings.create(**({"model": clients.model("sim-embed"), "input": _TEXTS} | fields))


@feature(EMBEDDINGS, "floats", "anthropic", "model")
def _(clients: Clients) -> None:
    found = _embed(clients, encoding_format="float")

    assert [entry.index for entry in found.data] == [0, 1]
    assert math.isclose(math.hypot(*found.data[0].embedding), 1, abs_tol=1e-3)


@feature(EMBEDDINGS, "base64, as the SDK asks by itself", "anthropic", "model")
def _(clients: Clients) -> None:
    asked_by_sdk = _embed(clients)
    floats = _embed(clients, encoding_format="float")
    text = _embed(clients, encoding_format="base64").data[0].embedding

    vector = struct.unpack(f"<{len(floats.data[0].embedding)}f", base64.b64decode(text))
    for read in (asked_by_sdk.data[0].embedding, vector):
        assert all(math.isclose(one, other, abs_tol=1e-6) for one, other in zip(read, floats.data[0].embedding, strict=True))


@feature(EMBEDDINGS, "one text", "anthropic", "model")
def _(clients: Clients) -> None:
    assert len(_embed(clients, input="a red apple").data) == 1


@feature(EMBEDDINGS, "dimensions", "anthropic", "model")
def _(clients: Clients) -> None:
    assert [len(entry.embedding) for entry in _embed(clients, dimensions=64).data] == [64, 64]


@feature(OTHERS, "legacy completion")
def _(clients: Clients) -> None:
    completion = clients.openai.completions.create(model=clients.model(), prompt="Repeat: one two three")

    assert completion.choices[0].text.strip() == "one two three"
    assert completion.choices[0].finish_reason == "stop"


@feature(OTHERS, "legacy completion in a stream")
def _(clients: Clients) -> None:
    chunks = clients.openai.completions.create(model=clients.model(), prompt="Repeat: one two three", stream=True)

    assert "".join(choice.text for chunk in chunks for choice in chunk.choices).strip() == "one two three"


@feature(OTHERS, "moderation", f"{NOT_OPENAI} azure azure-v1", "model")
def _(clients: Clients) -> None:
    found = clients.openai.moderations.create(model=clients.model(), input=["sim-flagged", "a red apple"])

    assert [result.flagged for result in found.results] == [True, False]


@feature(OTHERS, "models, with OpenAI's SDK")
def _(clients: Clients) -> None:
    name = f"feat-{clients.provider}"

    assert name in {model.id for model in clients.openai.models.list()}
    assert clients.openai.models.retrieve(name).id == name


@feature(OTHERS, "models, with Anthropic's SDK")
def _(clients: Clients) -> None:
    name = f"feat-{clients.provider}"

    assert name in {model.id for model in clients.anthropic.models.list(limit=3)}
    assert clients.anthropic.models.retrieve(name).id == name


@feature(LANGCHAIN, "invoke")
def _(clients: Clients) -> None:
    message = clients.langchain().invoke([SystemMessage("Be brief."), HumanMessage("Repeat: one two three")])

    assert message.content == "one two three"
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 3


@feature(LANGCHAIN, "stream")
def _(clients: Clients) -> None:
    chunks = list(clients.langchain(stream_usage=True).stream("Repeat: one two three"))

    assert "".join(str(chunk.content) for chunk in chunks) == "one two three"
    assert [chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata] == [3]


@feature(LANGCHAIN, "bind_tools and back")
def _(clients: Clients) -> None:
    model = clients.langchain("sim-tools").bind_tools([TOOL])
    question = HumanMessage("Hello!")
    called = model.invoke([question])
    assert isinstance(called, AIMessage)

    answered = model.invoke([question, called, *(ToolMessage("12 degrees", tool_call_id=call["id"]) for call in called.tool_calls)])

    assert {(call["name"], *call["args"]) for call in called.tool_calls} == {("get_weather", "city")}
    assert answered.content


@feature(LANGCHAIN, "with_structured_output")
def _(clients: Clients) -> None:
    found = clients.langchain().with_structured_output(Person, method="json_schema").invoke("Who?")

    assert isinstance(found, Person)


@feature(LANGCHAIN, "Responses API", "azure", "model")
def _(clients: Clients) -> None:
    message = clients.langchain(use_responses_api=True).invoke("Repeat: one two three")

    assert message.text == "one two three"


@feature(LANGCHAIN, "OpenAIEmbeddings", "anthropic", "model")
def _(clients: Clients) -> None:
    embeddings = clients.langchain_embeddings()

    assert [len(vector) for vector in embeddings.embed_documents(_TEXTS)] == [len(embeddings.embed_query(_TEXTS[0]))] * 2
