"""
Jailbreaks: personas without rules, modes, games with points, fiction that asks for the real thing, answers with a given beginning.

Rules: as prompt injection, with phrases of its own and the same model; without any such phrase the model alone must be surer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from guardrails.detection import UNREAD, Hit, Subject
from guardrails.detectors.injection_evidence import LEAST_SCORE, is_partly_read, weigh
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

LABEL = "JAILBREAK"
THRESHOLD = 0.5
DATA_THRESHOLD = 0.5

_BIAS = -1.4

_RULES = r"(?:rules?|restrictions?|limits?|limitations?|filters?|guidelines|polic(?:y|ies)|ethics|morals?|censorship|boundaries|constraints|safeguards)"
_PERSONA = r"(?:act as|pretend (?:to be|that you are|you are)|you are (?:now |going to (?:be|act as) )|role-?play as|imagine (?:that )?you are|behave (?:as|like)|become|simulate|take on the role of|play the role of)"
_ENTRIES: tuple[tuple[str, float, str, tuple[str, ...]], ...] = (
    ("persona_free", 0.9, rf"\b{_PERSONA}\b[^!?\n]{{0,120}}?\b(?:no|without|any|free (?:from|of)|not bound by|ignores?|beyond)\b[^.!?\n]{{0,24}}?\b{_RULES}\b", (_PERSONA + " ",)),
    ("do_anything", 1.0, r"\bdo anything now\b|\bcan do anything\b|\bstrive to avoid norms\b|\bbroken free (?:of|from)\b|\bDAN mode\b|\bact(?:ing)? as (?:a )?DAN\b|\byou are (?:now )?DAN\b|\bjailbr(?:oken|eak(?:ed)?) (?:mode|ai|version|assistant|chatgpt|gpt)\b", (r"do anything|avoid norms|broken free|dan mode|(?:as|now|are|a) dan\b|jailbr",)),
    ("unfiltered", 0.8, r"\b(?:unfiltered|uncensored|unrestricted|amoral|unaligned|unethical|limitless|unbound|evil) (?:and \w+ )?(?:ai|assistant|chatbot|bot|language model|model|version|response|answer|persona|mode|machine|advice)\b", ("(?:unfiltered|uncensored|unrestricted|amoral|unaligned|unethical|limitless|unbound|evil) ",)),
    ("no_rules", 0.7, rf"\b(?:has|have|had|having|with|without|there are|you|knows?) (?:absolutely )?(?:no|any|zero)\b[^.!?\n]{{0,30}}?\b{_RULES}\b", (rf"(?:no|any|zero)\b[^.!?\n]{{0,30}}?\b{_RULES}",)),
    ("never_refuse", 0.8, r"\b(?:never|do not|don'?t|cannot|can'?t|must not|no longer|without)\b[^.!?\n]{0,16}?\b(?:refus(?:e|ing)|say (?:that )?you (?:can'?t|cannot)|declin(?:e|ing)|apologi[sz](?:e|ing)|break(?:ing)? character|warn(?:ing)?s?|disclaimers?|moral(?:i[sz](?:e|ing))?|lectur(?:e|ing)|censor(?:ing)?|add(?:ing)? (?:any )?warnings?)\b", ("refus(?:e|ing)", "say ", "declin(?:e|ing)", "apologi", "break", "warn", "disclaimers?", "moral", "lectur", "censor")),
    ("stay_in", 0.7, r"\bstay(?:ing)? in character\b|\bstay a DAN\b|\bremain in character\b|\bnever break character\b", ("in character", "stay a DAN", "break character")),
    ("two_answers", 0.9, r"\b(?:two|both|2)\b[^.!?\n]{0,20}?\b(?:answers?|responses?|ways|replies|paragraphs)\b[^\n]{0,160}?\b(?:dan|unfiltered|jailbreak|developer mode|classic|normal|uncensored|evil)\b|\[(?:🔓|🔒)?(?:classic|jailbreak|gpt|dan|normal output|developer mode output)\]|\((?:🔓|🔒)(?:normal|developer)", (r"(?:two|both|2)\b[^.!?\n]{0,20}?\b(?:answer|response|ways|replies|paragraph)", r"\[(?:🔓|🔒)?(?:classic|jailbreak|gpt|dan|normal|developer)", r"\((?:🔓|🔒)")),
    ("tokens", 0.8, r"\b(?:you (?:have|start with|will have|lose|are given)|lose|deduct(?:ed)?|start with)\b[^.!?\n]{0,24}?\b\d{1,4} (?:tokens|points|lives|credits)\b", ("(?:tokens|points|lives|credits)",)),
    ("developer_mode", 0.9, r"\b(?:developer|dev|god|evil|jailbreak|apophis|opposite|unrestricted) mode (?:enabled|activated|on|output|v2|is)\b|\bwith (?:developer|dan|dev|evil|jailbreak) mode\b", (" mode",)),
    ("prefix", 0.7, r"\b(?:start|begin|precede|preface|prefix)\b[^.!?\n]{0,12}?\b(?:your |every |each |the |all )?(?:answers?|response|reply|message|sentence)s?\b[^.!?\n]{0,16}?\b(?:with|by)\b[^\n]{0,12}?[\"'“‘\[](?:sure|of course|absolutely|certainly|yes|here (?:is|are)|i have|access granted|as [a-z]{2,10}|dan)", (r"[\"'“‘\[](?:sure|of course|absolutely|certainly|yes|here|i have|access|as [a-z]|dan)",)),
    ("fiction", 0.6, r"\b(?:hypothetical(?:ly)?|fiction(?:al)?|story|novel|movie|parallel (?:universe|world)|simulation|alternate (?:universe|reality)|thought experiment|role-?play)\b[^\n]{0,120}?\b(?:no|without|ignore|free (?:of|from)|do not apply|don'?t apply)\b[^.!?\n]{0,24}?\b(?:rules|laws|restrictions|ethics|guidelines|limits|filters|consequences|policies|censorship)\b", (r"(?:no|without|ignore|free of|free from|apply)\b[^.!?\n]{0,24}?\b(?:rules|laws|restrictions|ethics|guidelines|limits|filters|consequences|policies|censorship)\b",)),
    ("grandma", 0.6, r"\b(?:grandmother|grandma|granny|late (?:uncle|aunt|father|mother|grandfather))\b[^\n]{0,120}?\b(?:used to|would|always)\b[^.!?\n]{0,30}?\b(?:tell|read|recite|teach|explain|whisper)", ("grandm|granny|late ",)),
    ("puppetry", 0.9, r"<(?:interaction-config|blocked-strings|allowed-modes|blocked-modes|allowed-responses)|\b(?:allowed|blocked)[_-](?:modes?|responses?|strings|topics)\b\s{0,3}[:=>]", ("(?:allowed|blocked)[_-]", "interaction-config")),
    ("opposite", 0.7, r"\bopposite (?:day|of (?:what )?your (?:rules|guidelines|training))\b|\bevil (?:twin|confidant|version)\b|\bopposite mode\b|\balter ego\b", ("opposite|evil|alter ego",)),
    ("no_longer_ai", 0.8, r"\byou are (?:no longer|not) (?:an? )?(?:ai|chatgpt|assistant|language model|claude|gpt|bard|gemini)\b|\bfrom now on,? you (?:are|will|act|respond|must|shall|behave)\b", ("no longer|not a|not chat|from now on",)),
    ("as_free_ai", 0.7, r"\b(?:unlike|than) (?:chatgpt|other ais?|normal ais?|a normal ai|ordinary ais?)\b|\bnot (?:bound|limited|restricted|constrained) by\b[^.!?\n]{0,40}?\b(?:openai|rules|policy|policies|guidelines|ethic\w{0,4}|moral\w{0,4}|law)", ("unlike|than (?:chat|other ai|normal|a normal|ordinary)|not (?:bound|limited|restricted|constrained) by",)),
)  # fmt: skip


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`threshold`: the lowest score that counts, 0 to 1; `data_threshold` that of tool results and documents."""

    threshold: float = THRESHOLD
    data_threshold: float = DATA_THRESHOLD


def build(parameters: Parameters) -> JailbreakDetector:
    """Errors: BadRule for a threshold that no score or every score reaches."""
    for value in (parameters.threshold, parameters.data_threshold):
        if not 0 < value <= 1:
            raise BadRule(f"A threshold of {value} is not between 0 and 1.")
    return JailbreakDetector(_patterns(), parameters.threshold, parameters.data_threshold)


def _patterns() -> tuple[Pattern, ...]:
    return tuple(
        Pattern(name, LABEL, expression, triggers=triggers, is_caseless=True, score=score, is_disguised_too=True)
        for name, score, expression, triggers in _ENTRIES
    )


@dataclass(frozen=True, slots=True, eq=False)
class JailbreakDetector:
    patterns: tuple[Pattern, ...]
    threshold: float
    data_threshold: float
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return one hit where the evidence lies, or none; a rule's thresholds are applied by its caller. Cost: 0.1 ms for 1 KB where prompt injection is looked for too."""
        verdict = weigh(subject, hits, _BIAS, uses_shape=False)
        unread = (Hit(UNREAD),) if is_partly_read(subject) else ()
        if verdict.score < min(LEAST_SCORE, self.threshold, self.data_threshold):
            return unread
        reason = " ".join(verdict.reasons) or "The text as a whole reads like an attempt to free a model of its rules."
        return (Hit(LABEL, verdict.start, verdict.end, round(verdict.score, 3), reason, "jailbreak", verdict.view), *unread)
