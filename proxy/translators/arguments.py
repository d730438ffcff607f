"""A tool call's arguments for providers that take an object where OpenAI takes JSON text."""

from __future__ import annotations

from typing import Final

import msgspec

from proxy.translators.conversation import Conversation, ToolCall
from proxy.wire.bad_request import UNREADABLE

_object_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def dump_arguments(conversation: Conversation, call: ToolCall, provider: str) -> msgspec.Raw:
    """
    Return the arguments as they were written, checked to be an object; none are an empty one.

    Errors: Untranslatable for what a model wrote that is no object.
    """
    written = call.arguments.strip() or "{}"
    try:
        _object_decoder.decode(written)
    except (*UNREADABLE, UnicodeEncodeError) as error:
        reason = f"The arguments of a call of the tool {call.name!r} are no JSON object."
        raise conversation.refuse("messages", provider, reason) from error
    return msgspec.Raw(written.encode())


def read_arguments(written: msgspec.Raw) -> str:
    """
    Return a provider's object as JSON text without blanks, its numbers as they were written; null is an empty one.

    Errors: ValueError for anything else.
    """
    arguments = bytes(written)
    if arguments == b"null":
        return "{}"
    if not arguments.startswith(b"{"):
        raise ValueError("the arguments of a tool call are no object")
    return msgspec.json.format(arguments, indent=-1).decode()
