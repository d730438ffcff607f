"""
The neutral form of a conversation with a model: what every client dialect is read into and every provider's request is written from.

Rules: pure values. A client's codec puts in all that the client asked for or refuses it by name (`Untranslatable`); a provider's codec
writes all that is in here or refuses it by name. Nothing is dropped on the way, save what `docs/reference/dialects.md` lists as hints.
Where client and provider speak the same dialect none of this runs: the bytes pass (`direct_*.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from proxy.errors import Untranslatable
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage

Role = Literal["system", "user", "assistant"]
StopReason = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause"]


# --- what is said ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound or a file: either `data` (base64) with its `media_type`, or `url`."""

    kind: Literal["image", "audio", "file"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    name: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON text as the model wrote it, which may be no valid JSON. `signature`: what a provider wants back with it."""

    id: str
    name: str
    arguments: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """`name` is the tool's, filled in by the client's codec from the call with the same id where the dialect leaves it out."""

    call_id: str
    parts: tuple[Text | Media, ...]
    name: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """`signature` is the provider's seal over it; `redacted` is reasoning that only the provider can read (base64)."""

    text: str = ""
    signature: str = ""
    redacted: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    text: str


Part = Text | Media | ToolCall | ToolResult | Reasoning | Refusal


@dataclass(frozen=True, slots=True)
class Message:
    """`parts` of a user hold Text, Media and ToolResult; of an assistant Text, ToolCall, Reasoning and Refusal; of a system only Text."""

    role: Role
    parts: tuple[Part, ...]


# --- how it is to be answered ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` is a JSON schema of an object, None for a tool without any."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    is_strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`name` with mode `tool`; `allowed` narrows the other modes to some of the tools."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """`json`: any JSON object; `schema`: JSON of `schema`."""

    kind: Literal["json", "schema"]
    schema: dict[str, Any] | None = None
    name: str = ""
    description: str = ""
    is_strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ReasoningWish:
    """
    How much the model may think before it answers. `effort` is none, minimal, low, medium, high or xhigh; `budget_tokens` a number.

    A codec whose provider knows only the other one converts by `translators/effort.py`. `is_shown`: the client wants to read it.
    """

    effort: str = ""
    budget_tokens: int | None = None
    is_shown: bool = False
    is_enabled: bool = True


@dataclass(frozen=True)
class Conversation:
    """
    A request. A field that is None or empty was not set by the client.

    `names` says what the client calls a field of ours (`output_limit_tokens` -> `max_tokens`), for `refuse`.
    """

    model: str
    messages: tuple[Message, ...]
    is_stream: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    has_parallel_tool_calls: bool | None = None
    output_limit_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    choices_count: int = 1
    output_format: OutputFormat | None = None
    has_logprobs: bool = False
    top_logprobs_count: int | None = None
    reasoning: ReasoningWish | None = None
    verbosity: str = ""
    end_user: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, name: str, provider: str, reason: str = "") -> Untranslatable:
        """
        Return the error for a field of ours that a provider has no word for: `raise conversation.refuse("seed", "anthropic")`.

        `reason` is a sentence that tells what of it, where the name alone does not.
        """
        param = self.names.get(name, name)
        message = f"The parameter {param!r} cannot be translated for a model of the provider {provider!r}."
        return Untranslatable(f"{message} {reason}".rstrip(), param=param)


# --- the answer -----------------------------------------------------------------------------------------------------------------


class Logprob(NamedTuple):
    """The log probability of one output token; `top` are the likeliest others."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `stop_sequence` is the text that ended it, when the reason is `stop_sequence`."""

    parts: tuple[Part, ...]
    stop_reason: StopReason
    stop_sequence: str | None = None
    logprobs: tuple[Logprob, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `usage` is None when the provider counted nothing; `created_at_s` 0 when it did not say."""

    id: str
    choices: tuple[Choice, ...]
    usage: Usage | None
    created_at_s: int = 0


# --- the same as a stream -------------------------------------------------------------------------------------------------------
# `choice` is the index of the answer (n > 1), `index` that of the tool call within it, both rising from 0 in the order they begin.


class Started(NamedTuple):
    """The provider began; always the first event."""

    id: str


class TextDelta(NamedTuple):
    text: str
    choice: int = 0
    logprobs: tuple[Logprob, ...] | None = None


class ReasoningDelta(NamedTuple):
    """`signature` closes the reasoning so far; `redacted` is a whole block of it."""

    text: str = ""
    signature: str = ""
    redacted: str = ""
    choice: int = 0


class RefusalDelta(NamedTuple):
    text: str
    choice: int = 0


class ToolCallStarted(NamedTuple):
    index: int  # type: ignore[assignment]  # it hides tuple.index, which nobody calls
    id: str
    name: str
    choice: int = 0
    signature: str = ""


class ArgumentsDelta(NamedTuple):
    """A piece of the JSON text of the tool call `index`."""

    index: int  # type: ignore[assignment]  # it hides tuple.index, which nobody calls
    text: str
    choice: int = 0


class Stopped(NamedTuple):
    reason: StopReason
    stop_sequence: str | None = None
    choice: int = 0


class UsageCounted(NamedTuple):
    """All that was used so far; a later one replaces it."""

    usage: Usage


class Ended(NamedTuple):
    """The provider's own end mark: the answer is whole. Always the last event of a stream that succeeded."""


class Failed(NamedTuple):
    """The provider reported an error; nothing comes after it."""

    detail: UpstreamErrorDetail


StreamEvent = (
    Started | TextDelta | ReasoningDelta | RefusalDelta | ToolCallStarted | ArgumentsDelta | Stopped | UsageCounted | Ended | Failed
)
