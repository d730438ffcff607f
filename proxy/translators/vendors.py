"""
What those who speak OpenAI's chat dialect do differently, by `backend.vendor`.

Rules: only what changes no meaning: a parameter has another name, or is refused although it changes no answer. A vendor that is not here
is OpenAI's equal, and nothing of a request is changed for it. What vendors answer differently needs no table: the parsers read all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from proxy.wire.openai import is_absent


@dataclass(frozen=True, slots=True)
class Vendor:
    """
    `names`: its names for OpenAI's parameters. `refused_hints`: what it refuses, and what may be left out because no answer changes.

    `tool_choices`: its words for OpenAI's. `has_top_k`: it takes `top_k`, which OpenAI does not have. `reasoning_field`: where in an
    assistant's message it wants its reasoning back; empty when it wants none.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    refused_hints: frozenset[str] = frozenset()
    tool_choices: Mapping[str, str] = field(default_factory=dict)
    has_top_k: bool = False
    reasoning_field: str = ""


_ONLY_MAX_TOKENS: Final = {"max_completion_tokens": "max_tokens"}

_PLAIN: Final = Vendor()
VENDORS: Final[Mapping[str, Vendor]] = {
    # 422 `extra_forbidden` for every field it does not know, `stream_options.include_usage` among them; usage is always in the last
    # chunk. Source: https://docs.mistral.ai/api/#tag/chat, https://github.com/openai/openai-agents-python/issues/442
    "mistral": Vendor(
        names={**_ONLY_MAX_TOKENS, "seed": "random_seed"},
        refused_hints=frozenset({"stream_options", "user", "safety_identifier", "store"}),
        tool_choices={"required": "any"},
    ),
    # 400 without the `reasoning_content` of the turns that called tools.
    # Source: https://api-docs.deepseek.com/api/create-chat-completion, https://api-docs.deepseek.com/guides/thinking_mode
    "deepseek": Vendor(names=_ONLY_MAX_TOKENS, reasoning_field="reasoning_content"),
    # Source: https://inference-docs.cerebras.ai/capabilities/reasoning; recorded traffic
    "cerebras": Vendor(reasoning_field="reasoning"),
    # Source: https://openrouter.ai/docs/api-reference/parameters, https://openrouter.ai/docs/use-cases/reasoning-tokens
    "openrouter": Vendor(has_top_k=True, reasoning_field="reasoning"),
    # `max_completion_tokens` is newer than many a server that runs. Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server
    "vllm": Vendor(names=_ONLY_MAX_TOKENS, has_top_k=True),
    # Source: https://docs.together.ai/reference/chat-completions
    "together": Vendor(names=_ONLY_MAX_TOKENS, has_top_k=True),
    # Source: https://docs.fireworks.ai/api-reference/post-chatcompletions
    "fireworks": Vendor(names=_ONLY_MAX_TOKENS, has_top_k=True),
    # Source: https://huggingface.co/docs/inference-providers/tasks/chat-completion
    "huggingface": Vendor(names=_ONLY_MAX_TOKENS),
    # Source: https://docs.ollama.com/api/openai-compatibility
    "ollama": Vendor(names=_ONLY_MAX_TOKENS),
    # Source: https://github.com/abetlen/llama-cpp-python/issues/1907
    "llamacpp": Vendor(names=_ONLY_MAX_TOKENS, has_top_k=True),
    # Source: https://docs.perplexity.ai/api-reference/chat-completions-post
    "perplexity": Vendor(names=_ONLY_MAX_TOKENS, has_top_k=True),
}

_encoder: Final = msgspec.json.Encoder()
_LABELS: Final = {"xai": "x"}
"""The word in a vendor's host name, where it is not the vendor's own name."""


def find_vendor(name: str) -> Vendor:
    """Return what is different about a vendor: nothing, when it is not known."""
    return VENDORS.get(name, _PLAIN)


def vendor_at(host: str) -> str:
    """Return the name of the vendor whose public API is at `host`, empty for a host that is no known one's."""
    labels = host.lower().split(".")
    return next((name for name in VENDORS if _LABELS.get(name, name) in labels), "")


def speak_as(vendor: Vendor, fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return the fields of a chat request in the vendor's words; the values of all others are the same bytes."""
    spoken = {name: value for name, value in fields.items() if name not in vendor.refused_hints}
    for name, other in vendor.names.items():
        if not is_absent(spoken, name):
            spoken[other] = spoken[name]
        spoken.pop(name, None)
    if vendor.tool_choices and (choice := spoken.get("tool_choice")) is not None:
        word = bytes(choice).strip(b'"').decode()
        if word in vendor.tool_choices:
            spoken["tool_choice"] = msgspec.Raw(_encoder.encode(vendor.tool_choices[word]))
    return spoken
