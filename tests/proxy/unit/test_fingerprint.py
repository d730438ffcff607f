"""What makes two requests the same."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.fingerprint import IGNORED, fingerprint
from proxy.wire.messages import parse_messages_request
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import parse_chat_request
from tests.proxy.chat_help import chat
from tests.proxy.pieces import unhurried

_text = st.text(max_size=8) | st.sampled_from(['"', "\\", "]", ',"', "\u2028", "é", "\x00"])
_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _text
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4), max_leaves=12)
_objects = st.dictionaries(_text.filter(lambda name: name not in IGNORED), _values, max_size=5)


def _request(body: bytes, **changes: Any) -> ModelRequest:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.structs.replace(ModelRequest("chat", "gpt", False, False, fields), **changes)


def _of(body: Any, **changes: Any) -> bytes:
    return fingerprint("acme", _request(body if isinstance(body, bytes) else json.dumps(body).encode(), **changes), "1")


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: _shuffled(value[name], chance) for name in names}
    return [_shuffled(each, chance) for each in value] if isinstance(value, list) else value


@given(_objects, st.randoms(use_true_random=False))
@unhurried
def test_the_order_of_keys_white_space_and_escapes_do_not_count(body, chance):
    written_otherwise = json.dumps(_shuffled(body, chance), indent=2, ensure_ascii=chance.random() < 0.5).encode()

    assert _of(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()) == _of(written_otherwise)


@given(_objects, _objects)
@unhurried
def test_other_fields_make_another_request(one, other):
    assume(json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))

    assert _of(one) != _of(other)


_parts = st.tuples(_text, _text, _text, _text, _text)


@given(_parts, _parts)
@unhurried
def test_no_part_runs_into_its_neighbour(one, other):
    assume(one != other)

    def of(workspace: str, model: str, policy: str, query: str, previous: str) -> bytes:
        return fingerprint(workspace, _request(b"{}", model=model, query=query, previous_response_id=previous), policy)

    assert of(*one) != of(*other)
    assert len(of(*one)) == 32


def test_it_is_the_same_in_every_process():
    """Workers share answers, so nothing of a process may be in it."""
    assert _of(chat()).hex() == "c96484c42b0f930264d04165375f8777edc8ca4788438e201f8db4da4bb42a5f"


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "completions"},
        {"model": "gpt-2"},
        {"is_stream": True},
        {"query": "beta=true"},
        {"previous_response_id": "resp_1"},
    ],
)
def test_what_is_asked_for_and_how_counts(changes):
    assert _of(chat(), **changes) != _of(chat())


def test_the_workspace_the_policy_and_passed_headers_count():
    request = _request(chat())
    beta = [(b"anthropic-beta", b"context-1m"), (b"anthropic-version", b"2023-06-01")]
    said = [
        fingerprint("acme", request, "1"),
        fingerprint("other", request, "1"),
        fingerprint("acme", request, "2"),
        fingerprint("acme", request, "1", beta),
        fingerprint("acme", request, "1", beta[:1]),
    ]

    assert len(set(said)) == len(said)
    assert fingerprint("acme", request, "1", beta[::-1]) == said[3]


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_fields_that_change_no_answer_are_ignored_save_where_the_answer_repeats_them(name):
    assert _of(chat(**{name: "x"})) == _of(chat())
    assert _of(chat(**{name: "x"}), operation="responses") != _of(chat(), operation="responses")


@pytest.mark.parametrize("name", ["temperature", "store", "service_tier", "seed", "stream_options", "unheard_of"])
def test_other_fields_count(name):
    assert _of(chat(**{name: 1})) != _of(chat())


@pytest.mark.parametrize(
    "message",
    [
        b'{"role":"user","content":"good","content":"evil"}',
        b'{"role":"user","content":"evil","content":"good"}',
        b'{ "role": "user", "cont\\u0065nt": "evil", "content": "good" }',
    ],
)
def test_a_body_that_two_parsers_read_differently_is_like_no_other(message):
    """Or one caller could have an upstream answer another question than the one the answer is kept for."""
    body = b'{"model":"gpt","messages":[%b]}'
    plain = {_of(body % b'{"role":"user","content":"good"}'), _of(body % b'{"role":"user","content":"evil"}')}

    assert _of(body % message) not in plain
    assert _of(body % message) == _of(body % message)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000])
def test_numbers_that_nothing_of_ours_holds_are_no_failure(number):
    assert _of(b'{"seed":%b}' % number) == _of(b'{ "seed": %b }' % number)
    assert _of(b'{"seed":%b}' % number) != _of(b'{"seed":null}')
    assert _of(b'{"seed":%b}' % number) != _of({"seed": number.decode()})


def test_two_dialects_are_two_requests():
    body = chat(max_tokens=5)

    chat_request, messages_request = parse_chat_request(body, 64), parse_messages_request(body, 64)

    assert fingerprint("acme", chat_request, "") != fingerprint("acme", messages_request, "")
