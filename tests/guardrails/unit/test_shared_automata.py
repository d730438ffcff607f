"""Policies with the same rules have one automaton, as long as one of them is there."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

from guardrails.engine.compile import compile_policy
from guardrails.engine.database import build_database
from guardrails.engine.flags import is_plain
from guardrails.engine.shared import Shared
from guardrails.engine.stream_database import compile_triggers
from guardrails.patterns import Pattern
from guardrails.policy_document import PolicyDocument, RuleDocument

_PATTERNS = [Pattern("one", "N", r"shared-automaton-\d{4}"), Pattern("two", "N", "shared-automaton-word")]


class _Made:
    pass


def test_what_is_made_is_kept_while_somebody_uses_it() -> None:
    shared: Shared[_Made] = Shared()
    first = shared.find_or_make("key", _Made)

    assert shared.find_or_make("key", _Made) is first
    assert shared.find_or_make("other", _Made) is not first

    del first
    gc.collect()
    keeper = [_Made()]
    assert shared.find_or_make("key", lambda: keeper[0]) is keeper[0]


def test_what_cannot_be_made_is_not_kept() -> None:
    shared: Shared[_Made] = Shared()

    with pytest.raises(ZeroDivisionError):
        shared.find_or_make("key", lambda: 1 // 0)  # type: ignore[arg-type, return-value]

    assert isinstance(shared.find_or_make("key", _Made), _Made)


def test_databases_of_the_same_patterns_share_their_automaton(tmp_path: Path) -> None:
    first, second, elsewhere = build_database(_PATTERNS), build_database(_PATTERNS), build_database(_PATTERNS, tmp_path)

    if first.engine == "hyperscan":
        assert first._automaton is second._automaton  # type: ignore[attr-defined]
        assert first._automaton is not elsewhere._automaton  # type: ignore[attr-defined]
    assert list(first.scan(b"shared-automaton-1234")) == list(second.scan(b"shared-automaton-1234")) == [0]


def test_triggers_of_the_same_expressions_share_their_automaton() -> None:
    triggers = (r"shared\d{3}", "trigger")

    assert compile_triggers(triggers, engine="hyperscan") is compile_triggers(triggers, engine="hyperscan")


def test_policies_that_share_may_look_in_several_threads_at_once() -> None:
    rules = (RuleDocument(detector="secrets", fail_mode="closed", action="redact"),)
    policies = [compile_policy(PolicyDocument(name=name, rules=rules), verdicts_count=0) for name in ("a", "b", "c")]
    data = b"the key is ghp_ and AKIA and so on " * 2000
    failed: list[Exception] = []

    def scan(number: int) -> None:
        try:
            for _ in range(50):
                policies[number].scanner.database.scan(data)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=scan, args=(number % 3,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert failed == []


@pytest.mark.parametrize("expression", ["word", r"\bhag", r"gone\s{1,2}from", "it's so-so_1"])
def test_words_and_blanks_are_plain(expression: str) -> None:
    assert is_plain(expression)


@pytest.mark.parametrize("expression", ["", r"\d", "a+", "a{1,2}", "(", "\\", "é", "a|b", r"\B"])
def test_what_an_engine_may_refuse_is_not_plain(expression: str) -> None:
    assert not is_plain(expression)
