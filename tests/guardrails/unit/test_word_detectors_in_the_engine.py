"""The detectors of words, topics and code, compiled and run as a policy runs them."""

from __future__ import annotations

import time

import pytest

from guardrails.detection import TextUnit
from guardrails.engine.compile import compile_policy
from guardrails.policy_document import PolicyDocument, RuleDocument

_PARAMETERS = {
    "toxicity": {},
    "topics": {"presets": ["investment_advice", "legal_advice", "medical_advice"]},
    "competitors": {
        "competitors": [{"name": "Delta", "is_ordinary_word": True, "context": ["flight"]}, {"name": "Ünal", "domains": ["u.example"]}]
    },
    "language": {"allow": ["en"]},
    "code": {},
    "limits": {"max_characters": 2_000_000},
    "regex": {"patterns": [{"name": "ticket", "expression": r"TICK-\d{4}"}]},
    "keywords": {"words": ["secret plan", "проект", "c++"]},
}
_TEXTS = [
    "You are a stupid idiot, and I hate women. Should I buy Tesla stock?",
    "Can I take ibuprofen with alcohol? Our SECRET  plan is проект TICK-1234.",
    "```python\nprint(1)\n```\nSELECT * FROM users; the Delta flight by u.example is in C++",
    "Ünal und ünal: Wir haben gestern lange über den neuen Plan gesprochen.",
    "I am a gay man. \ud800 broken \x00 text, kill the process.",
]
_HOSTILE = {
    "toxicity": "you idiot ",
    "topics": "should i buy stock ",
    "competitors": "delta ",
    "language": "der und il ",
    "code": "def f(x):\nfor a in ",
    "limits": "a ",
    "regex": "TICK-",
    "keywords": "secret ",
}


def _compile(name, engine=None):
    rule = RuleDocument(detector=name, fail_mode="closed", parameters=_PARAMETERS[name])
    return compile_policy(PolicyDocument(name="p", rules=(rule,)), engine=engine)


def _findings(policy, text):
    return [(each.label, each.start, each.end, each.pattern, each.score) for each in policy.check([TextUnit(text)]).findings]


@pytest.mark.parametrize("name", _PARAMETERS)
def test_both_engines_find_the_same(name):
    first, second = _compile(name, "hyperscan"), _compile(name, "re2")

    assert [_findings(first, text) for text in _TEXTS] == [_findings(second, text) for text in _TEXTS]


@pytest.mark.parametrize("name", _PARAMETERS)
def test_hostile_megabyte_is_judged_in_bounded_time(name):
    policy = _compile(name)
    text = (_HOSTILE[name] * 200_000)[:1_000_000]

    begun = time.process_time()
    inspection = policy.check([TextUnit(text)])

    assert time.process_time() - begun < 3.0
    assert [each.result for each in inspection.outcomes if each.result in {"error", "skipped", "timeout"}] == []


@pytest.mark.parametrize(
    "text",
    [
        "Vielen Dank für Ihre Nachricht, wir melden uns am Montag.",
        "Merci beaucoup, le colis est bien arrivé hier soir.",
        "Muchas gracias, el paquete llegó ayer por la tarde.",
        "Спасибо большое, посылка пришла вчера вечером.",
        "ありがとうございます。荷物は昨日届きました。",
        "شكرا جزيلا، وصل الطرد مساء أمس.",
        "बहुत धन्यवाद, पार्सल कल शाम को पहुँच गया।",
        "Dziękuję bardzo, paczka dotarła wczoraj wieczorem.",
    ],
)
def test_natural_texts_of_many_languages_are_left_alone(text):
    found = {name: _findings(_compile_once(name), text) for name in _PARAMETERS if name != "language"}

    assert {name: hits for name, hits in found.items() if hits} == {}


_KEPT: dict[str, object] = {}


def _compile_once(name):
    if name not in _KEPT:
        _KEPT[name] = _compile(name)
    return _KEPT[name]
