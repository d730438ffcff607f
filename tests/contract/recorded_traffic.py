"""
The recorded traffic of real providers as cases of a replay: who sent what, which of our providers it stands for, what is left out and why.

Rules: pure. Every exchange of `tests/data/wire/recorded.jsonl.gz` is either a case or left out by a rule of `left_out`; nothing is skipped
in silence. `python -m tests.contract.pages` writes the counts to `docs/reference/recorded-traffic.md`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Literal

from tests.proxy.recorded import recorded_exchanges

Dialect = Literal["chat", "messages", "responses", "gemini", "count_tokens", "gemini_count_tokens"]
CLIENTS: Final[tuple[Dialect, ...]] = ("chat", "messages", "responses")

_HOSTS: Final = {  # host -> name, provider, vendor
    "api.openai.com": ("openai", "openai", ""),
    "pydantic-ai-realtime-dev.openai.azure.com": ("azure", "azure", ""),
    "api.anthropic.com": ("anthropic", "anthropic", ""),
    "generativelanguage.googleapis.com": ("gemini", "gemini", ""),
    "aiplatform.googleapis.com": ("gemini (Vertex)", "gemini", ""),
    "europe-west4-aiplatform.googleapis.com": ("gemini (Vertex)", "gemini", ""),
    "localhost:11434": ("ollama", "openai_compatible", "ollama"),
    "api.groq.com": ("groq", "openai_compatible", "groq"),
    "api.mistral.ai": ("mistral", "openai_compatible", "mistral"),
    "openrouter.ai": ("openrouter", "openai_compatible", "openrouter"),
    "api.deepseek.com": ("deepseek", "openai_compatible", "deepseek"),
    "api.cerebras.ai": ("cerebras", "openai_compatible", "cerebras"),
    "router.huggingface.co": ("huggingface (Together)", "openai_compatible", "together"),
}
_OTHER_HOSTS: Final = {
    "api.cohere.com": ("cohere", "no provider of the gateway speaks Cohere's own dialect"),
    "bedrock-runtime.us-east-1.amazonaws.com": (
        "bedrock",
        "no provider of the gateway speaks Bedrock's dialect, nor signs requests for AWS",
    ),
    "bedrock-runtime.eu-central-1.amazonaws.com": (
        "bedrock",
        "no provider of the gateway speaks Bedrock's dialect, nor signs requests for AWS",
    ),
    "demo-endpoints.pydantic.workers.dev": ("an echo server", "it is no provider: it answers any request with a line of plain text"),
}
_DIALECTS: Final[dict[str, Dialect]] = {  # end of the path -> dialect
    "/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "count_tokens",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
    ":countTokens": "gemini_count_tokens",
}
_OTHER_PATHS: Final = {
    "/v1/responses/compact": "the gateway has no such endpoint",
    "/v1/responses/input_tokens": "the gateway has no such endpoint",
    "/v1/conversations": "conversations are kept by OpenAI, the gateway has no such endpoint",
    "/v1/vector_stores": "files and vector stores are no calls to a model",
    "/files": "files and vector stores are no calls to a model",
    "/v1beta/fileSearchStores": "files and vector stores are no calls to a model",
    ":uploadToFileSearchStore": "files and vector stores are no calls to a model",
}

BROKEN_STREAMS: Final = frozenset(
    {"test_groq/test_tool_use_failed_error_streaming#0", "test_groq/test_tool_use_failed_error_streaming_with_text#0"}
)
"""Streams of the status 200 that end with an error of the provider."""


@dataclass(frozen=True)
class Recorded:
    """One exchange. `name` is unique; `shown_as` is what its provider is called in tables; `model` is the upstream model."""

    name: str
    shown_as: str
    provider: str
    vendor: str
    dialect: Dialect
    exchange: dict[str, Any]

    @property
    def status(self) -> int:
        return int(self.exchange["status"])

    @property
    def is_stream(self) -> bool:
        return isinstance(self.exchange["response"], str)

    @property
    def request(self) -> dict[str, Any]:
        request: dict[str, Any] = self.exchange["request"]
        return request

    @cached_property
    def body(self) -> bytes:
        response = self.exchange["response"]
        return response.encode() if isinstance(response, str) else json.dumps(response).encode()

    @property
    def content_type(self) -> str:
        return str(self.exchange["content_type"])

    @property
    def path(self) -> str:
        """Return the path with its query, as it was asked for."""
        path, query = self.exchange["path"].partition("#")[0], self.exchange["query"]
        return f"{path}?{query}" if query else path

    @property
    def base_path(self) -> str:
        """Return the path of the backend that makes the gateway ask for `path`."""
        path = self.path.partition("?")[0]
        if self.dialect in {"gemini", "gemini_count_tokens"}:
            return path.partition("/models/")[0]
        return next(
            path.removesuffix(end)
            for end in ("/chat/completions", "/responses", "/messages/count_tokens", "/messages")
            if path.endswith(end)
        )

    @property
    def model(self) -> str:
        if self.dialect in {"gemini", "gemini_count_tokens"}:
            return str(self.exchange["path"]).partition("/models/")[2].rpartition(":")[0]
        return str(self.request["model"])


@dataclass(frozen=True)
class Case:
    """An exchange whose answer a client reads in the dialect `client`, from a backend of the provider `provider`."""

    recorded: Recorded
    client: Dialect
    provider: str

    @property
    def is_passed(self) -> bool:
        """Tell whether the client speaks the provider's own dialect."""
        return self.client == self.recorded.dialect and self.provider == self.recorded.provider

    def __str__(self) -> str:
        return f"{self.client}<{self.recorded.shown_as}/{self.recorded.name}"


def _reason(exchange: dict[str, Any]) -> str:
    """Return why an exchange is left out, empty for one that is not."""
    if exchange["host"] in _OTHER_HOSTS:
        return _OTHER_HOSTS[exchange["host"]][1]
    return next((reason for end, reason in _OTHER_PATHS.items() if exchange["path"].endswith(end)), "")


@cache
def recorded_cases() -> tuple[Recorded, ...]:
    """Return the exchanges that are replayed. Errors: KeyError, StopIteration for one that no rule knows."""
    found = []
    for exchange in recorded_exchanges():
        if not _reason(exchange):
            shown_as, provider, vendor = _HOSTS[exchange["host"]]
            path = exchange["path"].partition("#")[0]
            dialect = next(dialect for end, dialect in _DIALECTS.items() if path.endswith(end))
            found.append(Recorded(f"{exchange['set']}/{exchange['name']}", shown_as, provider, vendor, dialect, exchange))
    return tuple(found)


def cases() -> list[Case]:
    """
    Return every exchange in every dialect that a client can read it in.

    OpenAI's own models are asked for responses in their own dialect, so a chat completion of theirs stands for an OpenAI-compatible
    provider there. A recorded response has no other reader: the gateway asks for none but on behalf of a client of that dialect.
    """
    found = []
    for recorded in recorded_cases():
        if recorded.dialect in {"count_tokens", "gemini_count_tokens"}:
            found.append(Case(recorded, "count_tokens", recorded.provider))
        elif recorded.dialect == "responses":
            found.append(Case(recorded, "responses", recorded.provider))
        else:
            for client in CLIENTS:
                is_openai = recorded.provider == "openai" and client == "responses"
                found.append(Case(recorded, client, "openai_compatible" if is_openai else recorded.provider))
    return found


def left_out() -> Counter[tuple[str, str, str]]:
    """Return how many exchanges are left out, by provider, path and reason."""
    found: Counter[tuple[str, str, str]] = Counter()
    for exchange in recorded_exchanges():
        if reason := _reason(exchange):
            name = (_HOSTS.get(exchange["host"]) or _OTHER_HOSTS[exchange["host"]])[0]
            end = next((end for end in _OTHER_PATHS if exchange["path"].endswith(end)), "everything")
            found[name, end, reason] += 1
    return found


# --- the page ---------------------------------------------------------------------------------------------------------------------

_NAMES: Final[dict[Dialect, str]] = {
    "chat": "chat completions",
    "messages": "messages",
    "responses": "responses",
    "gemini": "generateContent",
    "count_tokens": "count_tokens",
    "gemini_count_tokens": "countTokens",
}
_INTRODUCTION: Final = """\
# Recorded provider traffic through the gateway

`tests/contract/test_recorded_traffic.py` puts the recorded traffic of real providers (`tests/data/wire/SOURCES.md`) behind the gateway
and reads it there with the official SDKs of OpenAI and Anthropic.

- **As it is**: in the provider's own dialect the recorded request is sent, and the SDK's object, or every event of a stream, is the same as
  the one that the SDK makes of the recorded bytes without a gateway. So is the way it fails.
- **In another dialect** a short question is asked, and text, tool calls with their arguments, the reason to stop and the counts of tokens
  are the ones that are read from the recorded bytes. Gemini's are read by the test itself.

What the gateway records as used is in both what the provider counted. One answer and one stream of each provider come over a real
connection.
"""
_NOT_TRANSLATED: Final = (
    "A recorded response is read by clients of that dialect only: for all others the gateway asks models of OpenAI for chat completions.\n"
    "A recorded chat completion of OpenAI's own models stands for an OpenAI-compatible provider where a client wants a response."
)


def page() -> str:
    """Return `docs/reference/recorded-traffic.md`."""
    replayed = Counter((case.recorded.shown_as, case.recorded.dialect, case.client, case.is_passed) for case in cases())
    exchanges = Counter((recorded.shown_as, recorded.dialect) for recorded in recorded_cases())
    columns: tuple[Dialect, ...] = (*CLIENTS, "count_tokens")
    lines = [
        _INTRODUCTION,
        f"Of {len(recorded_exchanges())} exchanges {len(recorded_cases())} are replayed, in {len(cases())} ways. **Bold** is as it is.",
        "",
        "| provider | recorded as | exchanges | " + " | ".join(f"read as {_NAMES[column]}" for column in columns) + " |",
        "|---|---|---|" + "---|" * len(columns),
    ]
    for (shown_as, dialect), count in sorted(exchanges.items()):
        cells = [_cell(replayed, shown_as, dialect, column) for column in columns]
        lines.append(f"| {shown_as} | {_NAMES[dialect]} | {count} | " + " | ".join(cells) + " |")
    lines += ["", _NOT_TRANSLATED, "", "## Left out", "", "| provider | path | exchanges | why |", "|---|---|---|---|"]
    lines += [f"| {name} | {end} | {count} | {reason} |" for (name, end, reason), count in sorted(left_out().items())]
    return "\n".join([*lines, ""])


def _cell(replayed: Counter[tuple[str, Dialect, Dialect, bool]], shown_as: str, dialect: Dialect, client: Dialect) -> str:
    if count := replayed[shown_as, dialect, client, True]:
        return f"**{count}**"
    return str(replayed[shown_as, dialect, client, False] or "-")
