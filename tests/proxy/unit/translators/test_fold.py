"""A whole answer out of its events."""

from __future__ import annotations

import pytest

from proxy.errors import UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Ended,
    Failed,
    Logprob,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.fold import fold_reply
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage


def test_pieces_of_one_kind_become_one_part_and_calls_get_their_arguments():
    events = [
        Started("id"),
        ReasoningDelta("I ", ""),
        ReasoningDelta("think"),
        ReasoningDelta(signature="seal"),
        ReasoningDelta(redacted="sealed"),
        TextDelta("He", logprobs=(Logprob("He", -0.5),)),
        TextDelta("llo", logprobs=(Logprob("llo", -0.1),)),
        ToolCallStarted(0, "a", "look_up", signature="s"),
        ToolCallStarted(1, "b", "send"),
        ArgumentsDelta(0, '{"x":'),
        ArgumentsDelta(1, "{}"),
        ArgumentsDelta(0, "1}"),
        RefusalDelta("no "),
        RefusalDelta("way"),
        UsageCounted(Usage(1, 1)),
        UsageCounted(Usage(2, 3)),
        Stopped("stop_sequence", "END"),
        Ended(),
    ]

    assert fold_reply(events, 17) == Reply(
        "id",
        (
            Choice(
                (
                    Reasoning("I think", "seal"),
                    Reasoning(redacted="sealed"),
                    Text("Hello"),
                    ToolCall("a", "look_up", '{"x":1}', "s"),
                    ToolCall("b", "send", "{}"),
                    Refusal("no way"),
                ),
                "stop_sequence",
                "END",
                (Logprob("He", -0.5), Logprob("llo", -0.1)),
            ),
        ),
        Usage(2, 3),
        17,
    )


def test_choices_are_kept_apart_and_in_order():
    events = [Started("id"), TextDelta("b", 1), TextDelta("a", 0), Stopped("length", choice=1), Stopped("stop", choice=0), Ended()]

    assert fold_reply(events).choices == (Choice((Text("a"),), "stop"), Choice((Text("b"),), "length"))


@pytest.mark.parametrize(
    "events",
    [
        [],
        [Started("id"), TextDelta("a"), Stopped("stop")],
        [Started("id"), TextDelta("a"), Ended()],
        [TextDelta("a"), Stopped("stop"), Ended()],
        [Started("id"), ArgumentsDelta(0, "{}"), Stopped("stop"), Ended()],
    ],
)
def test_an_answer_that_is_not_whole_is_none(events):
    with pytest.raises(ValueError):
        fold_reply(events)


def test_an_error_that_the_provider_reports_is_raised():
    with pytest.raises(UpstreamBroken, match="out of memory"):
        fold_reply([Started("id"), Failed(UpstreamErrorDetail("out of memory"))])
