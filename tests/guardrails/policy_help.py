"""Small policies for the tests of the console side: quick to compile and with nothing learned in them."""

from __future__ import annotations

from guardrails.policy_document import PolicyDocument, RuleDocument, Scope, TestCase


def keyword_rule(*words: str, **fields) -> RuleDocument:
    wanted = {"detector": "keywords", "fail_mode": "closed", "action": "block", "parameters": {"words": list(words or ("zebra",))}}
    return RuleDocument(**(wanted | fields))


def document(name: str = "strict", *rules: RuleDocument, **fields) -> PolicyDocument:
    return PolicyDocument(name=name, rules=rules or (keyword_rule(),), **fields)


def case(text: str, expect: str = "block", **fields) -> TestCase:
    return TestCase(text=text, expect=expect, **fields)


def scope(**fields) -> Scope:
    return Scope(**{name: value if isinstance(value, bool) else tuple(value) for name, value in fields.items()})
