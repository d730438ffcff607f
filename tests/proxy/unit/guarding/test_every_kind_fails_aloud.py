"""
Whatever kind of rule cannot look, and why: the text does not pass, or the record says that it passed unseen.

Goes over the registry, so that a new kind of rule is in it by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from guardrails.detection import Facts, Hit, PlacedHit, Subject, TextUnit
from guardrails.detectors.registry import DETECTORS, build_detector
from guardrails.engine import compile as compiling
from guardrails.patterns import Pattern
from tests.proxy.asgi_help import Talk
from tests.proxy.chat_help import DONE, ROLE, STOP, answer, delta
from tests.proxy.guard_help import guarded_site, published, rule

TEXT = "close ticket 12345 today"
TICKET = Pattern("ticket", "TICKET", r"ticket \d{5}")

PARAMETERS: dict[str, dict[str, Any]] = {
    "topics": {"presets": ["medical_advice"]},
    "competitors": {"competitors": [{"name": "Acme"}]},
    "language": {"allow": ["en"]},
    "limits": {"max_characters": 1_000_000},
    "json_schema": {"schema": {"type": "object"}},
    "tools": {"deny": ["wipe"]},
    "regex": {"patterns": [{"name": "ticket", "expression": TICKET.expression, "label": "TICKET"}]},
    "keywords": {"words": ["zebra"]},
    "external": {"kind": "webhook", "url": "https://checks.example/v1"},
}
"""What kinds need that need something."""

TROUBLES: dict[str, Exception] = {
    "timeout": TimeoutError("too late"),
    "exception": RuntimeError("a bug"),
    "unavailable": OSError("away"),
}


class Troubled:
    """What every kind in trouble has in common."""

    def __init__(self, trouble: str) -> None:
        self.trouble = trouble


class TroubledFast(Troubled):
    """Looks at texts with a ticket, or at all of them."""

    patterns = (TICKET,)

    def __init__(self, trouble: str, is_hit_needed: bool) -> None:
        super().__init__(trouble)
        self.is_hit_needed = is_hit_needed

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        raise TROUBLES[self.trouble]


class TroubledConversation(Troubled):
    def inspect_all(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        raise TROUBLES[self.trouble]


class TroubledSlow(Troubled):
    async def ask(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        if self.trouble == "timeout":
            await asyncio.sleep(60)
        raise TROUBLES[self.trouble]


@pytest.fixture
def trouble_in(monkeypatch):
    """Return what has every detector that is built fail in the ways in which it looks."""

    def begin(trouble: str, *, is_hit_needed: bool = False) -> None:
        def build(name: str, parameters: dict[str, Any]) -> Troubled:
            real = build_detector(name, parameters)
            if hasattr(real, "ask"):
                return TroubledSlow(trouble)
            if hasattr(real, "inspect_all"):
                return TroubledConversation(trouble)
            return TroubledFast(trouble, is_hit_needed)

        monkeypatch.setattr(compiling, "build_detector", build)

    return begin


async def ask(kind: str, phase: str, action: str, fail_mode: str, *, is_stream: bool) -> tuple[Talk, list[dict[str, Any]], int]:
    """Return an answer under one rule of this kind, what was written down of it, and how often the model was asked."""
    only = rule(kind, action, phase, parameters=PARAMETERS.get(kind, {}), fail_mode=fail_mode, deadline_ms=30)
    site = guarded_site(published("house", only))
    site.bench.upstream.answer(
        [ROLE, delta(content="see ticket "), delta(content="12345."), STOP, DONE] if is_stream else answer("see ticket 12345.")
    )
    talk = await site.ask(messages=[{"role": "user", "content": TEXT}], stream=is_stream)
    verdicts = json.loads(bytes(site.bench.spool.ends[-1].decision)).get("verdicts", [])
    return talk, verdicts, len(site.bench.upstream.sent)


@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("phase", ["request", "response"])
@pytest.mark.parametrize("action", ["block", "redact"])
@pytest.mark.parametrize("fail_mode", ["closed", "open"])
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", DETECTORS)
async def test_no_kind_of_rule_passes_silently_what_it_could_not_look_at(trouble_in, kind, trouble, fail_mode, action, phase, is_stream):
    trouble_in(trouble)

    talk, verdicts, _ = await ask(kind, phase, action, fail_mode, is_stream=is_stream)

    check_is_told(talk, verdicts, fail_mode)


@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("phase", ["request", "response"])
@pytest.mark.parametrize("action", ["block", "redact"])
@pytest.mark.parametrize("fail_mode", ["closed", "open"])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_rule_that_fails_at_a_hit_does_not_pass_it_silently(trouble_in, trouble, fail_mode, action, phase, is_stream):
    trouble_in(trouble, is_hit_needed=True)

    talk, verdicts, _ = await ask("regex", phase, action, fail_mode, is_stream=is_stream)

    if action == "redact" and fail_mode == "closed":  # the hit that it could not judge is hidden
        assert talk.status == 200
        assert phase == "request" or b"12345" not in talk.body
        assert [each["result"] for each in verdicts] == ["error"]
    else:
        check_is_told(talk, verdicts, fail_mode)


@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("phase", ["request", "response"])
@pytest.mark.parametrize("fail_mode", ["closed", "open"])
async def test_an_engine_that_fails_passes_nothing_silently(monkeypatch, fail_mode, phase, is_stream):
    def fail(*_: Any) -> Any:
        raise RuntimeError("a broken automaton")

    for database in ("_HyperscanDatabase", "_SetDatabase"):
        monkeypatch.setattr(f"guardrails.engine.database.{database}.scan", fail)
    monkeypatch.setattr("guardrails.engine.stream.fold", fail)

    talk, verdicts, _ = await ask("regex", phase, "block", fail_mode, is_stream=is_stream)

    check_is_told(talk, verdicts, fail_mode)


def check_is_told(talk: Talk, verdicts: list[dict[str, Any]], fail_mode: str) -> None:
    assert verdicts
    assert {each["result"] for each in verdicts} <= {"error", "timeout"}
    if fail_mode == "closed":
        assert b"content_filter" in talk.body
        assert b"12345" not in talk.body
    else:
        assert talk.status == 200
        assert all(each["degraded"] for each in verdicts)


@pytest.mark.parametrize("kind", DETECTORS)
def test_every_kind_can_be_built_for_this_suite(kind):
    assert build_detector(kind, PARAMETERS.get(kind, {}))
