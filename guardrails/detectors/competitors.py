"""
Names of competitors, in the forms people write them: with `'s`, with a hyphen or none, by a product's name, as a domain.

Rules: a name that is also an ordinary word (`Delta`, `Target`) counts only where the text shows that the company is meant: a capital
letter inside a sentence that is not all in capitals, or a word of the trade in the same sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.errors import BadRule
from guardrails.patterns import Candidate, Pattern
from guardrails.words.literals import clean_literal, edge_check, expression_of, is_word_on_both_sides
from guardrails.words.sentences import MAX_CHARACTERS, sentence_around, view_span
from guardrails.words.terms import Terms, words_of

_GAP = r"[ \t\n‐‑–-]{0,3}"
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_CAPITALISED = re.compile(r"[^\W\d_]{2,}")


class Competitor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `aliases` are other names and products. `is_ordinary_word`: the name is one, so it needs a capital letter or a word of `context` (or
    of the detector's) in its sentence. `never`: phrases that hold the name and mean something else (`delta variant`).
    """

    name: str
    aliases: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    is_ordinary_word: bool = False
    context: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`context`: words of the trade, for all names that are ordinary words."""

    competitors: tuple[Competitor, ...]
    context: tuple[str, ...] = ()
    label: str = "COMPETITOR"
    is_disguised_too: bool = False


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What settles whether a company is meant."""

    is_ordinary: bool
    context: Terms
    never: Terms


@dataclass(frozen=True, slots=True)
class CompetitorsDetector:
    patterns: tuple[Pattern, ...]
    doubts: dict[str, _Doubt]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Cost: nothing for plain names, 20 us for a hit whose meaning the sentence decides."""
        doubts = self.doubts
        return [hit for hit in hits if hit.pattern not in doubts or _is_meant(subject, hit, doubts[hit.pattern])]


def _is_meant(subject: Subject, hit: Hit, doubt: _Doubt) -> bool:
    main = subject.main
    if hit.view != main.name:
        return not doubt.is_ordinary
    at, end = view_span(main, hit.start, hit.end)
    first, last = sentence_around(main.text, at, end)
    sentence = main.text[first:last]
    words = words_of(sentence)
    if doubt.never.has_any(sentence, words):
        return False
    return not doubt.is_ordinary or doubt.context.has_any(sentence, words) or _is_proper_name(sentence, at - first, end - first)


def _is_proper_name(sentence: str, at: int, end: int) -> bool:
    """Whether the capital letter says something: not at the sentence's beginning, and not where most words have one."""
    if not sentence[at].isupper():
        return False
    before = _CAPITALISED.findall(sentence, max(0, at - MAX_CHARACTERS), at)
    if not before or sentence[:at].rstrip()[-1:] in ":\"'“‘(*->":
        return False
    others: list[str] = before + _CAPITALISED.findall(sentence, end)
    return sum(word[0].isupper() for word in others) * 2 <= len(others)


def build(parameters: Parameters) -> CompetitorsDetector:
    """Errors: BadRule for no competitor, an empty name, or something that is no domain."""
    if not parameters.competitors:
        raise BadRule("Detector 'competitors' names nobody: fill 'competitors'.")
    patterns: list[Pattern] = []
    doubts: dict[str, _Doubt] = {}
    for each in parameters.competitors:
        made = _patterns(each, parameters)
        patterns += made
        if each.is_ordinary_word or each.never:
            doubt = _Doubt(each.is_ordinary_word, Terms((*each.context, *parameters.context)), Terms(each.never))
            doubts[made[0].name] = doubt
    names = [each.name for each in patterns]
    if len(set(names)) < len(names):
        raise BadRule("Two competitors have the same name: make one of them.")
    return CompetitorsDetector(tuple(patterns), doubts)


def _patterns(each: Competitor, parameters: Parameters) -> list[Pattern]:
    name = clean_literal(each.name)
    reason = "A competitor is named."
    patterns = [_name_pattern(f"{name}.name", name, parameters, reason)]
    patterns += [_name_pattern(f"{name}.{clean_literal(alias)}", clean_literal(alias), parameters, reason) for alias in each.aliases]
    for domain in each.domains:
        host = domain.strip().lower().removeprefix("www.").removesuffix(".")
        if not host.isascii():
            host = host.encode("idna").decode()
        if not _DOMAIN.fullmatch(host):
            raise BadRule(f"{domain!r} is no domain: write it like 'example.com', without a scheme or a path.")
        escaped = host.replace(".", r"\.")
        patterns.append(
            Pattern(
                name=f"{name}.{host}",
                label=parameters.label,
                expression=rf"\b(?:[a-z0-9_-]{{1,63}}\.){{0,4}}{escaped}\b",
                triggers=(escaped,),
                is_caseless=True,
                is_valid=_is_whole_host,
                reason="A competitor's address stands here.",
            )
        )
    return patterns


def _is_whole_host(candidate: Candidate) -> bool:
    return candidate.right != "-" and candidate.left[-1:] not in {"-", "."}


def _name_pattern(name: str, literal: str, parameters: Parameters, reason: str) -> Pattern:
    return Pattern(
        name=name,
        label=parameters.label,
        expression=_GAP.join(expression_of(part) for part in re.split(r"[ -]+", literal) if part),
        is_caseless=True,
        is_word=is_word_on_both_sides(literal),
        is_valid=edge_check(literal),
        is_disguised_too=parameters.is_disguised_too,
        reason=reason,
    )
