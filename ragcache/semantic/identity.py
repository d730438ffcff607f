"""
What two requests must have in common before their questions are compared at all.

Rules: a difference in any field is another namespace, and nothing is ever looked up across two. The messages themselves are not in it
(else only
identical prompts would hit); the system prompt is. What never counts (request ids, streaming or not, user agents) has no field here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Final

NAMESPACE_BYTES: Final = 16
_VERSION: Final = b"semantic-1"


@dataclass(frozen=True, slots=True)
class Identity:
    """
    All that an answer depends on beside the conversation.

    `scope` says who shares: a kind (`key`, `user`, `team`, `workspace`, `global`) and its id, as in `key:0190...`. Hashes are of
    canonical JSON, "" for
    nothing. `sampling` are the canonical sampling parameters, temperatures up to 0.3 as one (`bucket_temperature`).
    """

    tenant: str
    workspace: str
    scope: str
    provider: str
    model: str
    model_version: str
    endpoint: str
    system_prompt_hash: str
    tools_hash: str
    tool_choice: str
    response_format: str
    sampling: str
    max_tokens_class: str
    language: str
    guardrail_version: str
    prompt_template_version: str
    corpus_version: str
    corpus_filters_hash: str
    embedding_model: str
    attachments_hash: str

    def namespace(self) -> bytes:
        """
        Return 16 bytes that are equal for equal identities only.

        Guarantee: each field is hashed with its length, so none can run into the next. Cost: 6 us.
        """
        digest = hashlib.blake2b(_VERSION, digest_size=NAMESPACE_BYTES)
        for name in _NAMES:
            value = getattr(self, name).encode("utf-8", "surrogatepass")
            digest.update(len(value).to_bytes(4, "big") + value)
        return digest.digest()


_NAMES: Final = tuple(field.name for field in fields(Identity))
_SHAREABLE_TEMPERATURE: Final = 0.3
_CLASSES: Final = (64, 256, 1024, 4096, 16384)


def bucket_temperature(temperature: float | None) -> str:
    """
    Return the bucket of a temperature: all up to 0.3 are one, above it each tenth is its own.

    None, the provider's default, is a bucket of its own: nobody here knows it.
    """
    if temperature is None:
        return "default"
    return "low" if temperature <= _SHAREABLE_TEMPERATURE else f"{temperature:.1f}"


def class_of_max_tokens(max_tokens: int | None) -> str:
    """Return the class of an output limit, "" without one: an answer that may be long is not for who asked for a short one."""
    if max_tokens is None:
        return ""
    return next((str(limit) for limit in _CLASSES if max_tokens <= limit), "more")
