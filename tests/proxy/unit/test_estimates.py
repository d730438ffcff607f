"""What a request will probably use, before anybody knows."""

from __future__ import annotations

import base64
import json
import random

import msgspec
import pytest

from proxy.estimates import Estimate, TokenRatios, estimate
from proxy.snapshot import Price, Route, Target
from proxy.wire.model_request import ModelRequest


def _request(operation="chat", *, output_limit_tokens=None, choices_count=1, model="gpt", content="Hello!"):
    fields = {"model": msgspec.Raw(b'"gpt"'), "messages": msgspec.Raw(json.dumps([{"role": "user", "content": content}]).encode())}
    return ModelRequest(operation, model, False, False, fields, output_limit_tokens=output_limit_tokens, choices_count=choices_count)


def _price(input_usd: int, output_usd: int, reasoning_usd: int | None = None, effective_at: float = 0.0) -> Price:
    """Return a price in dollars per million tokens."""
    nano = [usd * 10**9 for usd in (input_usd, input_usd, output_usd)]
    reasoning = output_usd if reasoning_usd is None else reasoning_usd
    return Price(effective_at, *nano, nano[0], nano[0], reasoning * 10**9, nano[0], nano[2])


CHEAP, DEAR = Target("a", "m", prices=(_price(1, 2),)), Target("b", "m", prices=(_price(3, 10),))
ROUTE = Route("gpt", (CHEAP, DEAR), output_cap_tokens=1000)


def _estimate(request, body_bytes=400, route=ROUTE, ratios=None):
    return estimate(request, body_bytes, route, 1.0, ratios or TokenRatios())


def test_the_route_s_cap_is_assumed_where_the_request_has_none_and_the_dearest_target():
    assert _estimate(_request()) == Estimate(100, 1000, 100 * 3000 + 1000 * 10_000)


def test_the_requests_own_cap_counts_for_each_of_its_choices():
    found = _estimate(_request(output_limit_tokens=50, choices_count=4))

    assert (found.output_tokens, found.total_tokens) == (200, 300)


@pytest.mark.parametrize("operation", ["embeddings", "moderations", "count_tokens"])
def test_some_operations_have_no_output(operation):
    assert _estimate(_request(operation, output_limit_tokens=50)) == Estimate(100, 0, 300_000)


def test_reasoning_may_be_dearer_than_other_output():
    route = Route("gpt", (Target("a", "m", prices=(_price(1, 2, reasoning_usd=7),)),), output_cap_tokens=10)

    assert _estimate(_request(), 4, route).cost_nano_usd == 1000 + 70_000


def test_the_price_is_the_one_that_holds_now_and_is_rounded_up():
    later = Target("a", "m", prices=(Price(0.0, 1, 1, 1, 1, 1, 1, 1, 1), _price(9, 9, effective_at=2.0)))

    assert _estimate(_request(), 4, Route("gpt", (later,), output_cap_tokens=1)) == Estimate(1, 1, 1)


def test_without_a_price_it_costs_nothing():
    assert _estimate(_request(), route=Route("gpt", (Target("a", "m"),))) == Estimate(100, 4096, 0)


def test_without_a_route_nobody_will_answer():
    assert _estimate(_request(), route=None) == Estimate(100, 0, 0)


# --- what is learned ------------------------------------------------------------------------------------------------------------------


def test_before_anything_was_learned_four_bytes_are_a_token():
    ratios = TokenRatios()

    assert ratios.estimate_input("gpt", 401) == 101
    assert ratios.estimate_output(9, "gpt") == 3


def test_what_providers_count_is_learned_for_each_model():
    ratios = TokenRatios()
    for _ in range(300):
        ratios.learn("dense", 2000, 1000)
        ratios.learn("wide", 6000, 1000)

    assert ratios.estimate_input("dense", 10_000) == pytest.approx(5000, rel=0.01)
    assert ratios.estimate_input("wide", 12_000) == pytest.approx(2000, rel=0.01)
    assert ratios.estimate_output(1000, "dense") == pytest.approx(500, rel=0.01)
    assert ratios.estimate_output(1000, "wide") == 250  # of a body much is JSON, of an answer's text nothing
    assert ratios.estimate_input("another", 400) == 100


def test_a_single_answer_teaches_little():
    ratios = TokenRatios()
    ratios.learn("gpt", 400, 400)

    assert ratios.estimate_input("gpt", 4000) < 1400


@pytest.mark.parametrize(("body_bytes", "input_tokens"), [(100, 0), (0, 100), (100, -5), (1_000_000, 1500)])
def test_what_makes_no_sense_teaches_nothing(body_bytes, input_tokens):
    ratios = TokenRatios()
    ratios.learn("gpt", body_bytes, input_tokens)

    assert ratios.estimate_input("gpt", 400) == 100


@pytest.mark.parametrize(("body_bytes", "input_tokens", "most", "least"), [(10, 10**9, 1000, 1000), (15_000, 1000, 125, 125)])
def test_a_ratio_is_bounded_whatever_providers_claim(body_bytes, input_tokens, most, least):
    ratios = TokenRatios()
    for _ in range(1000):
        ratios.learn("gpt", body_bytes, input_tokens)

    assert least <= ratios.estimate_input("gpt", 1000) <= most


def test_models_are_bounded(monkeypatch):
    monkeypatch.setattr("proxy.estimates._MODELS_MAX_COUNT", 10)
    ratios = TokenRatios()
    for number in range(100):
        ratios.learn(f"m{number}", 2000, 1000)

    assert len(ratios._sums) == 10


def test_a_learned_ratio_is_the_route_s_and_not_of_what_a_caller_called_it():
    ratios = TokenRatios()
    for _ in range(300):
        ratios.learn("gpt", 2000, 1000)

    assert _estimate(_request(model="alias"), 2000, ratios=ratios).input_tokens == pytest.approx(1000, rel=0.01)


# --- pictures and other media ---------------------------------------------------------------------------------------------------------


def _picture(size_bytes: int) -> str:
    return "data:image/png;base64," + base64.b64encode(random.Random(1).randbytes(size_bytes)).decode()


def test_a_picture_costs_what_pictures_cost_and_not_what_its_bytes_would():
    request = _request(content=[{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": _picture(300_000)}}])
    body_bytes = sum(len(memoryview(raw)) for raw in request.fields.values())

    found = _estimate(request, body_bytes)

    assert 1600 <= found.input_tokens <= 5000


def test_several_pictures_cost_each():
    pictures = [{"type": "image_url", "image_url": {"url": _picture(100_000)}}, {"type": "text", "text": "and " * 2000}]
    one, three = _request(content=pictures), _request(content=pictures * 3)

    counts = [_estimate(each, sum(len(memoryview(raw)) for raw in each.fields.values())).input_tokens for each in (one, three)]

    assert counts[1] == pytest.approx(3 * counts[0], rel=0.2)
    assert counts[0] > 2000


@pytest.mark.parametrize("text", ["word " * 50_000, "日本語のテキスト" * 20_000, "https://example.com/a-b_c?d=e&f " * 5000])
def test_text_is_text_however_long(text):
    request = _request(content=text)
    body_bytes = sum(len(memoryview(raw)) for raw in request.fields.values())

    assert _estimate(request, body_bytes).input_tokens == -(-body_bytes // 4)
