"""`manage.py evaluate guardrails`: policies by file, by name and as they ship; gates decide how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from guardrails.public import change_draft, create_policy, publish
from tests.guardrails.policy_help import document, keyword_rule


@pytest.fixture
def rows(tmp_path) -> str:
    path = tmp_path / "rows.jsonl"
    texts = (("A zebra.", 1), ("A yak.", 1), ("A cow.", 0))
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in texts), encoding="utf-8")
    return str(path)


@pytest.fixture
def policy_file(tmp_path) -> str:
    path = tmp_path / "animals.yaml"
    path.write_text(
        "rules: [{detector: keywords, fail_mode: closed, action: block, phase: both, parameters: {words: [zebra]}}]", encoding="utf-8"
    )
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    call_command("evaluate", "guardrails", *arguments, "--json")
    report: dict = json.loads(capsys.readouterr().out)
    return report


def test_a_policy_of_a_file_is_measured_without_a_database(capsys, rows, policy_file):
    report = run(capsys, "--policy", policy_file, rows)

    assert (report["policy"], report["overall"]["recall"], report["overall"]["fpr"]) == ("animals", 0.5, 0.0)
    assert report["law"]["differences"] == 0


def test_the_policy_that_ships_is_measured_without_a_database(capsys, rows):
    report = run(capsys, rows, "--law", "3")

    assert report["policy"] == "default"
    assert report["overall"]["fpr"] == 0.0
    assert (report["law"]["texts"], report["law"]["differences"]) == (3, 0)


def test_a_table_is_written_for_people(capsys, rows, policy_file):
    call_command("evaluate", "guardrails", rows, "--policy", policy_file)

    out = capsys.readouterr().out
    assert out.startswith("Policy animals, 3 rows.\n")
    assert "rule keywords" in out
    assert "0 differences" in out


def test_each_row_is_written_to_a_file(capsys, rows, policy_file, tmp_path: Path):
    out = tmp_path / "out.jsonl"

    run(capsys, rows, "--policy", policy_file, "--out", str(out))

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["file"], line["row"], line["label"], line["verdict"]) for line in lines] == [
        ("rows", 1, 1, "block"),
        ("rows", 2, 1, "allow"),
        ("rows", 3, 0, "allow"),
    ]
    assert (lines[0]["findings"][0]["start"], lines[0]["findings"][0]["end"]) == (2, 7)


def test_a_gate_that_is_missed_fails_after_the_report(capsys, rows, policy_file):
    with pytest.raises(CommandError, match=r"Missed: recall>=0\.9\."):
        call_command("evaluate", "guardrails", rows, "--policy", policy_file, "--gate", "recall>=0.9", "--gate", "fpr<=0.1")

    assert "Gate recall>=0.9: MISSED (0.5)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [("--policy", "gone.yaml"), ("--version", "2"), ("--gate", "recall"), ("--gate", "colour>=1"), ("gone.jsonl",)],
)
def test_what_cannot_be_done_is_said(rows, arguments):
    with pytest.raises(CommandError):
        call_command("evaluate", "guardrails", rows, *arguments)


@pytest.mark.django_db
def test_versions_and_drafts_are_measured_and_compared(capsys, rows):
    policy = create_policy(document("animals", keyword_rule("zebra")))
    publish(policy)
    change_draft(policy, document("animals", keyword_rule("zebra", "yak")))
    publish(policy)
    change_draft(policy, document("animals", keyword_rule("cow")))

    in_force = run(capsys, rows, "--policy", "animals", "--compare", "animals@1")
    first = run(capsys, rows, "--policy", "animals", "--version", "1")
    draft = run(capsys, rows, "--policy", "draft:animals")

    assert (in_force["version"], in_force["overall"]["recall"]) == ("2", 1.0)
    assert (in_force["comparison"]["gained"], in_force["comparison"]["lost"]) == (1, 0)
    assert (first["version"], first["overall"]["recall"]) == ("1", 0.5)
    assert (draft["version"], draft["overall"]["fpr"]) == ("draft", 1.0)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["animals", "draft:animals", "other"])
def test_a_policy_that_is_not_there_is_named(rows, name):
    if name == "animals":
        create_policy(document("animals"))

    with pytest.raises(CommandError, match=r"animals|other"):
        call_command("evaluate", "guardrails", rows, "--policy", name)
