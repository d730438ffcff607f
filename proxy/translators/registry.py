"""Which translation speaks a client's dialect with a provider."""

from __future__ import annotations

from typing import Final

from proxy.errors import Untranslatable
from proxy.translators import (
    direct_chat,
    direct_completions,
    direct_count_tokens,
    direct_embeddings,
    direct_messages,
    direct_moderations,
    direct_responses,
    gemini_count_tokens,
    gemini_embeddings,
    ollama_embeddings,
)
from proxy.translators.clients import chat, completions, messages, responses
from proxy.translators.openai_family import PROVIDERS as OPENAI_FAMILY
from proxy.translators.providers import anthropic, gemini, ollama, openai
from proxy.translators.translated import Translated
from proxy.translators.translation import ClientCodec, ProviderCodec, Translation
from proxy.wire.model_request import Operation

_CLIENTS: Final[dict[Operation, ClientCodec]] = {
    "chat": chat.CODEC,
    "completions": completions.CODEC,
    "messages": messages.CODEC,
    "responses": responses.CODEC,
}
_PROVIDERS: Final[dict[str, ProviderCodec]] = {
    **dict.fromkeys(OPENAI_FAMILY, openai.CODEC),
    "anthropic": anthropic.CODEC,
    "gemini": gemini.CODEC,
    "ollama": ollama.CODEC,
}
_SPOKEN: Final = {  # where bytes pass, or where the task is no conversation
    **{("chat", provider): direct_chat.DIRECT for provider in OPENAI_FAMILY},
    **{("completions", provider): direct_completions.DIRECT for provider in OPENAI_FAMILY},
    **{("embeddings", provider): direct_embeddings.DIRECT for provider in OPENAI_FAMILY},
    **{("moderations", provider): direct_moderations.DIRECT for provider in OPENAI_FAMILY - {"azure"}},  # which has none
    **{("responses", provider): direct_responses.DIRECT for provider in ("openai", "azure", "simulator")},
    **{("messages", provider): direct_messages.DIRECT for provider in ("anthropic", "simulator")},
    **{("count_tokens", provider): direct_count_tokens.DIRECT for provider in ("anthropic", "simulator")},
    ("embeddings", "gemini"): gemini_embeddings.TRANSLATION,
    ("embeddings", "ollama"): ollama_embeddings.TRANSLATION,
    ("count_tokens", "gemini"): gemini_count_tokens.TRANSLATION,
}


def _all_translations() -> dict[tuple[str, str], Translation]:
    translated: dict[tuple[str, str], Translation] = {
        (operation, provider): Translated(client, codec) for operation, client in _CLIENTS.items() for provider, codec in _PROVIDERS.items()
    }
    return translated | _SPOKEN


TRANSLATIONS: Final = _all_translations()


def find_translation(operation: Operation, provider: str) -> Translation:
    """Errors: Untranslatable for a task that the provider does not do."""
    translation = TRANSLATIONS.get((operation, provider))
    if translation is None:
        raise Untranslatable(f"Models of the provider {provider!r} do not do {operation.replace('_', ' ')}.", param="model")
    return translation
