"""What a caller may say about a request in its headers, beside the key: tags, the end user, the cache, idempotency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.errors import BadRequest
from proxy.exchange import CacheControl, Exchange
from proxy.wire.dialect import ANTHROPIC, OPENAI

PASSED: Final = (b"openai-", b"anthropic-")
"""The beginnings of headers that may cross to a provider which speaks the client's dialect."""
TAGS_MAX_COUNT: Final = 16
TAG_MAX_LENGTH: Final = 129
END_USER_MAX_LENGTH: Final = 128
_CONTROL_NAMES: Final = frozenset(
    {b"x-stainless-read-timeout", b"x-gateway-tags", b"x-gateway-end-user", b"x-gateway-cache", b"cache-control", b"idempotency-key"}
)
_IDEMPOTENCY_KEY_MAX_LENGTH: Final = 255
_DEADLINE_MAX_S: Final = 86_400.0
_CONTROLS: Final[dict[str, CacheControl]] = {"no-cache": "no-cache", "no-store": "no-store", "only-if-cached": "only-if-cached"}


def read_controls(exchange: Exchange, headers: Mapping[bytes, bytes]) -> None:
    """
    Put into the exchange what the headers say. Errors: BadRequest for tags or an idempotency key that cannot be.

    Cost: one look where there are none of them.

    `cache-control` means the same as `x-gateway-cache`, save that what we do not know of it is ignored.
    """
    if exchange.dialect is OPENAI and exchange.route.startswith("/v1/models") and b"anthropic-version" in headers:
        exchange.dialect = ANTHROPIC
    if _CONTROL_NAMES.isdisjoint(headers):
        return
    if (timeout := headers.get(b"x-stainless-read-timeout")) is not None:
        exchange.deadline_s = _parse_deadline(timeout)
    if (tags := headers.get(b"x-gateway-tags")) is not None:
        exchange.tags = parse_tags(tags.decode("latin-1"))
    if (user := headers.get(b"x-gateway-end-user")) is not None:
        exchange.end_user = user.decode("latin-1")[:END_USER_MAX_LENGTH]
    if (control := headers.get(b"x-gateway-cache")) is not None:
        exchange.cache_control = _parse_gateway_cache(control.decode("latin-1"))
    elif (control := headers.get(b"cache-control")) is not None:
        exchange.cache_control = _parse_cache_control(control.decode("latin-1"))
    if (key := headers.get(b"idempotency-key")) is not None:
        exchange.idempotency_key = _parse_idempotency_key(key.decode("latin-1"))


def presented_key(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the API key as it was sent, empty for none."""
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return headers.get(b"x-api-key", b"").strip()


def _parse_deadline(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds <= _DEADLINE_MAX_S else None


def parse_tags(text: str) -> tuple[str, ...]:
    """Return the tags of `name=value, name`, sorted and each once. Errors: BadRequest."""
    tags = sorted({tag.strip() for tag in text.split(",") if tag.strip()})
    if len(tags) > TAGS_MAX_COUNT or any(len(tag) > TAG_MAX_LENGTH or tag.startswith("=") for tag in tags):
        raise BadRequest(
            f"x-gateway-tags holds at most {TAGS_MAX_COUNT} tags of {TAG_MAX_LENGTH} characters, written `name=value` or `name`.",
            param="x-gateway-tags",
        )
    return tuple(tags)


def _parse_gateway_cache(text: str) -> CacheControl:
    control = _CONTROLS.get(text.strip().lower())
    if control is None:
        raise BadRequest(f"x-gateway-cache is one of {', '.join(_CONTROLS)}.", param="x-gateway-cache")
    return control


def _parse_cache_control(text: str) -> CacheControl:
    said = {directive.strip().lower() for directive in text.split(",")}
    found: CacheControl = ""
    for directive in ("no-store", "no-cache", "only-if-cached"):
        if directive in said:
            found = _CONTROLS[directive]
            break
    return found


def _parse_idempotency_key(text: str) -> str:
    if not 1 <= len(text) <= _IDEMPOTENCY_KEY_MAX_LENGTH:
        raise BadRequest(f"An idempotency key has 1 to {_IDEMPOTENCY_KEY_MAX_LENGTH} characters.", param="idempotency-key")
    return text
