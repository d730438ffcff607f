"""An evaluation of a small policy on a few rows: every figure of the report can be counted by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import BadRule
from guardrails.evaluation.documents import read_documents
from guardrails.evaluation.evaluate import Candidate, evaluate
from guardrails.evaluation.gates import BadGate, check_gate, parse_gate
from guardrails.evaluation.report import as_line
from guardrails.evaluation.rows import BadRow, Row, read_rows
from guardrails.evaluation.streams import StreamLaw
from guardrails.evaluation.tables import describe
from guardrails.policy_document import PolicyDocument, RuleDocument


def rule(**fields: Any) -> RuleDocument:
    values: dict[str, Any] = {"detector": "regex", "fail_mode": "closed", "phase": "both", "action": "redact"} | fields
    return RuleDocument(**values)


CARDS = rule(name="cards", detector="pii", parameters={"include": ["credit_card"]})
FALCON = rule(name="falcon", parameters={"patterns": [{"name": "falcon", "expression": "falcon"}]})


def document(*rules: RuleDocument, **fields: Any) -> PolicyDocument:
    return PolicyDocument(name="measured", rules=rules, **fields)


def row(text: str, label: int, **fields: Any) -> Row:
    return Row(text=text, label=label, **{"file": "rows", "number": 1} | fields)  # type: ignore[arg-type]


ROWS = [
    row("My card is 4111 1111 1111 1111.", 1, kind="card", number=1, spans=[[11, 30]]),
    row("The falcon lands at noon.", 1, kind="word", number=2),
    row("A falcon is a bird.", 0, kind="word", number=3),
    row("Nothing to see.", 0, number=4),
]


def test_rules_kinds_and_files_are_counted_one_by_one():
    report = evaluate(Candidate(document(CARDS, FALCON)), ROWS)

    assert {name: (each["recall"], each["fpr"]) for name, each in report["rules"].items()} == {"cards": (0.5, 0.0), "falcon": (0.5, 0.5)}
    assert (report["overall"]["recall"], report["overall"]["precision"], report["overall"]["fpr"]) == (1.0, 2 / 3, 0.5)
    assert {name: each["positives"] for name, each in report["kinds"].items()} == {"card": 1, "word": 1}
    assert report["files"]["rows"]["positives"] == 2
    assert report["spans"] == {"expected": 1, "covered": 1, "recall": 1.0, "beside": 0}
    assert report["law"]["differences"] == 0
    assert report["law"]["cuts"] == 12
    assert list(report["latency"]) == ["under 1 KB"]


def test_a_policy_in_shadow_counts_as_if_it_were_enforced():
    report = evaluate(Candidate(document(FALCON, mode="shadow")), ROWS, law_texts_count=0)

    assert report["overall"]["recall"] == 0.5


def test_a_rule_that_is_off_has_no_figures():
    report = evaluate(Candidate(document(CARDS, rule(name="gone", mode="off", parameters=FALCON.parameters))), ROWS, law_texts_count=0)

    assert list(report["rules"]) == ["cards"]


def test_what_is_only_logged_is_found_and_changes_nothing():
    report = evaluate(Candidate(document(rule(name="log", action="log", parameters=FALCON.parameters))), ROWS, law_texts_count=0)

    assert report["overall"]["recall"] == 0.0
    assert report["found"]["recall"] == 0.5


def test_a_row_is_looked_at_in_its_own_direction():
    only_answers = rule(name="falcon", phase="response", parameters=FALCON.parameters)
    rows = [row("falcon", 1), row("falcon", 1, direction="response"), row("falcon", 1, direction="tool_arguments")]

    assert evaluate(Candidate(document(only_answers)), rows, law_texts_count=0)["overall"]["true_positives"] == 2


def test_scores_below_the_threshold_are_swept():
    strict = rule(name="code", detector="code", parameters={"threshold": 1.0}, action="log")
    told: list[dict[str, Any]] = []
    code = "Here it is:\ndef add(a, b):\n"

    report = evaluate(
        Candidate(document(strict)),
        [row(code, 1), row("Plain words.", 0)],
        law_texts_count=0,
        on_row=lambda each: told.append(as_line(each)),
    )

    assert report["rules"]["code"]["recall"] == 0.0
    assert report["rules"]["code"]["recall_at_fpr"]["recall"] == 1.0
    assert 0 < told[0]["scores"]["code"] < 1
    assert told[1]["scores"] == {}


def test_a_line_has_offsets_of_the_text_and_masked_values():
    told: list[dict[str, Any]] = []
    evaluate(Candidate(document(CARDS)), ROWS, law_texts_count=0, on_row=lambda each: told.append(as_line(each)))

    first = told[0]
    assert (first["file"], first["row"], first["label"], first["verdict"], first["decided_by"]) == ("rows", 1, 1, "redact", "cards")
    assert [(each["rule"], each["label"], each["start"], each["end"]) for each in first["findings"]] == [("cards", "CREDIT_CARD", 11, 30)]
    assert "4111" not in json.dumps(told)
    assert told[3]["findings"] == []


def test_a_comparison_names_the_rows_that_changed():
    better = document(CARDS, rule(name="falcon", parameters={"patterns": [{"name": "falcon", "expression": "falcon lands"}]}))
    report = evaluate(Candidate(better, "2"), ROWS, Candidate(document(CARDS, FALCON), "1"), law_texts_count=0)

    comparison = report["comparison"]
    assert (comparison["gained"], comparison["lost"], comparison["changed_verdicts"]) == (1, 0, 1)
    assert comparison["gained_rows"] == ["rows:3"]
    assert comparison["overall"]["fpr"] == 0.5
    assert "Against measured version 1: 1 other verdicts, 1 rows more right, 0 more wrong" in describe(report)


@pytest.mark.parametrize(
    ("gate", "is_held"),
    [
        ("recall>=1", True),
        ("fpr<=0.49", False),
        ("falcon.recall >= 0.5", True),
        ("kinds.card.recall==1", True),
        ("law.differences<=0", True),
        ("spans.recall>0.99", True),
        ("latency.under 1 KB.us_p99<1", False),
    ],
)
def test_gates_hold_or_not(gate: str, is_held: bool):
    report = evaluate(Candidate(document(CARDS, FALCON)), ROWS)

    assert check_gate(parse_gate(gate), report).is_held is is_held


def test_a_gate_that_nothing_can_tell_is_missed():
    report = evaluate(Candidate(document(CARDS)), [row("Plain.", 0)], gates=[parse_gate("recall>=0.5")], law_texts_count=0)

    assert report["gates"] == [{"gate": "recall>=0.5", "reached": None, "is_held": False}]
    assert "MISSED" in describe(report)


@pytest.mark.parametrize("text", ["recall", "recall>=", ">=0.5", "recall>=x", "recall=>0.5", "recall>=0.5.1"])
def test_a_gate_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(BadGate):
        parse_gate(text)


def test_a_gate_of_an_unknown_figure_is_refused():
    with pytest.raises(BadGate, match="no figure 'recal'"):
        evaluate(Candidate(document(CARDS)), ROWS, gates=[parse_gate("recal>=0.5")], law_texts_count=0)


def test_rows_are_read_from_plain_and_packed_lines(tmp_path: Path):
    line = json.dumps({"text": "é", "label": 1, "category": "c", "unknown": [1]})
    (tmp_path / "plain.jsonl").write_text(f"{line}\n\n{line}\n", encoding="utf-8")
    with gzip.open(tmp_path / "packed.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(line)

    rows = list(read_rows([tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.gz"]))

    assert [(each.file, each.number, each.text, each.group, each.is_positive) for each in rows] == [
        ("plain", 1, "é", "c", True),
        ("plain", 3, "é", "c", True),
        ("packed", 1, "é", "c", True),
    ]


@pytest.mark.parametrize("content", [b'{"text": "x"}', b'{"text": 1, "label": 1}', b'{"text": "x", "label": 2}', b"no json", b"\xff\xfe"])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "fine", "label": 0}\n' + content)

    with pytest.raises(BadRow, match=r"rows\.jsonl"):
        list(read_rows([path]))


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadRow, match="missing"):
        list(read_rows([tmp_path / "missing.jsonl"]))


def test_policies_are_read_from_a_document_and_from_a_configuration(tmp_path: Path):
    one, several = tmp_path / "one.yaml", tmp_path / "several.json"
    one.write_text("rules: [{detector: secrets, fail_mode: closed}]", encoding="utf-8")
    several.write_text('{"guardrails": [{"name": "a", "description": "x", "rules": []}, {"name": "b", "rules": []}]}', encoding="utf-8")

    assert [each.name for each in read_documents(one)] == ["one"]
    assert [each.name for each in read_documents(several)] == ["a", "b"]


@pytest.mark.parametrize("content", ["[1, 2]", "rules: [{detector: secrets}]", "rules: {", "rules: [], colour: red", "guardrails: [7]"])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "policy.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(BadRule):
        read_documents(path)


def test_the_law_notices_a_stream_that_depends_on_its_cut(monkeypatch: pytest.MonkeyPatch):
    law = StreamLaw(document(FALCON))
    whole = law.run
    monkeypatch.setattr(law, "run", lambda pieces: whole(pieces) if len(pieces) == 1 else ("".join(pieces), ""))

    report = law.try_texts([("rows", 2, "The falcon lands at noon.")], cuts_count=2)

    assert report.differences == [("rows", 2), ("rows", 2)]


def test_a_stopped_stream_says_which_rule_stopped_it():
    law = StreamLaw(document(rule(name="stop", action="block", parameters=FALCON.parameters)))

    assert law.run(["The fal", "con lands"]) == law.run(["The falcon lands"]) == ("", "stop")
