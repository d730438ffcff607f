"""The stream of chat completions and of legacy completions: the same chunks around choices of another shape."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import msgspec

from proxy.simulator.behaviour import Behaviour
from proxy.simulator.errors import invalid_request
from proxy.simulator.openai import FAILURE_BODY, FINGERPRINT, provider_headers
from proxy.simulator.options import Object
from proxy.simulator.reply import StreamReply
from proxy.simulator.wire import BROKEN_SSE, DONE, SSE_HEADERS, create_id, dump

_FAILURE_FRAME = b"data: " + FAILURE_BODY + b"\n\n"


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


@dataclass(frozen=True, slots=True)
class ChoiceLines:
    """One choice as JSON, chunk by chunk: its role if the dialect sends one, its tokens, its reason to finish."""

    opening: bytes | None
    paced: Sequence[bytes]
    closing: bytes


class Chunks:
    """
    Writes the chunks of one stream, in OpenAI's order: roles, contents, reasons to finish, usage if asked for, the end mark.

    `usage` is null in all chunks but that last one when the client asked for it, and absent when it did not.
    """

    def __init__(self, object_name: str, id_prefix: str, model_name: str, options: StreamOptions | None) -> None:
        self._has_usage = options is not None and options.include_usage is True
        common: Object = {"id": create_id(id_prefix), "object": object_name, "created": int(time.time()), "model": model_name}
        if object_name == "chat.completion.chunk":
            common |= {"service_tier": "default", "system_fingerprint": FINGERPRINT}
        self._model = model_name
        self._head = b"data: " + dump(common)[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if self._has_usage else b"]}\n\n"

    def reply(self, choices: Sequence[ChoiceLines], usage: Object, behaviour: Behaviour) -> StreamReply:
        """Return the stream of `choices`, which are sent side by side."""
        opening = [self._frame(each.opening) for each in choices if each.opening is not None]
        lines = [[self._frame(line) for line in each.paced] for each in choices]
        paced = lines[0] if len(lines) == 1 else [b"".join(step) for step in zip_longest(*lines, fillvalue=b"")]
        closing = [self._frame(each.closing) for each in choices]
        if self._has_usage:
            closing.append(self._head + b'],"usage":' + dump(usage) + b"}\n\n")
        closing.append(DONE)
        return StreamReply(
            opening,
            paced,
            closing,
            error=(_FAILURE_FRAME, DONE),
            broken=BROKEN_SSE,
            headers=provider_headers(SSE_HEADERS),
            behaviour=behaviour,
            model=self._model,
        )

    def _frame(self, choice: bytes) -> bytes:
        return self._head + choice + self._tail


def check_stream_options(stream: bool | None, options: StreamOptions | None) -> None:
    """Errors: ProviderError 400 where options for a stream come without one."""
    if options is not None and not stream:
        raise invalid_request("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
