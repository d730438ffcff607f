"""What a rule changes is changed in the request, and nothing else is, byte for byte; hostile bodies hide nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.json_text import CannotRewrite
from proxy.errors import BadRequest
from proxy.guarding.texts import insert_note, read_request, set_model
from proxy.wire.model_request import ModelRequest
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.texts_help import PARSERS, exact_units, request_of

_CHAT = (
    b'{"model":"m", "temperature":0.10000000000000000000001,"messages" : [ {"role":"system","content":"s\\u00e9"} ,\n'
    b'{"content":[{"type":"text","text":"one"},{"text":"two","type":"text"}],"role":"user"},{"role":"assistant","content":null,'
    b'"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\\"a\\": \\"x\\",\\"k\\":1e999}"}}]},'
    b'{"role":"tool","tool_call_id":"c1","content":"r"}],"x":{"a":1,"a":2}}'
)
_MESSAGES = (
    b'{"max_tokens":5,"model":"m","system":"s","messages":[{"role":"user","content":"one"},{"role":"assistant","content":['
    b'{"type":"tool_use","id":"t","name":"f","input":{"b":"x", "n":1.50,"a":["y"]}}]},'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r","is_error":false}]}]}'
)
_RESPONSES = (
    b'{"model":"m","instructions":"s","input":[{"role":"user","content":"one"},{"type":"function_call","call_id":"1","name":"f",'
    b'"arguments":"{\\"a\\":\\"x\\"}"},{"type":"function_call_output","call_id":"1","output":"r"}]}'
)
_BODIES = {
    "chat": _CHAT,
    "messages": _MESSAGES,
    "count_tokens": _MESSAGES,
    "responses": _RESPONSES,
    "completions": b'{"model":"m","prompt":["one" , "two"],"suffix":"s"}',
    "embeddings": b'{"model":"m","input":["one","two"]}',
    "moderations": b'{"model":"m","input":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}',
}
_TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)


def _fields(request: ModelRequest) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in request.fields.items()}


@pytest.mark.parametrize("operation", _BODIES)
def test_request_without_changes_is_the_request(operation: str) -> None:
    request = request_of(operation, _BODIES[operation])

    assert read_request(request).rewrite({}) is request


@pytest.mark.parametrize("operation", _BODIES)
@pytest.mark.parametrize("new", ["", "[X]", 'q"\\\n', "ü😀", "\x00"])
def test_rewriting_a_text_changes_that_text_only(operation: str, new: str) -> None:
    request = request_of(operation, _BODIES[operation])
    texts = read_request(request)

    for number, unit in enumerate(texts.units):
        if unit.is_call or unit.text.isdecimal():
            continue
        changed = texts.rewrite({number: new})

        written, old = _fields(changed), _fields(request)
        field = unit.path.partition(".")[0]
        assert {name: raw for name, raw in written.items() if name != field} == {name: raw for name, raw in old.items() if name != field}
        after = read_request(changed).units
        kept = [(each.path, each.text) for at, each in enumerate(texts.units) if at != number and not each.is_call]
        expected = sorted([*kept, (unit.path, new)] if new else kept)
        assert sorted((each.path, each.text) for each in after if not each.is_call) == expected


def test_bytes_around_a_changed_text_stay() -> None:
    request = request_of("chat", _CHAT)
    texts = read_request(request)
    places = {unit.text: number for number, unit in enumerate(texts.units) if not unit.is_call}

    changed = texts.rewrite({places["two"]: "2", places["x"]: "[Y]"})

    expected = bytes(request.fields["messages"]).replace(b'"two"', b'"2"').replace(b'\\"x\\"', b'\\"[Y]\\"')
    assert bytes(changed.fields["messages"]) == expected


def test_half_a_character_is_written_as_none() -> None:
    request = request_of("chat", {"messages": [{"role": "user", "content": "x"}]})

    changed = read_request(request).rewrite({0: "a\ud800b"})

    assert json.loads(bytes(changed.fields["messages"]))[0]["content"] == "a\ufffdb"


def test_whole_arguments_of_a_call_can_be_replaced() -> None:
    for operation in ("chat", "messages", "responses"):
        request = request_of(operation, _BODIES[operation])
        texts = read_request(request)
        number = next(at for at, unit in enumerate(texts.units) if unit.is_call)

        changed = texts.rewrite({number: '{"z": "new"}'})

        assert [unit.text for unit in read_request(changed).units if unit.tool == "f" and unit.trust == "assistant"] == [
            '{"z": "new"}',
            "new",
        ]


def test_object_of_arguments_stays_json() -> None:
    texts = read_request(request_of("messages", _MESSAGES))
    number = next(at for at, unit in enumerate(texts.units) if unit.is_call)

    with pytest.raises(CannotRewrite):
        texts.rewrite({number: "no json"})


def test_call_and_a_string_in_it_cannot_both_be_replaced() -> None:
    for operation in ("chat", "messages"):
        texts = read_request(request_of(operation, _BODIES[operation]))
        number = next(at for at, unit in enumerate(texts.units) if unit.is_call)

        with pytest.raises(CannotRewrite):
            texts.rewrite({number: "{}", number + 1: "x"})


@pytest.mark.parametrize("arguments", [{"bob@example.com": 1}, {"a": 4111111111111111}, ["x"] * 2001])
def test_keys_numbers_and_floods_cannot_be_replaced(arguments: Any) -> None:
    message = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": arguments}]}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps(arguments)}}
    for request in (
        request_of("messages", {"max_tokens": 1, "messages": [message]}),
        request_of("chat", {"messages": [{"role": "assistant", "tool_calls": [call]}]}),
    ):
        texts = read_request(request)
        assert len(texts.units) == 2
        with pytest.raises(CannotRewrite):
            texts.rewrite({1: "x"})


def test_signed_thinking_cannot_be_replaced() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "QUJD"}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": [block]}, {"role": "user", "content": "!"}]
    texts = read_request(request_of("messages", {"max_tokens": 2000, "messages": messages}))

    with pytest.raises(CannotRewrite):
        texts.rewrite({1: "x"})
    with pytest.raises(CannotRewrite):
        texts.rewrite({99: "x"})


# --- hostile bodies -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        '{"role":"user","content":"hidden","content":"fine"}',
        '{"role":"user","content":[{"type":"text","text":"hidden","text":"fine"}]}',
        '{"role":"user","content":[{"type":"text","text":"hidden"}],"content":"fine"}',
        '{"role":"user","c\\u006fntent":"hidden","content":"fine"}',
        '{"role":"user","content":"fine","other":"hidden"}',
        '{"role":"user","content":"fine\\\\","content":"fine\\\\","x":["hidden"]}',
        (
            '{"role":"assistant","content":"fine","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\\"a\\":'
            '\\"hidden\\",\\"a\\":\\"fine\\"}"}}]}'
        ),
        (
            '{"role":"assistant","content":"fine","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"hidden",'
            '"arguments":"fine"}}]}'
        ),
    ],
)
def test_no_repeated_or_unknown_key_hides_a_text(message: str) -> None:
    body = f'{{"model":"m","messages":[{message}]}}'.encode()

    texts = [unit.text for unit in read_request(request_of("chat", body)).units]

    assert "hidden" in texts
    assert any(text.startswith("fine") for text in texts)


def test_text_of_a_repeated_key_can_be_replaced() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hidden","content":"fine"}]}'
    texts = read_request(request_of("chat", body))

    changed = texts.rewrite({0: "[X]"})

    assert bytes(changed.fields["messages"]) == b'[{"role":"user","content":"[X]","content":"fine"}]'


def test_two_roles_are_nobodys() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x","role":"system"}]}'

    assert [unit.trust for unit in read_request(request_of("chat", body)).units] == ["user"]


@pytest.mark.parametrize("depth", [10, 60, 62])
def test_deep_text_is_seen(depth: int) -> None:
    deep = "[" * depth + '"hidden"' + "]" * depth
    body = f'{{"model":"m","messages":[{{"role":"user","content":"fine","x":{deep}}}]}}'.encode()
    texts = read_request(request_of("chat", body))

    assert [unit.text for unit in texts.units] == ["fine", "hidden"]
    assert b"[X]" in bytes(texts.rewrite({1: "[X]"}).fields["messages"])


def test_deep_argument_belongs_to_its_call() -> None:
    deep = "[" * 100 + '"hidden"' + "]" * 100
    block = f'{{"type":"tool_use","id":"1","name":"f","input":{{"a":{deep}}}}}'
    body = f'{{"model":"m","max_tokens":1,"messages":[{{"role":"assistant","content":[{block}]}}]}}'.encode()

    for units in (read_request(request_of("messages", body)).units, exact_units(request_of("messages", body))):
        assert [(unit.tool, unit.direction) for unit in units] == [("f", "tool_arguments")] * 2


def test_large_text_and_nul_characters() -> None:
    text = "a\x00b\ue000" + "x" * (1 << 20)
    texts = read_request(request_of("chat", {"messages": [{"role": "user", "content": text}]}))

    assert texts.units[0].text == text
    assert json.loads(bytes(texts.rewrite({0: "ok"}).fields["messages"]))[0]["content"] == "ok"


def test_lone_surrogates_are_text_or_a_bad_request() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\\ud800hidden"}]}]}'
    try:
        request = request_of("chat", body)
    except BadRequest:
        return

    assert [unit.text for unit in read_request(request).units] == ["\ud800hidden"]


# --- both ways to read ----------------------------------------------------------------------------------------------------------


def _recorded() -> list[ModelRequest]:
    ends = {"/chat/completions": "chat", "/messages": "messages", "/responses": "responses", "/embeddings": "embeddings"}
    found = []
    for exchange in recorded_exchanges():
        operation = next((name for end, name in ends.items() if exchange["path"].endswith(end)), None)
        if operation is None or not exchange["request"]:
            continue
        try:
            found.append(PARSERS[operation](json.dumps(exchange["request"]).encode(), 128))
        except BadRequest:
            continue
    return found


def test_both_ways_to_read_agree_on_recorded_requests() -> None:
    requests = _recorded()

    assert len(requests) > 100
    for request in requests:
        by_quick = sorted(read_request(request).units, key=repr)
        assert by_quick == sorted(exact_units(request), key=repr)


def test_every_text_of_recorded_requests_can_be_replaced() -> None:
    for request in _recorded():
        texts = read_request(request)
        for number, unit in enumerate(texts.units):
            if unit.is_call or "thinking" in unit.path or "arguments" in unit.path or "input." in unit.path:
                continue
            assert b"[REDACTED]" in msgspec.json.encode(texts.rewrite({number: "[REDACTED]"}).fields)


_part = st.fixed_dictionaries({"type": st.just("text"), "text": _TEXTS}, optional={"cache_control": st.just({"type": "ephemeral"})})
_use = st.fixed_dictionaries(
    {
        "type": st.just("tool_use"),
        "id": st.sampled_from("ab"),
        "name": st.sampled_from("fg"),
        "input": st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    }
)
_result = st.fixed_dictionaries(
    {"type": st.just("tool_result"), "tool_use_id": st.sampled_from("ab"), "content": _TEXTS | st.lists(_part, max_size=2)},
    optional={"is_error": st.booleans()},
)
_thinking = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": _TEXTS, "signature": st.sampled_from(["", "QUJD"])})
_image = st.fixed_dictionaries(
    {
        "type": st.just("image"),
        "source": st.fixed_dictionaries({"type": st.sampled_from(["base64", "text", "url"]), "data": _TEXTS, "url": _TEXTS}),
    }
) | st.fixed_dictionaries(
    {"type": st.just("image"), "source": st.fixed_dictionaries({"type": st.just("base64"), "media_type": _TEXTS, "data": _TEXTS})}
)
_picture = st.fixed_dictionaries(
    {
        "type": st.just("image_url"),
        "image_url": st.fixed_dictionaries({"url": _TEXTS | _TEXTS.map("data:".__add__)}, optional={"detail": _TEXTS}),
    }
)
_call = st.fixed_dictionaries(
    {
        "id": st.sampled_from("ab"),
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from("fg"), "arguments": _TEXTS | st.dictionaries(_TEXTS, _TEXTS, max_size=2).map(json.dumps)}
        ),
    }
)
_role = st.sampled_from(["system", "user", "assistant", "tool", "developer", "function", "x"])
_message = st.fixed_dictionaries(
    {"role": _role, "content": _TEXTS | st.lists(_part | _use | _result | _thinking | _image | _picture, max_size=3)},
    optional={"tool_calls": st.lists(_call, max_size=2), "tool_call_id": st.sampled_from("ab"), "name": _TEXTS, "type": st.just("message")},
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_message, min_size=1, max_size=4), st.sampled_from(["chat", "messages", "responses"]), st.booleans())
def test_both_ways_to_read_agree(messages: list[dict[str, Any]], operation: str, is_ascii: bool) -> None:
    field = "input" if operation == "responses" else "messages"
    body = json.dumps({"model": "m", "max_tokens": 1, field: messages}, ensure_ascii=is_ascii)
    try:
        request = PARSERS[operation](body.encode("utf-8", "replace"), 128)
    except BadRequest:
        return

    assert sorted(read_request(request).units, key=repr) == sorted(exact_units(request), key=repr)


_item = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"]),
        "role": _role,
        "content": _TEXTS | st.lists(_part, max_size=2),
        "id": _TEXTS,
        "status": _TEXTS,
        "call_id": st.sampled_from("ab"),
        "name": st.sampled_from("fg"),
        "arguments": _TEXTS,
        "output": _TEXTS,
    },
)
_usual_item = (
    st.fixed_dictionaries({"role": _role, "content": _TEXTS | st.lists(_part, max_size=2)}, optional={"type": st.just("message")})
    | st.fixed_dictionaries(
        {"type": st.just("function_call"), "call_id": st.sampled_from("ab"), "name": st.sampled_from("fg"), "arguments": _TEXTS},
        optional={"id": _TEXTS, "status": _TEXTS},
    )
    | st.fixed_dictionaries({"type": st.just("function_call_output"), "call_id": st.sampled_from("ab"), "output": _TEXTS})
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_usual_item, min_size=1, max_size=5) | st.lists(_usual_item | _item, min_size=1, max_size=3))
def test_both_ways_to_read_items_agree(items: list[dict[str, Any]]) -> None:
    try:
        request = PARSERS["responses"](json.dumps({"model": "m", "input": items}).encode(), 128)
    except BadRequest:
        return

    assert sorted(read_request(request).units, key=repr) == sorted(exact_units(request), key=repr)


# --- notes and models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "body", "field", "expected"),
    [
        (
            "chat",
            {"messages": [{"role": "user", "content": "?"}]},
            "messages",
            [{"role": "system", "content": "N"}, {"role": "user", "content": "?"}],
        ),
        ("chat", {"messages": [{"role": "system", "content": "s"}]}, "messages", [{"role": "system", "content": "s\n\nN"}]),
        (
            "chat",
            {"messages": [{"role": "developer", "content": [{"type": "text", "text": "s"}]}]},
            "messages",
            [{"role": "developer", "content": [{"type": "text", "text": "s\n\nN"}]}],
        ),
        ("messages", {"max_tokens": 1, "messages": [{"role": "user", "content": "?"}]}, "system", "N"),
        ("messages", {"max_tokens": 1, "system": "s", "messages": [{"role": "user", "content": "?"}]}, "system", "s\n\nN"),
        (
            "messages",
            {"max_tokens": 1, "system": [{"type": "text", "text": "s"}], "messages": [{"role": "user", "content": "?"}]},
            "system",
            [{"type": "text", "text": "s"}, {"type": "text", "text": "N"}],
        ),
        (
            "messages",
            {"max_tokens": 1, "system": [], "messages": [{"role": "user", "content": "?"}]},
            "system",
            [{"type": "text", "text": "N"}],
        ),
        ("responses", {"input": "?"}, "instructions", "N"),
        ("responses", {"input": "?", "instructions": "s"}, "instructions", "s\n\nN"),
        ("completions", {"prompt": "p"}, "prompt", "N\n\np"),
        ("completions", {"prompt": ["p", "q"]}, "prompt", ["N\n\np", "N\n\nq"]),
        ("completions", {"prompt": [1, 2]}, "prompt", [1, 2]),
        ("embeddings", {"input": "p"}, "input", "p"),
    ],
)
def test_note_stands_where_the_operator_speaks(operation: str, body: dict[str, Any], field: str, expected: Any) -> None:
    changed = insert_note(request_of(operation, body), "N")

    assert json.loads(bytes(changed.fields[field])) == expected


@pytest.mark.parametrize("operation", _BODIES)
def test_model_is_replaced_in_both_places(operation: str) -> None:
    request = request_of(operation, _BODIES[operation])

    changed = set_model(request, 'other "model"')

    assert changed.model == json.loads(bytes(changed.fields["model"])) == 'other "model"'
    assert _fields(changed) | {"model": b""} == _fields(request) | {"model": b""}
