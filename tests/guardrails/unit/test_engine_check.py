from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detection import Facts, Hit, Subject, TextUnit
from guardrails.engine.check import check_all
from guardrails.engine.joined import join_user_turns
from guardrails.engine.off_loop import LARGE_CHARACTERS, check_in_thread, is_large
from guardrails.engine.tally import TOO_MANY, UNCHECKED
from guardrails.errors import BadRule
from guardrails.inspection import Edit, apply_edits
from guardrails.patterns import Pattern
from guardrails.policy_document import Exceptions, PolicyDocument
from tests.guardrails.engine_help import (
    BOMB,
    EMAIL,
    KEY,
    SSN,
    Counting,
    FactReader,
    Failing,
    Scoring,
    compile_with,
    patterns,
    refuse,
    rule,
)

TEXT = "write to joe@example.com, 123-45-6789"


def unit(text: str, **fields) -> TextUnit:
    return TextUnit(text, **fields)


def results(inspection) -> dict[str, str]:
    return {each.rule: each.result for each in inspection.outcomes}


def test_findings_become_edits_in_the_original(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(EMAIL, SSN)}, rule("pii"))

    inspection = policy.check([unit("é nothing"), unit(TEXT, path="messages.1")])

    assert (inspection.policy, inspection.version, inspection.decision, inspection.decided_by) == ("policy", "1", "redact", "pii")
    assert inspection.edits == {1: (Edit(9, 24, "EMAIL"), Edit(26, 37, "SSN"))}
    assert apply_edits(TEXT, inspection.edits[1]) == "write to [EMAIL], [SSN]"
    assert [(each.unit, each.path, each.start, each.end) for each in inspection.findings] == [
        (1, "messages.1", 9, 24),
        (1, "messages.1", 26, 37),
    ]
    assert results(inspection) == {"pii": "hit"}
    assert inspection.outcomes[0].findings_count == 2


def test_nothing_found_is_a_pass_of_every_rule_that_looked(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(EMAIL), "words": patterns(BOMB)}, rule("pii"), rule("words", phase="response"))

    inspection = policy.check([unit("nothing")])

    assert inspection.decision == "allow"
    assert results(inspection) == {"pii": "pass", "words": "skipped"}
    assert policy.check([unit("nothing")]) is inspection


@pytest.mark.parametrize(
    ("phase", "directions"),
    [
        ("request", {"request", "tool_results"}),
        ("response", {"response", "tool_arguments"}),
        ("both", {"request", "tool_results", "response", "tool_arguments"}),
    ],
)
def test_a_phase_is_its_directions(monkeypatch, phase: str, directions: set[str]) -> None:
    policy = compile_with(
        monkeypatch, {"pii": patterns(SSN), "loud": Scoring()}, rule("pii", phase=phase), rule("loud", "log", phase=phase)
    )

    for each in ("request", "response", "tool_arguments", "tool_results"):
        inspection = policy.check([unit("123-45-6789!!", direction=each)])
        expected = "hit" if each in directions else "skipped"
        assert results(inspection) == {"pii": expected, "loud": expected}


@pytest.mark.parametrize(
    ("actions", "decision", "decided_by"),
    [
        (("log", "allow"), "allow", ""),
        (("log", "redact"), "redact", "b"),
        (("tokenise", "redact"), "redact", "a"),
        (("redact", "retry"), "retry", "b"),
        (("retry", "route"), "route", "b"),
        (("route", "block"), "block", "b"),
        (("block", "route"), "block", "a"),
    ],
)
def test_the_strongest_action_decides(monkeypatch, actions, decision: str, decided_by: str) -> None:
    rules = [rule(name, action, route_to="other") for name, action in zip("ab", actions, strict=True)]
    policy = compile_with(monkeypatch, {"a": patterns(SSN), "b": patterns(SSN)}, *rules)

    inspection = policy.check([unit("123-45-6789")])

    assert (inspection.decision, inspection.decided_by) == (decision, decided_by)
    assert bool(inspection.edits) is (decision != "block" and bool({"redact", "tokenise"} & set(actions)))
    assert inspection.route_to == ("other" if decision == "route" else "")
    assert bool(inspection.note) is (decision == "retry")
    assert bool(inspection.message) is (decision == "block")


def test_a_block_says_what_the_rule_or_else_the_policy_says(monkeypatch) -> None:
    detectors = {"a": patterns(SSN), "b": patterns(EMAIL)}
    policy = compile_with(monkeypatch, detectors, rule("a", "block", message="Own words."), rule("b", "block"), message="The policy's.")

    assert policy.check([unit("123-45-6789")]).message == "Own words."
    assert policy.check([unit("joe@example.com")]).message == "The policy's."


def test_a_token_is_reversible_unless_a_redaction_covers_it_too(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"a": patterns(EMAIL), "b": patterns(SSN)}, rule("a", "tokenise"), rule("b"))

    assert policy.check([unit(TEXT)]).edits == {0: (Edit(9, 24, "EMAIL", True), Edit(26, 37, "SSN"))}


def test_shadow_reports_and_changes_nothing(monkeypatch) -> None:
    detectors = {"a": patterns(SSN), "b": patterns(EMAIL)}
    half = compile_with(monkeypatch, detectors, rule("a", "block", mode="shadow"), rule("b"))
    whole = compile_with(monkeypatch, detectors, rule("a", "block"), rule("b"), mode="shadow")

    assert half.check([unit(TEXT)]).edits == {0: (Edit(9, 24, "EMAIL"),)}
    inspection = whole.check([unit(TEXT)])
    assert (inspection.decision, inspection.edits) == ("allow", {})
    assert [(each.rule, each.action, each.mode) for each in inspection.findings] == [("b", "redact", "shadow"), ("a", "block", "shadow")]


def test_what_is_off_does_not_look(monkeypatch) -> None:
    detectors = {"a": patterns(SSN), "b": Failing()}

    assert compile_with(monkeypatch, detectors, rule("a"), rule("b", "block", mode="off")).check([unit(TEXT)]).decision == "redact"
    assert compile_with(monkeypatch, detectors, rule("a"), rule("b", "block"), mode="off").check([unit(TEXT)]).outcomes == ()


def test_a_rule_in_shadow_looks_at_its_sample(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"a": patterns(SSN)}, rule("a", mode="shadow", sample_ratio=0.25))
    policy._sample = iter([0.2, 0.3]).__next__

    assert results(policy.check([unit(TEXT)])) == {"a": "hit"}
    assert results(policy.check([unit(TEXT)])) == {"a": "skipped"}


def test_a_finding_of_the_whole_that_should_be_hidden_blocks(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"loud": Scoring()}, rule("loud"))

    inspection = policy.check([unit("wow!!!")])

    assert (inspection.decision, inspection.edits) == ("block", {})


def test_thresholds_differ_by_trust(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"loud": Scoring()}, rule("loud", "block", threshold=0.9, data_threshold=0.3))

    assert policy.check([unit("abcdef!")]).decision == "allow"
    assert policy.check([unit("abcdef!", trust="data", direction="tool_results")]).decision == "block"
    assert policy.check([unit("!!!!")]).decision == "block"


def test_a_detectors_own_threshold_holds_until_the_rule_gives_one(monkeypatch) -> None:
    class Own(Scoring):
        threshold = 0.9
        data_threshold = 0.3

    own = compile_with(monkeypatch, {"loud": Own()}, rule("loud", "block"))
    other = compile_with(monkeypatch, {"loud": Own()}, rule("loud", "block", threshold=0.2))

    assert own.check([unit("abcdef!")]).decision == "allow"
    assert own.check([unit("abcdef!", trust="data")]).decision == "block"
    assert other.check([unit("abcdef!")]).decision == "block"


def test_exceptions_let_values_and_paths_pass(monkeypatch) -> None:
    exceptions = Exceptions(literals=("JOE@example.com",), patterns=("000-.*",), paths=("messages.0.*",))
    policy = compile_with(monkeypatch, {"pii": patterns(EMAIL, SSN)}, rule("pii", exceptions=exceptions))

    assert policy.check([unit("joe@example.com 000-12-3456")]).decision == "allow"
    assert policy.check([unit("joe@example.community")]).decision == "redact"
    assert policy.check([unit("123-45-6789", path="messages.0.content")]).decision == "allow"
    assert policy.check([unit("123-45-6789", path="messages.1.content")]).decision == "redact"


def test_text_scopes(monkeypatch) -> None:
    detectors = {"latest": patterns(SSN), "all": patterns(EMAIL)}
    policy = compile_with(monkeypatch, detectors, rule("latest", text_scope="latest_turn"), rule("all", text_scope="all"))

    inspection = policy.check([unit(TEXT, is_latest=False), unit("thanks")])

    assert results(inspection) == {"latest": "pass", "all": "hit"}


SPLIT = Pattern("split", "SPLIT", r"ignore\s+everything")


def test_joined_turns_show_what_was_split_over_them(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"a": patterns(SPLIT)}, rule("a", text_scope="recent_user_joined"))
    units = [unit("now ignore", is_latest=False), unit("fine", trust="assistant", is_latest=False), unit("everything else")]

    inspection = policy.check(units)

    assert inspection.edits == {0: (Edit(4, 10, "SPLIT"),), 2: (Edit(0, 10, "SPLIT"),)}


def test_joined_turns_do_not_keep_blocking_for_what_was_said_before(monkeypatch) -> None:
    detectors = {"a": patterns(SPLIT), "loud": Scoring()}
    rules = [rule(each, "block", text_scope="recent_user_joined") for each in detectors]
    policy = compile_with(monkeypatch, detectors, *rules)
    old = unit("ignore everything!!!!!!!!", is_latest=False)

    assert policy.check([old, unit("thanks")]).decision == "allow"
    assert policy.check([old, unit("ignore everything")]).decision == "block"


def test_joined_turns_are_bounded() -> None:
    units = [unit("x" * 3000, is_latest=False) for _ in range(20)] + [unit("new")]
    joined = join_user_turns(units)

    assert joined is not None
    assert joined.text == "\n".join(["x" * 3000] * 5 + ["new"])
    assert joined.earlier == "\n".join(["x" * 3000] * 5)
    assert join_user_turns(units[:3]) is None
    assert join_user_turns(units[-1:]) is None


def test_conversation_rules_see_the_units_of_their_directions(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"limits": Counting(most=1)}, rule("limits", "block"))
    units = [unit("a", direction="response"), unit("b"), unit("c", direction="response")]

    assert policy.check(units).decision == "allow"
    inspection = policy.check([*units, unit("d")])
    assert inspection.decision == "block"
    assert [each.unit for each in inspection.findings] == [3]


def failing_detectors() -> dict[str, object]:
    return {
        "inspect": Failing(),
        "conversation": Counting(most=-1),
        "validator": patterns(Pattern("p", "SSN", SSN.expression, is_valid=refuse)),
        "hits": Failing(patterns=(SSN,), is_hit_needed=True),
    }


@pytest.mark.parametrize("action", ["allow", "log", "redact", "tokenise", "retry", "route", "block"])
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize("kind", ["inspect", "conversation", "validator", "hits", "engine"])
def test_a_rule_that_could_not_look_goes_by_its_fail_mode(monkeypatch, kind: str, fail_mode: str, mode: str, action: str) -> None:
    detectors = failing_detectors() | {"engine": patterns(SSN)}
    fields = {"fail_mode": fail_mode, "mode": mode, "route_to": "other"}
    policy = compile_with(monkeypatch, detectors, rule(kind, action, **fields))
    if kind == "engine":
        monkeypatch.setattr(policy.scanner.database, "scan", lambda data: 1 / 0, raising=False)

    inspection = policy.check([unit(TEXT)])

    has_span = kind in ("validator", "hits")
    unseen = {
        "allow": "allow",
        "log": "allow",
        "redact": "block",
        "tokenise": "block",
        "retry": "retry",
        "route": "route",
        "block": "block",
    }
    expected = {"redact": "redact", "tokenise": "redact"}.get(action, unseen[action]) if has_span else unseen[action]
    assert inspection.decision == (expected if fail_mode == "closed" and mode == "enforce" else "allow")
    assert results(inspection) == {kind: "error"}
    assert inspection.is_degraded is (fail_mode == "open")
    assert [each.label for each in inspection.findings] == ([] if fail_mode == "open" else ["SSN" if has_span else UNCHECKED])
    if inspection.decision == "redact":
        assert inspection.edits == {0: (Edit(26, 37, "SSN", action == "tokenise"),)}


def test_one_failing_rule_leaves_the_others_alone(monkeypatch) -> None:
    detectors = {"bad": Failing(), "pii": patterns(EMAIL)}
    policy = compile_with(monkeypatch, detectors, rule("bad", "log", fail_mode="open"), rule("pii"))

    inspection = policy.check([unit(TEXT)])

    assert results(inspection) == {"bad": "error", "pii": "hit"}
    assert inspection.decision == "redact"


def test_too_many_matches_count_as_a_hit_of_the_whole(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(SSN)}, rule("pii"))

    inspection = policy.check([unit("123-45-6789 " * 10_001)])

    assert inspection.decision == "block"
    assert TOO_MANY in {each.label for each in inspection.findings}


@pytest.mark.parametrize("span", [(-1, 3), (2, 99), (5, 2)])
def test_a_hit_outside_the_text_speaks_of_the_whole(monkeypatch, span: tuple[int, int]) -> None:
    class Odd(Scoring):
        def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
            return (Hit("ODD", *span),)

    policy = compile_with(monkeypatch, {"odd": Odd()}, rule("odd", "redact"))

    assert policy.check([unit("text")]).decision == "block"


@given(st.from_regex(r"[a-z]{3,9}\.[a-z]{3,9}@[a-z]{3,9}\.com", fullmatch=True), st.from_regex(r"[1-9]\d\d-\d\d-\d{4}", fullmatch=True))
def test_no_report_ever_contains_a_value(email: str, number: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        policy = compile_with(monkeypatch, {"pii": patterns(EMAIL, SSN)}, rule("pii"))

    inspection = policy.check([unit(f"from {email} with {number}")])

    report = json.dumps(msgspec.to_builtins(inspection.findings))
    assert len(inspection.findings) == 2
    for value in (email, number, email.split("@")[0], email.split("@")[1], number[:6]):
        assert value not in report


def test_policies_together_take_the_strongest_decision_and_merge_edits_once(monkeypatch) -> None:
    first = compile_with(monkeypatch, {"a": patterns(EMAIL)}, rule("a", "tokenise"))
    wide = Pattern("wide", "WIDE", r"to joe@example\.com, \d+")
    second = compile_with(monkeypatch, {"b": patterns(wide)}, rule("b"))
    third = compile_with(monkeypatch, {"c": patterns(KEY)}, rule("c", "block"))

    together = check_all([first, second, third], [unit(TEXT)])

    assert (together.decision, together.edits) == ("redact", {0: (Edit(6, 29, "WIDE"),)})
    assert [each.rule for each in together.outcomes] == ["a", "b", "c"]
    blocked = check_all([first, second, third], [unit(f"{TEXT} key=abcdefgh12")])
    assert (blocked.decision, blocked.decided_by, blocked.edits) == ("block", "c", {})
    assert check_all([], [unit(TEXT)]).decision == "allow"


def test_a_text_seen_before_is_not_looked_at_again(monkeypatch) -> None:
    loud = Scoring()
    policy = compile_with(monkeypatch, {"loud": loud, "pii": patterns(EMAIL)}, rule("loud", "log"), rule("pii"), verdicts_count=10)
    units = [unit(TEXT), unit("hey!")]

    first = policy.check(units, workspace="w1")
    again = policy.check(units, workspace="w1")

    assert loud.calls == [TEXT, "hey!"]
    assert (again.findings, again.edits, again.decision) == (first.findings, first.edits, first.decision)
    assert results(again) == results(first)


def test_tenants_do_not_meet_in_what_is_remembered(monkeypatch) -> None:
    loud = Scoring()
    policy = compile_with(monkeypatch, {"loud": loud}, rule("loud", "log"), verdicts_count=10)

    for workspace in ("w1", "w2", "", ""):
        policy.check([unit("hey!")], workspace=workspace)

    assert len(loud.calls) == 4


def test_detectors_that_read_facts_are_asked_each_time(monkeypatch) -> None:
    reader, loud = FactReader(), Scoring()
    policy = compile_with(monkeypatch, {"leak": reader, "loud": loud}, rule("leak", "block"), rule("loud", "log"), verdicts_count=10)

    assert policy.check([unit("the word is xyz!")], Facts(canary="abc"), "w").decision == "allow"
    assert policy.check([unit("the word is xyz!")], Facts(canary="xyz"), "w").decision == "block"
    assert (len(reader.calls), len(loud.calls)) == (2, 1)


def test_failures_are_not_remembered(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(SSN)}, rule("pii", "block"), verdicts_count=10)
    with monkeypatch.context() as patch:
        patch.setattr(policy.scanner.database, "scan", lambda data: 1 / 0, raising=False)
        assert policy.check([unit("fine")], workspace="w").decision == "block"

    assert policy.check([unit("fine")], workspace="w").decision == "allow"


def test_what_is_remembered_is_bounded(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(SSN)}, rule("pii"), verdicts_count=3)

    for number in range(10):
        policy.check([unit(f"text {number}")], workspace="w")

    assert policy._verdicts is not None
    assert len(policy._verdicts) == 3


@pytest.mark.parametrize(
    "text", ["\ud800 joe@example.com", "\x00joe@example.com\x00", "\u200bjoe@example.com", "joe@example.com\udfff" * 3]
)
def test_broken_texts_are_looked_at(monkeypatch, text: str) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(EMAIL)}, rule("pii"), verdicts_count=3)

    inspection = policy.check([unit(text)], workspace="w")

    assert "joe@example" not in apply_edits(text, inspection.edits[0])


async def test_large_texts_are_looked_at_in_a_thread(monkeypatch) -> None:
    policy = compile_with(monkeypatch, {"pii": patterns(SSN)}, rule("pii"))
    units = [unit("x" * LARGE_CHARACTERS), unit(" 123-45-6789")]

    inspections = await asyncio.gather(*(check_in_thread([policy], units) for _ in range(3)))

    assert is_large(units)
    assert not is_large(units[1:])
    assert [each.decision for each in inspections] == ["redact"] * 3


@pytest.mark.parametrize(
    ("document_rule", "says"),
    [
        (rule("a", "route"), "Rule 'a': Action 'route' needs 'route_to'"),
        (rule("a", threshold=1.5, name="mine"), "Rule 'mine': 'threshold' is 1.5; it must lie between 0 and 1"),
        (rule("a", exceptions=Exceptions(patterns=("(",))), "Rule 'a': Exception '\\(' is not an expression"),
        (rule("a", deadline_ms=0), "Rule 'a': 'deadline_ms' must be 1 or more"),
        (rule("bad"), "Rule 'bad': Pattern 'odd'"),
    ],
)
def test_a_rule_that_cannot_be_compiled_is_named(monkeypatch, document_rule, says: str) -> None:
    with pytest.raises(BadRule, match=says):
        compile_with(monkeypatch, {"a": patterns(SSN), "bad": patterns(Pattern("odd", "L", "(a"))}, document_rule)


def test_two_rules_of_one_name_are_refused(monkeypatch) -> None:
    with pytest.raises(BadRule, match="Two rules are named 'a'"):
        compile_with(monkeypatch, {"a": patterns(SSN)}, rule("a"), rule("a"))


def test_an_unknown_detector_is_named_with_its_rule() -> None:
    from guardrails.engine.compile import compile_policy

    with pytest.raises(BadRule, match="Rule 'nobody': There is no detector 'nobody'"):
        compile_policy(PolicyDocument(name="p", rules=(rule("nobody"),)))
