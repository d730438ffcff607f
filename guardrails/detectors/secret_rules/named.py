"""
Secrets without a form of their own: known by their provider's name before them, and by their length and alphabet.

Rules: all of them are looked for by two patterns, because hundreds of expressions that differ in a name only would make a stream slow:
one for a run of letters and digits behind the name, one for anything behind a sign that assigns. Which rule it is, and whether the value
has that rule's shape, is found out afterwards, in Python, for matches only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from guardrails.detectors.secret_rules import checks
from guardrails.patterns import Candidate, Pattern

UUID = "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
NAMED_PATTERNS = frozenset(("named_run", "named_assignment"))
HEAD_CHARACTERS = 160
"""How far before a value its provider's name can stand, at most. Units: characters."""

_BETWEEN = r"[\w.-]{0,32}?(?:[ \t]{1,2}(?:access|account|api|app|auth|bearer|client|key|password|private|secret|token)[\w.-]{0,10}?){0,2}?"
"""What may stand between a provider's name and its secret: the rest of the identifier, and two words that speak of credentials."""

_SIGNS = r"[\s\"'`\\=:<>,(|?\[\]{};_/-]{1,12}"
_ASSIGN = r"[\"'`\\\])}>]{0,4}[ \t]{0,4}(?:[=:]>|:=|[=:>]|[,(|][ \t]{0,4}[\"'`])[\s\"'`\\(\[{<]{0,6}"
# Up to 300 characters a match is found in one step; longer ones cost the engine a second search.
_RUN = rf"[A-Za-z0-9]{{14,130}}={{0,2}}|{UUID}"
_ANY = r"[!+\--:=@-Z_a-z|~]{12,160}"


@dataclass(frozen=True, slots=True)
class Named:
    """
    One provider: `words` are its names, `shape` the values it gives out, both caseless expressions of Python's `re`.

    `triggers`: the same names as the automaton is to look for them, if `words` is more than literals with `|`.
    """

    name: str
    words: str
    shape: str
    triggers: tuple[str, ...]
    label: str
    check: Callable[[Candidate], bool] | None
    least_bits: float

    @property
    def literals(self) -> tuple[str, ...]:
        """The names as plain text: `a_?b` is two."""
        return tuple(dict.fromkeys(text for word in self.words.split("|") for text in _written_out(word)))

    def has_shape(self, value: str) -> bool:
        shape = _compiled(self.shape)
        return bool(shape.fullmatch(value) or shape.fullmatch(value.rstrip(".:=!|-")))


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    """Compiled when a provider's name is met: two hundred of them take 60 ms."""
    return re.compile(shape, re.IGNORECASE)


def _written_out(word: str) -> list[str]:
    """Return the texts that a word means; `?` follows a single character, a backslash stands before a dot."""
    texts = [""]
    plain = word.replace("\\", "")
    for at, each in enumerate(plain):
        if each == "?":
            continue
        if plain[at + 1 : at + 2] == "?":
            texts += [text + each for text in texts]
        else:
            texts = [text + each for text in texts]
    return texts


def named(
    name: str,
    words: str,
    shape: str,
    *triggers: str,
    label: str = "API_KEY",
    check: Callable[[Candidate], bool] | None = None,
    least_bits: float = 2.6,
) -> Named:
    """Return the rule for a provider's values without a prefix."""
    return Named(name, words, shape, triggers or tuple(words.split("|")), label, check, least_bits)


def _names(head: str, lowered: str, word: str) -> bool:
    """Tell whether the word is in the text at a word's start: `MY_BOX_KEY` and `myBoxKey` name Box, `inbox_key` does not."""
    at = lowered.find(word)
    while at >= 0:
        if _begins_word(head, at):
            return True
        at = lowered.find(word, at + 1)
    return False


def _begins_word(head: str, at: int) -> bool:
    if at == 0 or not head[at - 1].isalpha():
        return True
    return (head[at - 1].islower() and head[at].isupper()) or (at > 1 and head[at - 2] == "\\" and head[at - 1] in "nrt")


@dataclass(frozen=True)
class NamedRules:
    """Some providers' rules together: the validator of their two patterns, and who tells them apart."""

    rules: tuple[Named, ...]
    gate: float
    _words: tuple[tuple[str, Named], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", tuple((word, rule) for rule in self.rules for word in rule.literals))

    def __call__(self, candidate: Candidate) -> bool:
        value, right = candidate.value, candidate.right
        if right and (right.isalnum() or right == "_"):
            return False
        if checks.entropy_bits(value) < self.gate or checks.is_placeholder(value) or not checks.is_credential_like(value):
            return False
        head = candidate.left + candidate.match.removesuffix(value)
        rule = self.find(head[-HEAD_CHARACTERS:], value)
        return rule is not None and checks.entropy_bits(value) >= rule.least_bits and (rule.check is None or rule.check(candidate))

    def find(self, head: str, value: str) -> Named | None:
        """Return the rule of a value with the text before it."""
        # Lower case that keeps every character at its place.
        lowered = head.encode("ascii", "replace").decode().lower()
        named = [(word, rule) for word, rule in self._words if word in lowered]
        return next((rule for word, rule in named if rule.has_shape(value) and _names(head, lowered, word)), None)

    def to_patterns(self) -> tuple[Pattern, ...]:
        """Return what the engine looks for, nothing without rules."""
        if not self.rules:
            return ()
        words = "|".join(dict.fromkeys(word for rule in self.rules for word in rule.words.split("|")))
        triggers = tuple(dict.fromkeys(trigger for rule in self.rules for trigger in rule.triggers))
        forms = (("named_run", _SIGNS, _RUN), ("named_assignment", _ASSIGN, _ANY))
        return tuple(
            Pattern(
                name=name,
                label="API_KEY",
                expression=f"(?:{words}){_BETWEEN}{signs}({value})",
                triggers=triggers,
                group=1,
                is_caseless=True,
                is_valid=self,
                score=0.9,
                reason="A value of the right shape stands beside its provider's name.",
            )
            for name, signs, value in forms
        )
