"""
Topics that an admin does not want talked about, defined by words that meet in one sentence, or by examples.

Rules: one word never makes a topic; a sentence with one of `words` and one of `with` does, so does one of `always`, and one of `never`
takes the sentence out. The engine looks for the first of them; only sentences where one stands are read.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.detectors.topic_examples import ExampleModel, train
from guardrails.errors import BadRule
from guardrails.patterns import Pattern
from guardrails.words.literals import clean_literal, term_patterns
from guardrails.words.sentences import Passage, passages
from guardrails.words.terms import Terms, words_of

MAX_TERMS = 2_000
MAX_HITS = 50
"""More sentences on a topic than this are not reported one by one."""

_MIN_EXAMPLES = 5


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"with_": "with"}):
    """
    `invest*` stands for every word that begins so; plurals need not be listed. `within`: whether a word of `with` must stand in the same
    sentence or anywhere in the text (its first 4,000 characters). `examples` and `counter_examples` are sentences; at least five
    examples make a model, whose score is compared with `threshold`.
    """

    name: str
    words: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    within: Literal["sentence", "text"] = "sentence"
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    threshold: float = 0.5
    label: str = "TOPIC"


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`presets` are topics that ship with the gateway: investment_advice, legal_advice, medical_advice."""

    topics: tuple[Topic, ...] = ()
    presets: tuple[Literal["investment_advice", "legal_advice", "medical_advice"], ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """One topic, ready to be asked."""

    topic: Topic
    words: Terms
    with_: Terms
    always: Terms
    never: Terms
    model: ExampleModel | None

    def score(self, text: str, words: list[str], everything: list[str]) -> float:
        if self.never and self.never.has_any(text, words):
            return 0.0
        if self.always.has_any(text, words):
            return 1.0
        if self.words and _meet(self.words, self.with_, text, words, everything):
            return 1.0
        if self.model is not None:
            score = self.model.score(text)
            return score if score >= self.topic.threshold else 0.0
        return 0.0


def _meet(first: Terms, second: Terms, text: str, words: list[str], everything: list[str]) -> bool:
    """Whether a term of each stands there, and they are not one and the same word."""
    ones = list(first.find(text, words))
    if not ones:
        return False
    if everything is words:
        return any(one != other or one == (-1, -1) for one in ones for other in second.find(text, words))
    return second.has_any(text, everything)


@dataclass(frozen=True, slots=True)
class TopicsDetector:
    patterns: tuple[Pattern, ...]
    rules: dict[str, _Rule]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return one hit for each sentence on a topic. Cost: about 30 us for each sentence that holds a word of it."""
        found: list[Hit] = []
        for name, rule in self.rules.items():
            mine = [hit for hit in hits if hit.pattern == name]
            for passage in passages(subject, mine):
                hit = _judge(rule, passage, subject)
                if hit is not None:
                    found.append(hit)
                    if len(found) >= MAX_HITS:
                        return found
        found.sort(key=lambda hit: hit.start)
        return found


def _judge(rule: _Rule, passage: Passage, subject: Subject) -> Hit | None:
    words = words_of(passage.text)
    everything = words if rule.topic.within == "sentence" else words_of(subject.main.text[:4000])
    score = rule.score(passage.text, words, everything)
    if not score:
        return None
    topic = rule.topic
    return Hit(topic.label, passage.start, passage.end, score, f"A sentence on the topic {topic.name!r}.", topic.name, passage.view)


def build(parameters: Parameters) -> TopicsDetector:
    """Errors: BadRule that names the topic and says what it lacks."""
    topics = (*map(_preset, parameters.presets), *parameters.topics)
    if not topics:
        raise BadRule("Detector 'topics' has no topic: fill 'topics' or 'presets'.")
    rules: dict[str, _Rule] = {}
    patterns: list[Pattern] = []
    for topic in topics:
        if topic.name in rules:
            raise BadRule(f"Two topics have the name {topic.name!r}: give each its own.")
        rules[topic.name] = rule = _rule(topic)
        gate = [*topic.words, *topic.always, *(rule.model.telling_words if rule.model else ())]
        patterns += term_patterns(topic.name, topic.label, gate, reason=f"A word of topic {topic.name!r}.")
    return TopicsDetector(tuple(patterns), rules)


def _preset(name: str) -> Topic:
    topic: Topic = importlib.import_module(f"guardrails.detectors.topic_presets.{name}").TOPIC
    return topic


def _rule(topic: Topic) -> _Rule:
    if not topic.name:
        raise BadRule("A topic has no name.")
    terms = (*topic.words, *topic.with_, *topic.always, *topic.never)
    if len(terms) > MAX_TERMS:
        raise BadRule(f"Topic {topic.name!r} has {len(terms)} words: {MAX_TERMS} are allowed.")
    for term in terms:
        clean_literal(term)
    if bool(topic.words) != bool(topic.with_):
        raise BadRule(f"Topic {topic.name!r}: 'words' and 'with' go together; a word that suffices alone belongs to 'always'.")
    if topic.examples and len(topic.examples) < _MIN_EXAMPLES:
        raise BadRule(f"Topic {topic.name!r} has {len(topic.examples)} examples: give at least {_MIN_EXAMPLES}.")
    if not (topic.words or topic.always or topic.examples):
        raise BadRule(f"Topic {topic.name!r} says nothing: fill 'words' and 'with', 'always' or 'examples'.")
    model = train(topic.examples, topic.counter_examples) if topic.examples else None
    return _Rule(topic, Terms(topic.words), Terms(topic.with_), Terms(topic.always), Terms(topic.never), model)
