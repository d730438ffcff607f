"""What rules are shown of whole answers, and that what they change is changed there and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detection import TextUnit
from guardrails.json_text import CannotRewrite
from proxy.guarding import chat_texts, messages_texts, other_texts, responses_texts
from proxy.guarding.places import read_places
from proxy.guarding.plain_replies import read_plain_reply
from proxy.guarding.texts import read_reply
from proxy.guarding.turns import units_of
from tests.proxy.recorded import recorded_exchanges

_CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Bob is 4",
                "refusal": None,
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "send", "arguments": '{"to": "bob"}'}}],
            },
            "logprobs": {"content": [{"token": "Bob", "bytes": [66], "logprob": -0.1, "top_logprobs": []}]},
            "finish_reason": "stop",
        },
        {"index": 1, "message": {"role": "assistant", "content": "two"}, "logprobs": {"content": []}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1.0},
}
_MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "QUJD"},
        {"type": "redacted_thinking", "data": "QUJD"},
        {"type": "text", "text": "Bob", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "send", "input": {"to": "bob", "at": 1.5}},
        {"type": "tool_use", "id": "t2", "name": "stop", "input": {}},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "bob"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "title": "t", "encrypted_content": "Q"}],
        },
    ],
    "stop_reason": "tool_use",
}
_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "instructions": "be kind",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "QUJD"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Bob", "annotations": [], "logprobs": [{"token": "Bob", "logprob": -1}]}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "send", "arguments": '{"to":"bob"}'},
    ],
    "tools": [{"type": "function", "name": "send", "description": "Sends"}],
}
_COMPLETION: dict[str, Any] = {
    "id": "cmpl-1",
    "choices": [{"index": 0, "text": "Bob", "logprobs": {"tokens": ["Bob"]}, "finish_reason": "stop"}],
}
_REPLIES = {"chat": _CHAT, "messages": _MESSAGE, "responses": _RESPONSE, "completions": _COMPLETION}


def _shown(operation: Any, reply: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(unit.path, unit.direction, unit.tool, unit.text) for unit in read_reply(operation, json.dumps(reply).encode()).units]


def test_texts_of_a_chat_answer() -> None:
    message = "choices.0.message"

    assert _shown("chat", _CHAT) == [
        (f"{message}.content", "response", "", "Bob is 4"),
        (f"{message}.reasoning_content", "response", "", "hm"),
        (f"{message}.tool_calls.0.function.arguments", "tool_arguments", "send", '{"to": "bob"}'),
        (f"{message}.tool_calls.0.function.arguments.to", "tool_arguments", "send", "bob"),
        ("choices.1.message.content", "response", "", "two"),
    ]


def test_texts_of_a_message() -> None:
    assert _shown("messages", _MESSAGE) == [
        ("content.0.thinking", "response", "", "hm"),
        ("content.2.text", "response", "", "Bob"),
        ("content.3.input", "tool_arguments", "send", '{"to": "bob", "at": 1.5}'),
        ("content.3.input.to", "tool_arguments", "send", "bob"),
        ("content.4.input", "tool_arguments", "stop", "{}"),
        ("content.5.input", "tool_arguments", "web_search", '{"query": "bob"}'),
        ("content.5.input.query", "tool_arguments", "web_search", "bob"),
        ("content.6.content.0.title", "tool_results", "web_search", "t"),
    ]


def test_texts_of_a_response() -> None:
    assert _shown("responses", _RESPONSE) == [
        ("output.0.summary.0.text", "response", "", "hm"),
        ("output.1.content.0.text", "response", "", "Bob"),
        ("output.2.arguments", "tool_arguments", "send", '{"to":"bob"}'),
        ("output.2.arguments.to", "tool_arguments", "send", "bob"),
    ]


def test_texts_of_a_completion() -> None:
    assert _shown("completions", _COMPLETION) == [("choices.0.text", "response", "", "Bob")]


def test_everything_in_an_answer_is_new() -> None:
    for operation, reply in _REPLIES.items():
        units = read_reply(operation, json.dumps(reply).encode()).units  # type: ignore[arg-type]
        assert units
        assert all(unit.is_latest for unit in units)


@pytest.mark.parametrize("operation", ["embeddings", "moderations", "count_tokens", "service"])
def test_other_answers_have_no_texts(operation: Any) -> None:
    texts = read_reply(operation, b'{"data": ["x"]}')

    assert texts.units == ()
    assert texts.rewrite({}) == b'{"data": ["x"]}'


@pytest.mark.parametrize("operation", _REPLIES)
@pytest.mark.parametrize("indent", [None, 1])
def test_rewriting_a_text_changes_that_text_only(operation: Any, indent: int | None) -> None:
    body = json.dumps(_REPLIES[operation], indent=indent).encode()
    texts = read_reply(operation, body)
    assert texts.rewrite({}) is body

    for number, unit in enumerate(texts.units):
        if unit.is_call or texts.is_fixed(number):
            continue
        after = read_reply(operation, texts.rewrite({number: 'é"[X]'})).units
        assert [each.text for each in after if not each.is_call] == [
            'é"[X]' if at == number else each.text for at, each in enumerate(texts.units) if not each.is_call
        ]


def test_bytes_around_a_changed_text_stay() -> None:
    body = json.dumps(_MESSAGE).encode()
    number = next(at for at, unit in enumerate(read_reply("messages", body).units) if unit.path == "content.3.input.to")

    assert read_reply("messages", body).rewrite({number: "[X]"}) == body.replace(b'{"to": "bob"', b'{"to": "[X]"')


def test_log_probabilities_of_a_changed_text_go() -> None:
    for operation, reply, number in (("chat", _CHAT, 0), ("responses", _RESPONSE, 1), ("completions", _COMPLETION, 0)):
        changed = read_reply(operation, json.dumps(reply).encode()).rewrite({number: "[X]"})  # type: ignore[arg-type]
        assert b"Bob" not in changed

    choices = json.loads(read_reply("chat", json.dumps(_CHAT).encode()).rewrite({0: "[X]"}))["choices"]
    assert [choice["logprobs"] for choice in choices] == [None, {"content": []}]


def test_signed_thinking_cannot_be_replaced() -> None:
    texts = read_reply("messages", json.dumps(_MESSAGE).encode())

    assert [unit.path for number, unit in enumerate(texts.units) if texts.is_fixed(number)] == ["content.0.thinking"]
    with pytest.raises(CannotRewrite):
        texts.rewrite({0: "x"})


@pytest.mark.parametrize("body", [b"Bob", b"", b"\xff\xfeBob", b'{"choices":[{"message":{"content":"Bob"'])
def test_what_is_no_json_is_one_text_that_cannot_be_replaced(body: bytes) -> None:
    texts = read_reply("chat", body)

    assert [unit.text for unit in texts.units] == [body.decode("utf-8", "replace")]
    with pytest.raises(CannotRewrite):
        texts.rewrite({0: "x"})


def test_repeated_keys_hide_nothing() -> None:
    texts = read_reply("chat", b'{"choices":[{"message":{"content":"a","content":"b"}}],"choices":[{"message":{"content":"c"}}]}')

    assert [unit.text for unit in texts.units] == ["a", "b", "c"]


def _recorded() -> list[tuple[Any, dict[str, Any]]]:
    ends = {"/chat/completions": "chat", "/v1/messages": "messages", "/responses": "responses"}
    found = []
    for exchange in recorded_exchanges():
        operation = next((name for end, name in ends.items() if exchange["path"].endswith(end)), None)
        if operation is not None and isinstance(exchange["response"], dict) and exchange["status"] == 200:
            found.append((operation, exchange["response"]))
    return found


def _said(operation: str, reply: dict[str, Any]) -> list[Any]:
    if operation == "chat":
        return [choice["message"].get("content") for choice in reply.get("choices", ())]
    if operation == "messages":
        return [block.get("text") for block in reply.get("content", ())]
    return [part.get("text") for item in reply.get("output", ()) if item["type"] == "message" for part in item["content"]]


def test_what_the_models_of_recorded_answers_said_is_seen() -> None:
    seen = 0
    for operation, reply in _recorded():
        found = {unit.text for unit in read_reply(operation, json.dumps(reply).encode()).units}
        for text in _said(operation, reply):
            if isinstance(text, str) and text:
                assert text in found
                seen += 1
    assert seen > 50


# --- both ways to read ----------------------------------------------------------------------------------------------------------

_DIALECTS = {
    "chat": chat_texts.REPLY,
    "completions": other_texts.COMPLETIONS_REPLY,
    "messages": messages_texts.REPLY,
    "responses": responses_texts.REPLY,
}


def _exact_units(operation: str, body: bytes) -> list[TextUnit]:
    """Return the units as the reading says that sees every key."""
    dialect = _DIALECTS[operation]
    return units_of(read_places(body, dialect.table), "", "assistant", True, dialect, {}, is_reply=True)


def _assert_agreement(operation: Any, body: bytes) -> bool:
    """Tell whether the quick way could read it."""
    exact = sorted(_exact_units(operation, body), key=repr)
    assert sorted(read_reply(operation, body).units, key=repr) == exact
    return read_plain_reply(operation, body) is not None


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 1])
def test_both_ways_to_read_agree_on_recorded_answers(*, is_ascii: bool, indent: int | None) -> None:
    quick: dict[str, list[bool]] = {}
    for operation, reply in _recorded():
        body = json.dumps(reply, ensure_ascii=is_ascii, indent=indent).encode()
        quick.setdefault(operation, []).append(_assert_agreement(operation, body))

    # The quick way is for nothing if it reads none of them.
    assert all(sum(found) > len(found) // 2 for found in quick.values()), {name: (sum(f), len(f)) for name, f in quick.items()}


def _usual(operation: str, text: str = 'Bob "is" 4\n') -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": '{"to": "bob"}'}}
    if operation == "chat":
        message = {"role": "assistant", "content": text, "refusal": None, "annotations": [], "tool_calls": [call]}
        choices = [{"index": 0, "message": message, "logprobs": {"content": [{"token": "Bob"}]}, "finish_reason": "stop"}]
        return {"id": "chatcmpl-1", "choices": choices, "usage": {"prompt_tokens": 1}, "system_fingerprint": None}
    if operation == "completions":
        return {"id": "cmpl-1", "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": "length"}]}
    if operation == "messages":
        use = {"type": "tool_use", "id": "t1", "name": "send", "input": {"to": "bob", "at": 1.50}}
        thinking = {"type": "thinking", "thinking": "hm", "signature": "QUJD"}
        return {"type": "message", "content": [thinking, {"type": "text", "text": text, "citations": None}, use], "stop_reason": "tool_use"}
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    items = [
        {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "QUJD"},
        {"type": "message", "id": "m1", "status": "completed", "role": "assistant", "content": [part]},
        {"type": "function_call", "id": "f1", "call_id": "c1", "name": "send", "arguments": '{"to": "bob"}', "status": "completed"},
    ]
    return {"id": "resp_1", "instructions": "be\nkind", "output": items, "usage": {"output_tokens": 1, "output_tokens_details": {}}}


@pytest.mark.parametrize("operation", _DIALECTS)
@pytest.mark.parametrize("text", ["Bob", "", "größe\n", '"choices": [ "content" "output', "\\u0063", "\\\\", "x\x00y"])
def test_usual_answers_are_read_quickly(operation: Any, text: str) -> None:
    for is_ascii in (True, False):
        assert _assert_agreement(operation, json.dumps(_usual(operation, text), ensure_ascii=is_ascii).encode())


@pytest.mark.parametrize("operation", _DIALECTS)
def test_text_of_an_answer_that_was_read_quickly_is_changed_there_only(operation: Any) -> None:
    body = json.dumps(_usual(operation)).encode()
    texts = read_reply(operation, body)

    for number, unit in enumerate(texts.units):
        if unit.is_call or texts.is_fixed(number):
            continue
        after = [each.text for each in read_reply(operation, texts.rewrite({number: "[X]"})).units if not each.is_call]
        assert after == ["[X]" if at == number else each.text for at, each in enumerate(texts.units) if not each.is_call]


def test_signed_thinking_that_was_read_quickly_cannot_be_replaced() -> None:
    body = json.dumps(_usual("messages")).encode()
    assert read_plain_reply("messages", body) is not None

    with pytest.raises(CannotRewrite):
        read_reply("messages", body).rewrite({0: "x"})


_FIELDS = {"chat": "choices", "completions": "choices", "messages": "content", "responses": "output"}


@pytest.mark.parametrize("operation", _DIALECTS)
@pytest.mark.parametrize("is_before", [True, False])
def test_no_second_field_hides_a_text(operation: Any, *, is_before: bool) -> None:
    field = _FIELDS[operation]
    one, other = (json.dumps(_usual(operation, text)[field]) for text in ("seen", "hidden"))
    escaped = f"\\u{ord(field[0]):04x}{field[1:]}"
    for name in (field, escaped, f"{field}_text", f"{field}.*.message.x", f"{field}.x"):
        for value in (other, one, '"hidden"', '{"text": "hidden"}', "[]"):
            members = [f'"{field}": {one}', f'"{name}": {value}']
            body = "{" + ", ".join(reversed(members) if is_before else members) + "}"
            _assert_agreement(operation, body.encode())


@pytest.mark.parametrize("operation", _DIALECTS)
def test_no_other_key_hides_a_text(operation: Any) -> None:
    body = json.dumps(_usual(operation))
    braces = [at for at, character in enumerate(body) if character == "{"]
    for key in (
        "text",
        "content",
        "thinking",
        "refusal",
        "arguments",
        "input",
        "name",
        "summary",
        "x",
        "",
        "\\u0074ext",
        "logprobs",
        "type",
    ):
        for value in ('"hidden"', '["hidden"]', '{"text": "hidden"}', "null"):
            for at in braces:
                _assert_agreement(operation, f'{body[: at + 1]}"{key}": {value}, {body[at + 1 :]}'.encode())


@pytest.mark.parametrize("operation", _DIALECTS)
def test_bytes_that_are_no_text_are_found_wherever_they_are(operation: Any) -> None:
    body = json.dumps({**_usual(operation, "Bob"), "model": "Mia"}).encode()
    for old, new in ((b"Bob", b"B\xffb"), (b"Mia", b"M\xffa"), (b"Mia", b"M\x01a"), (b"Mia", b"\\ud800")):
        _assert_agreement(operation, body.replace(old, new))


@pytest.mark.parametrize("caller", [{"type": "direct"}, {"type": "code", "tool_id": "hidden"}, {}])
def test_who_calls_a_tool_of_a_message_is_no_hiding_place(caller: dict[str, str]) -> None:
    block = {"type": "tool_use", "id": "t1", "name": "f", "input": {}, "caller": caller}

    _assert_agreement("messages", json.dumps({"content": [block]}).encode())


def test_calls_without_a_name_are_of_the_same_tool() -> None:
    item = {"type": "function_call", "call_id": "c1", "name": "", "arguments": '{"to": "bob"}'}
    call = {"id": "c1", "type": "odd_call", "function": {"name": "", "arguments": '{"to": "bob"}'}}

    _assert_agreement("responses", json.dumps({"output": [item]}).encode())
    _assert_agreement(
        "chat", json.dumps({"choices": [{"index": 0, "finish_reason": None, "message": {"role": "a", "tool_calls": [call]}}]}).encode()
    )


def test_arguments_deep_in_an_answer_have_the_same_paths() -> None:
    for depth in range(1, 70):
        for key in ("a", "directory"):
            block = {"type": "tool_use", "id": "t1", "name": "f", "input": json.loads(f'{{"{key}":' * depth + '"bob"' + "}" * depth)}
            _assert_agreement("messages", json.dumps({"content": [block]}).encode())


_texts = st.text(st.sampled_from('ab"\\{}[]:,é\n\ud83d ') | st.characters(exclude_categories=["Cs"]), max_size=12)
_maybe = st.none() | _texts
_arguments = _texts | st.dictionaries(_texts, _texts | st.integers(), max_size=2).map(json.dumps)
_calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": _texts,
            "type": st.sampled_from(["function", "custom"]),
            "function": st.fixed_dictionaries({"name": st.sampled_from(["f", "g", ""]), "arguments": _arguments}),
        },
        optional={"index": st.integers(0, 3)},
    ),
    max_size=2,
)
_probabilities = st.none() | st.fixed_dictionaries({"content": st.lists(st.fixed_dictionaries({"token": _texts}), max_size=2)})
_message = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={
        "content": _maybe | st.lists(_texts, max_size=1),
        "refusal": _maybe,
        "reasoning": _maybe,
        "reasoning_content": _maybe,
        "annotations": st.none() | st.lists(_texts, max_size=1),
        "tool_calls": st.none() | _calls,
        "function_call": st.none(),
        "audio": st.none() | st.fixed_dictionaries({"transcript": _texts}),
    },
)
_choice_fields = {
    "stop_reason": _maybe | st.integers(),
    "token_ids": st.none(),
    "content_filter_results": st.dictionaries(_texts, _texts, max_size=1),
}
_choices = st.lists(
    st.fixed_dictionaries({"index": st.integers(0, 2), "finish_reason": _maybe}, optional={"logprobs": _probabilities, **_choice_fields}),
    max_size=2,
)
_block = (
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "thinking"])}, optional={"text": _texts, "thinking": _texts, "signature": _texts}
    )
    | st.fixed_dictionaries({"type": st.just("text"), "text": _texts}, optional={"citations": st.none() | st.lists(_texts, max_size=1)})
    | st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "name": st.sampled_from("fg"),
            "input": st.dictionaries(_texts, _texts | st.lists(_texts), max_size=2),
        },
        optional={"id": _texts, "caller": st.dictionaries(st.sampled_from(["type", "tool_id"]), _texts)},
    )
)
_text_part = st.fixed_dictionaries(
    {"type": st.sampled_from(["output_text", "summary_text"]), "text": _texts},
    optional={"annotations": st.lists(_texts, max_size=1), "logprobs": st.lists(st.fixed_dictionaries({"token": _texts}), max_size=1)},
)
_item = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "function_call"])},
    optional={
        "content": st.none() | st.lists(_text_part, max_size=2),
        "summary": st.lists(_text_part, max_size=2),
        "encrypted_content": _maybe,
        "status": _maybe,
        "call_id": _texts,
        "name": st.sampled_from(["f", ""]),
        "arguments": _arguments,
    },
)
_beside = st.dictionaries(_texts | st.sampled_from(["usage", "output_tokens", "content", "choices"]), _maybe, max_size=2)


def _answers() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    chat = st.tuples(_choices, _message).map(lambda found: {"choices": [{**choice, "message": found[1]} for choice in found[0]]})
    completions = st.tuples(_choices, _texts).map(lambda found: {"choices": [{**choice, "text": found[1]} for choice in found[0]]})
    messages = st.lists(_block, max_size=3).map(lambda blocks: {"content": blocks})
    responses = st.lists(_item, max_size=3).map(lambda items: {"output": items})
    kinds = {"chat": chat, "completions": completions, "messages": messages, "responses": responses}
    return st.one_of(*(st.tuples(st.just(name), answer) for name, answer in kinds.items()))


@settings(max_examples=300, deadline=None)
@given(_answers(), _beside, st.booleans(), st.sampled_from([None, 1]))
def test_both_ways_to_read_agree(answer: tuple[str, dict[str, Any]], beside: dict[str, Any], is_ascii: bool, indent: int | None) -> None:
    operation, fields = answer

    _assert_agreement(operation, json.dumps(beside | fields, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass"))
