"""
What a request will probably use, before anybody knows: what is reserved for it, and what is charged where no provider counted.

Rules: no tokenizer (it would cost more than the rest of the request) and no I/O: bytes are counted and a ratio for each model is
learned from what providers counted. An estimate errs on the high side; the difference comes back when the request is settled.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

import msgspec

from proxy.snapshot import Price, Route
from proxy.wire.model_request import ModelRequest

_BYTES_PER_TOKEN: Final = 4.0
_BYTES_PER_TOKEN_MIN: Final = 1.0
_BYTES_PER_TOKEN_MAX: Final = 8.0
_TEXT_BYTES_PER_TOKEN_MAX: Final = 16  # more is no text: pictures, sound, documents
_PRIOR_TOKENS: Final = 1000.0  # how much learning it takes until what was learned counts more than the start
_MEMORY: Final = 0.98
_MODELS_MAX_COUNT: Final = 2000
_MILLION: Final = 1_000_000

_SAMPLED_FROM_BYTES: Final = 32 * 1024
_SAMPLE_EVERY_BYTES: Final = 4096
_SAMPLE_BYTES: Final = 64
_BYTES_PER_MEDIA_TOKEN: Final = 200
_MEDIA_TOKENS_MIN: Final = 1600  # what one large picture costs

_WITHOUT_OUTPUT: Final = frozenset({"embeddings", "moderations", "count_tokens"})


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """Units: LLM tokens, nano-dollars."""

    input_tokens: int
    output_tokens: int
    cost_nano_usd: int

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


FREE: Final = Estimate(0, 0, 0)
"""What a request uses that no provider is asked about."""


class TokenRatios:
    """
    How many bytes of a request body make one input token, for each model: a moving average, weighted by size. Bounded.

    Between 1 and 8 bytes a token, whatever providers claim; 4 before anything was learned. A short body is mostly JSON and would need
    more: it is overestimated, by little.
    """

    def __init__(self) -> None:
        self._sums: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def _ratio(self, model: str) -> float:
        sums = self._sums.get(model)
        if sums is None:
            return _BYTES_PER_TOKEN
        return min(max(sums[0] / sums[1], _BYTES_PER_TOKEN_MIN), _BYTES_PER_TOKEN_MAX)

    def estimate_input(self, model: str, body_bytes: int) -> int:
        """Return the input tokens of a body. Cost: 0.3 us."""
        return math.ceil(body_bytes / self._ratio(model))

    def estimate_output(self, content_bytes: int, model: str) -> int:
        """Return the tokens of so many bytes of an answer's text: of a stream that was cut short before the provider counted."""
        return math.ceil(content_bytes / min(self._ratio(model), _BYTES_PER_TOKEN))

    def learn(self, model: str, body_bytes: int, input_tokens: int) -> None:
        """Take in what a provider counted. A body that is mostly no text teaches nothing."""
        if input_tokens <= 0 or not 0 < body_bytes <= input_tokens * _TEXT_BYTES_PER_TOKEN_MAX:
            return
        known_bytes, known_tokens = self._sums.get(model) or (_PRIOR_TOKENS * _BYTES_PER_TOKEN, _PRIOR_TOKENS)
        self._sums[model] = (known_bytes * _MEMORY + body_bytes, known_tokens * _MEMORY + input_tokens)
        self._sums.move_to_end(model)
        if len(self._sums) > _MODELS_MAX_COUNT:
            self._sums.popitem(last=False)


def estimate(request: ModelRequest, body_bytes: int, route: Route | None, now_s: float, ratios: TokenRatios) -> Estimate:
    """
    Return what the request will use at most: its body as input, its own output cap (else the route's) times its choices as output,
    both at the price of the dearest target at `now_s`, unix seconds.

    Without a route only the input is estimated: nobody will answer. Cost: 2 us; a body above 32 KiB is sampled, 50 us a megabyte.
    """
    media_bytes, media_tokens = _find_media(request.fields) if body_bytes > _SAMPLED_FROM_BYTES else (0, 0)
    model = route.model if route is not None else request.model
    input_tokens = ratios.estimate_input(model, max(0, body_bytes - media_bytes)) + media_tokens
    if route is None:
        return Estimate(input_tokens, 0, 0)
    output_tokens = 0
    if request.operation not in _WITHOUT_OUTPUT:
        cap_tokens = request.output_limit_tokens
        output_tokens = (route.output_cap_tokens if cap_tokens is None else cap_tokens) * request.choices_count
    return Estimate(input_tokens, output_tokens, _dearest_nano_usd(route, input_tokens, output_tokens, now_s))


def _dearest_nano_usd(route: Route, input_tokens: int, output_tokens: int, now_s: float) -> int:
    dearest = 0
    for target in route.targets:
        if (price := target.price_at(now_s)) is not None:
            dearest = max(dearest, _cost(price, input_tokens, output_tokens))
    return dearest


def _cost(price: Price, input_tokens: int, output_tokens: int) -> int:
    output_nano_usd_per_mtok = max(price.output_nano_usd_per_mtok, price.reasoning_nano_usd_per_mtok)
    return -((input_tokens * price.input_nano_usd_per_mtok + output_tokens * output_nano_usd_per_mtok) // -_MILLION)


def _find_media(fields: dict[str, msgspec.Raw]) -> tuple[int, int]:
    """
    Return how many bytes of the fields are base64, and how many tokens that is: pictures, sound and documents cost by their size in
    pixels, seconds or pages, far less than text of the same length would.
    """
    media_bytes = media_tokens = 0
    for raw in fields.values():
        view = memoryview(raw)
        if len(view) < _SAMPLED_FROM_BYTES:
            continue
        run_bytes = 0
        for at in range(0, len(view), _SAMPLE_EVERY_BYTES):
            if _is_base64(bytes(view[at : at + _SAMPLE_BYTES])):
                run_bytes += _SAMPLE_EVERY_BYTES
                continue
            if run_bytes:
                media_bytes += run_bytes
                media_tokens += _tokens_of_media(run_bytes)
                run_bytes = 0
        if run_bytes:
            media_bytes += run_bytes
            media_tokens += _tokens_of_media(run_bytes)
    return media_bytes, media_tokens


def _is_base64(sample: bytes) -> bool:
    return sample.translate(None, b"+/=-_").isalnum()


def _tokens_of_media(run_bytes: int) -> int:
    return max(_MEDIA_TOKENS_MIN, run_bytes // _BYTES_PER_MEDIA_TOKEN)
