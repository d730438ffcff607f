"""
The names that Gemini's API knows, and how it reads them: as `camelCase` or `snake_case`, and never one that it does not know.

Google turns JSON into protocol buffers, which refuse unknown names; a translator that passes on another provider's field, or a keyword
of JSON Schema that is not in Google's own subset, is found out here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.simulator.errors import ProviderError, invalid_request

_REPEATED = frozenset({"contents", "parts", "tools", "functionDeclarations"})
_UNDERSCORE = re.compile(r"_([a-z0-9])")
_CAPITAL = re.compile(r"(?<!^)([A-Z])")


@dataclass(frozen=True, slots=True)
class _Map:
    """An object whose names are the caller's own, all of one kind."""

    kind: Any


class _Free:
    """A value that is taken as it is."""


_FREE: Final = _Free()
Kind = Mapping[str, Any] | _Map | _Free


def _free(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), _FREE)


_SCHEMA: Final[dict[str, Any]] = _free(
    "type format title description nullable enum maxItems minItems required minProperties maxProperties minLength maxLength pattern "
    "example default minimum maximum propertyOrdering"
)
_SCHEMA.update(properties=_Map(_SCHEMA), items=_SCHEMA, anyOf=_SCHEMA)

_PART: Final[dict[str, Any]] = _free(
    "text thought thoughtSignature videoMetadata partMetadata executableCode codeExecutionResult mediaResolution"
) | {
    "inlineData": _free("mimeType data displayName"),
    "fileData": _free("mimeType fileUri displayName"),
    "functionCall": _free("id name args"),
    "functionResponse": _free("id name response willContinue scheduling parts"),
    "toolCall": _FREE,
    "toolResponse": _FREE,
}
_CONTENT: Final[dict[str, Any]] = {"role": _FREE, "parts": _PART}
_FUNCTION: Final[dict[str, Any]] = _free("name description behavior parametersJsonSchema responseJsonSchema") | {
    "parameters": _SCHEMA,
    "response": _SCHEMA,
}
_TOOL: Final[dict[str, Any]] = _free(
    "googleSearch googleSearchRetrieval codeExecution urlContext fileSearch computerUse googleMaps mcpServers"
) | {"functionDeclarations": _FUNCTION}
_CONFIG: Final[dict[str, Any]] = _free(
    "candidateCount stopSequences maxOutputTokens temperature topP topK seed responseMimeType responseJsonSchema presencePenalty "
    "frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers responseModalities speechConfig imageConfig mediaResolution"
) | {"responseSchema": _SCHEMA, "thinkingConfig": _free("includeThoughts thinkingBudget thinkingLevel")}
GENERATE: Final[dict[str, Any]] = _free("model safetySettings cachedContent labels serviceTier store") | {
    "contents": _CONTENT,
    "systemInstruction": _CONTENT,
    "tools": _TOOL,
    "toolConfig": _free("retrievalConfig includeServerSideToolInvocations") | {"functionCallingConfig": _free("mode allowedFunctionNames")},
    "generationConfig": _CONFIG,
}
COUNT: Final[dict[str, Any]] = {"contents": _CONTENT, "generateContentRequest": GENERATE}
EMBED: Final[dict[str, Any]] = _free("model taskType title outputDimensionality") | {"content": _CONTENT}
BATCH: Final[dict[str, Any]] = {"requests": EMBED}


def read_fields(value: Any, kind: Kind, where: str = "") -> Any:
    """
    Return `value` with its names in camelCase; what callers name themselves (arguments, schemas' properties) stays as it is.

    Errors: ProviderError 400 for a name that the API does not know.
    """
    if isinstance(value, list):
        return [read_fields(each, kind, f"{where}[{n}]") for n, each in enumerate(value)]
    if isinstance(kind, _Free) or not isinstance(value, dict):
        return value
    if isinstance(kind, _Map):
        return {name: read_fields(each, kind.kind, f"{where}.{name}") for name, each in value.items()}
    read: dict[str, Any] = {}
    for name, each in value.items():
        known = _UNDERSCORE.sub(lambda found: found[1].upper(), name)
        if known not in kind:
            raise _unknown_name(name, where)
        inner = _CAPITAL.sub(r"_\1", known).lower()
        if known in _REPEATED and isinstance(each, dict):
            each = [each]  # Google takes one for a list of one
        read[known] = read_fields(each, kind[known], f"{where}.{inner}" if where else inner)
    return read


def _unknown_name(name: str, where: str) -> ProviderError:
    at = f" at '{where}'" if where else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
    return invalid_request(message, param=where or None, code="unknown_parameter")
