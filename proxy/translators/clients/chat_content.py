"""The content of a chat message as neutral parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from proxy.errors import BadRequest
from proxy.translators.clients.objects import as_object, read_object, untranslatable
from proxy.translators.conversation import Media, Reasoning, Refusal, Text
from proxy.translators.media import UNKNOWN_TYPE, guess_type, parse_data_url

PART_HINTS: Final = frozenset({"cache_control", "prompt_cache_breakpoint"})
"""Fields of a message, a content part or a tool that change no answer: where a provider may cache a prompt."""


class _Text(msgspec.Struct):
    text: str
    type: str = ""


class _Image(msgspec.Struct):
    image_url: Any
    type: str = ""


class _ImageUrl(msgspec.Struct):
    url: str
    detail: str = ""


class _Audio(msgspec.Struct):
    input_audio: Any
    type: str = ""


class _AudioData(msgspec.Struct):
    data: str
    format: str


class _File(msgspec.Struct):
    file: Any
    type: str = ""


class _FileData(msgspec.Struct):
    file_data: str
    filename: str = ""


class _Refusal(msgspec.Struct):
    refusal: str
    type: str = ""


class _Thinking(msgspec.Struct):
    thinking: Any
    type: str = ""
    closed: bool = True


def _read_text(value: dict[str, Any], where: str) -> Text:
    return Text(read_object(_Text, value, where, PART_HINTS).text)


def _read_image(value: dict[str, Any], where: str) -> Media:
    given = read_object(_Image, value, where, PART_HINTS).image_url
    inner = f"{where}.image_url"
    image = _ImageUrl(given) if isinstance(given, str) else read_object(_ImageUrl, given, inner)
    found = _read_data_url(image.url, f"{inner}.url")
    if found is None:
        return Media("image", url=image.url, detail=image.detail)
    return Media("image", media_type=found[0], data=found[1], detail=image.detail)


def _read_audio(value: dict[str, Any], where: str) -> Media:
    inner = f"{where}.input_audio"
    audio = read_object(_AudioData, read_object(_Audio, value, where, PART_HINTS).input_audio, inner)
    return Media("audio", media_type="audio/mpeg" if audio.format == "mp3" else f"audio/{audio.format}", data=audio.data)


def _read_file(value: dict[str, Any], where: str) -> Media:
    """A file that lies with OpenAI (`file_id`) can go nowhere else."""
    inner = f"{where}.file"
    file = read_object(_FileData, read_object(_File, value, where, PART_HINTS).file, inner)
    found = _read_data_url(file.file_data, f"{inner}.file_data")
    if found is not None:
        return Media("file", media_type=found[0], data=found[1], name=file.filename)
    media_type = guess_type(file.filename)
    if media_type == UNKNOWN_TYPE:
        raise BadRequest(f"Invalid value for '{inner}.file_data': expected a data URL.", param=f"{inner}.file_data")
    return Media("file", media_type=media_type, data=file.file_data, name=file.filename)


def _read_data_url(url: str, where: str) -> tuple[str, str] | None:
    try:
        return parse_data_url(url)
    except ValueError as error:
        raise BadRequest(f"Invalid value for '{where}': {error}.", param=where) from error


def _read_refusal(value: dict[str, Any], where: str) -> Refusal:
    return Refusal(read_object(_Refusal, value, where, PART_HINTS).refusal)


def _read_thinking(value: dict[str, Any], where: str) -> Reasoning:
    """Mistral's form of reasoning, which its models want back."""
    inner = f"{where}.thinking"
    said = read_content(read_object(_Thinking, value, where).thinking, inner, OF_SYSTEM)
    return Reasoning("".join(part.text for part in said if isinstance(part, Text)))


Content = Text | Media | Refusal | Reasoning
Reader = Callable[[dict[str, Any], str], Content]
OF_SYSTEM: Final[Mapping[str, Reader]] = {"text": _read_text}
OF_USER: Final[Mapping[str, Reader]] = {
    "text": _read_text,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
}
OF_ASSISTANT: Final[Mapping[str, Reader]] = {"text": _read_text, "refusal": _read_refusal, "thinking": _read_thinking}


def read_content(content: Any, where: str, readers: Mapping[str, Reader]) -> tuple[Content, ...]:
    """
    Return the parts of a content; an empty text is none. `readers` are for the types of parts that its role may have.

    Errors: BadRequest, Untranslatable.
    """
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if not isinstance(content, list):
        raise BadRequest(f"Invalid value for '{where}': expected a string or an array.", param=where)
    parts = []
    for index, value in enumerate(content):
        place = f"{where}[{index}]"
        fields = as_object(value, place)
        kind = fields.get("type")
        if kind is None:
            raise BadRequest(f"Missing required parameter: '{place}.type'.", param=f"{place}.type")
        reader = readers.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise untranslatable(place)
        parts.append(reader(fields, place))
    return tuple(parts)
