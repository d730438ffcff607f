"""Anthropic's prompt cache: which part of a prompt is read from it or written to it, as its `cache_control` marks say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.simulator.conversation import Conversation
from proxy.simulator.errors import invalid_request
from proxy.simulator.options import Object
from proxy.simulator.text import count_tokens
from proxy.simulator.wire import dump

_MAX_MARKS = 4


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Input tokens by how they came in; those that are neither read nor written make up the rest of the prompt."""

    read_tokens: int = 0
    written_5m_tokens: int = 0
    written_1h_tokens: int = 0

    @property
    def written_tokens(self) -> int:
        return self.written_5m_tokens + self.written_1h_tokens

    @property
    def tokens(self) -> int:
        return self.read_tokens + self.written_tokens


def read_cache_use(blocks: Sequence[Mapping[str, Any]], whole: Mapping[str, Any] | None, conversation: Conversation) -> CacheUse:
    """
    Return what the marks on `blocks` (tools, system, messages, in this order) and on the `whole` request do to the cache.

    Everything up to a mark is cached, for as long as the mark says. The word `sim-cached` in the prompt stands for an earlier call
    with the same beginning: the tokens are read, not written. Prompts of any size are cached, where the real one asks for 1024 tokens.
    Errors: ProviderError 400 for more than four marks and for an unknown time to live.
    """
    marks = list(_find_marks(blocks, whole))
    if len(marks) > _MAX_MARKS:
        raise invalid_request(f"A maximum of {_MAX_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if not marks:
        return CacheUse()
    sizes = [count_tokens(dump(block).decode()) for block in blocks]
    written = {"5m": 0, "1h": 0}
    done = 0
    for block_count, time_to_live in marks:
        upto = conversation.tokens * sum(sizes[:block_count]) // max(1, sum(sizes))
        written[time_to_live] += upto - done
        done = upto
    return CacheUse(read_tokens=done) if conversation.is_cached else CacheUse(0, written["5m"], written["1h"])


def _find_marks(blocks: Sequence[Mapping[str, Any]], whole: Mapping[str, Any] | None) -> Iterator[tuple[int, str]]:
    """Return for each mark how many blocks lie before and under it, and its time to live."""
    for at, block in enumerate(blocks, 1):
        mark = block.get("cache_control")
        if isinstance(mark, Mapping):
            yield at, _time_to_live(mark)
    if whole is not None:
        yield len(blocks), _time_to_live(whole)


def _time_to_live(mark: Mapping[str, Any]) -> str:
    time_to_live = mark.get("ttl", "5m")
    if mark.get("type") != "ephemeral" or time_to_live not in ("5m", "1h"):
        raise invalid_request("cache_control: Input should be {'type': 'ephemeral', 'ttl': '5m' or '1h'}")
    return str(time_to_live)


def list_blocks(tools: Sequence[Object] | None, system: str | Sequence[Object] | None, messages: Sequence[Object]) -> list[Object]:
    """Return all that a prompt consists of, block by block, in the order in which it is cached."""
    blocks = [*(tools or ()), *_as_blocks(system)]
    for message in messages:
        blocks += _as_blocks(message.get("content"))
    return blocks


def _as_blocks(content: Any) -> list[Object]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, dict)]
