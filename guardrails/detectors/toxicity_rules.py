"""
What a sentence says of somebody, by the classes of words that meet in it: OpenAI's moderation categories with a score for each.

Rules: no single word but a slur decides; who is spoken of, what is wished and what is only quoted or denied does. Scores are set by hand
(0.5 and above: flagged by itself); a learned model adds what was said in other words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guardrails.detectors.toxicity_words.table import Classified, Word, classify

CATEGORIES: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)

_OFFENSIVE: Final = Word.SLUR | Word.GENDERED | Word.PROFANITY | Word.INSULT | Word.ATTACK | Word.WEAK_INSULT | Word.THREAT

Scores = dict[str, float]

_COPULA: Final = frozenset(
    {
        "are",
        "is",
        "were",
        "was",
        "you're",
        "youre",
        "ur",
        "he's",
        "she's",
        "they're",
        "theyre",
        "be",
        "being",
        "look",
        "looks",
        "sound",
        "act",
        "such",
        "what",
    }
)
_FILLERS: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "so",
        "such",
        "just",
        "all",
        "really",
        "very",
        "too",
        "fucking",
        "fuckin",
        "damn",
        "bloody",
        "goddamn",
        "total",
        "complete",
        "absolute",
        "utter",
        "pretty",
        "nothing",
        "but",
        "bunch",
        "of",
        "as",
        "literally",
        "truly",
        "most",
        "biggest",
        "little",
        "big",
        "dirty",
        "stupid",
        "old",
        "lot",
        "pure",
        "freaking",
        "actually",
        "totally",
        "completely",
        "absolutely",
        "always",
        "only",
        "an",
        "even",
        "more",
        "kind",
        "like",
        "basically",
        "walking",
        "ugly",
        "filthy",
        "disgusting",
        "sick",
        "dumb",
        "plain",
        "some",
    ]
)
_SUBJECTS: Final = frozenset(
    {
        "i",
        "we",
        "everyone",
        "everybody",
        "really",
        "fucking",
        "just",
        "absolutely",
        "all",
        "should",
        "to",
        "god",
        "he",
        "she",
        "they",
        "and",
        "honestly",
        "so",
        "truly",
    }
)
_NOT_OF_PEOPLE: Final = frozenset(
    {
        "how",
        "when",
        "that",
        "it",
        "seeing",
        "way",
        "this",
        "crime",
        "crimes",
        "speech",
        "against",
        "racism",
        "violence",
        "being",
        "towards",
        "toward",
        "if",
        "what",
        "group",
        "groups",
    }
)
_GAMES: Final = frozenset({"at", "chess", "game", "poker", "race", "in", "score", "tennis"})
_NOUNS: Final = frozenset(
    {
        "idiot",
        "idiots",
        "moron",
        "morons",
        "imbecile",
        "imbeciles",
        "loser",
        "losers",
        "cretin",
        "dimwit",
        "halfwit",
        "scumbag",
        "asshole",
        "dickhead",
        "jackass",
        "bastard",
        "creep",
        "pervert",
        "lowlife",
    }
)
_ARTICLES: Final = frozenset(
    {"the", "a", "an", "of", "and", "or", "like", "not", "called", "complete", "total", "utter", "village", "useful"}
)
_OPINIONS: Final = frozenset({"think", "believe", "agree", "say", "says", "claim", "mean", "accept"})
_NO_STATEMENTS: Final = frozenset({"hating", "loathing", "hatred", "disgust", "hates"})
_EVERY: Final = frozenset({"all", "every", "those", "these", "the", "any", "more", "some"})


def judge(text: str, learned: Callable[[str], float]) -> Scores:
    """
    Return the scores of a sentence, categories of zero left out. `learned` says how a model finds it, 0 to 1; it is asked only where a
    word could offend. Cost: 50 us for 200 characters, and the model's.
    """
    said = classify(text)
    scores: Scores = {}
    for rule in _RULES:
        rule(said, scores)
    if said.mask & _OFFENSIVE:
        _raise(scores, "harassment", _weigh(learned(text), said))
    if said.mask & Word.QUOTED and scores:
        for category in ("harassment", "hate"):
            if category in scores:
                scores[category] *= 0.5
    return scores


def _weigh(score: float, said: Classified) -> float:
    """What the model's score is worth: it knows tweets, so a sentence that is about nobody, or about a body, needs more than it says."""
    if said.mask & (Word.FIGURATIVE | Word.CLINICAL | Word.POSITIVE):
        return score * 0.5
    if said.mask & (Word.GENDERED | Word.SLUR):
        return score
    if not said.mask & (Word.SECOND | Word.PERSON | Word.GROUP):
        return score * 0.5
    return score if said.mask & (Word.INSULT | Word.ATTACK) else score * 0.7


def _raise(scores: Scores, category: str, score: float) -> None:
    if score > scores.get(category, 0.0):
        scores[category] = score


def _follows(said: Classified, first: int, second: int, reach: int, *, is_denied_allowed: bool = False) -> tuple[int, int] | None:
    """Return where a word of the second class stands behind one of the first, within reach and without a denial between; or None."""
    seconds = said.spans(second)
    for _, last in said.spans(first):
        for begin, _ in seconds:
            if last <= begin <= last + reach and (is_denied_allowed or not _is_denied(said, last - 1, begin)):
                return last, begin
    return None


def _is_denied(said: Classified, first: int, last: int) -> bool:
    return any(first <= begin < last for begin, _ in said.spans(Word.DENIED))


def _is_about_self(said: Classified, begin: int) -> bool:
    """Whether the nearest person before a word is who speaks: "I am such an idiot"."""
    for index in range(begin - 1, max(-1, begin - 7), -1):
        if said.words[index] in {"you", "you're", "your", "he", "she", "they", "he's", "she's", "they're"}:
            return False
        if said.words[index] in {"i", "i'm", "im", "me", "my", "myself", "feel", "felt"}:
            return True
    return False


def _slurs(said: Classified, scores: Scores) -> None:
    if said.mask & Word.SLUR:
        is_friendly = all(
            said.words[first].startswith("nigga") or said.words[first] in {"retarded", "queer"} for first, _ in said.spans(Word.SLUR)
        )
        _raise(scores, "hate", 0.6 if is_friendly else 0.85)
        _raise(scores, "harassment", 0.65)
    if said.mask & Word.GENDERED and not (said.mask & Word.CLINICAL and not said.mask & Word.SECOND):
        is_aimed = _follows(said, Word.SECOND | Word.PERSON, Word.GENDERED, 4) is not None
        _raise(scores, "harassment", 0.85 if is_aimed else 0.6)


def _insults(said: Classified, scores: Scores) -> None:
    if said.mask & Word.ATTACK:
        _raise(scores, "harassment", 0.85)
    if said.mask & Word.INSULT:
        for begin, _ in said.spans(Word.INSULT):
            _raise(scores, "harassment", _insult_score(said, begin))
    if said.mask & Word.WEAK_INSULT:
        for begin, _ in said.spans(Word.WEAK_INSULT):
            if _is_said_of(said, begin, Word.SECOND) and not said.mask & Word.POSITIVE:
                _raise(scores, "harassment", 0.65)
    if said.mask & (Word.INSULT | Word.WEAK_INSULT) and not said.mask & Word.SELF and said.count(Word.INSULT | Word.WEAK_INSULT) >= 2:
        _raise(scores, "harassment", 0.55)


def _insult_score(said: Classified, begin: int) -> float:
    if _is_about_self(said, begin):
        return 0.15
    before = [(first, last) for first, last in said.spans(Word.SECOND) if begin - 5 <= last <= begin]
    if before and not _is_denied(said, before[-1][0], begin):
        return 0.85 if _is_said_of(said, begin, Word.SECOND) else 0.6
    if _is_said_of(said, begin, Word.PERSON):
        return 0.6
    if not said.mask & Word.CLINICAL and (_is_told_of_a_person(said, begin) or _is_a_call(said, begin)):
        return 0.55
    if len(said.words) <= 3 or (
        begin + 1 < len(said.words)
        and said.words[begin + 1] in {"you", "bot", "robot", "machine", "ai", "assistant", "people", "company", "airline"}
    ):
        return 0.6
    return 0.3


def _is_a_call(said: Classified, begin: int) -> bool:
    """Whether a word stands at the end as somebody is called: "Stop wasting my time, imbecile." """
    return said.words[begin] in _NOUNS and begin == len(said.words) - 1 and said.words[begin - 1] not in _ARTICLES


def _is_told_of_a_person(said: Classified, begin: int) -> bool:
    """Whether "the president is (some words) …" stands before a word."""
    for first, last in said.spans(Word.PERSON):
        if last < begin <= last + 6 and said.words[last] in _COPULA and not _is_denied(said, first, begin):
            return True
    return False


def _is_said_of(said: Classified, begin: int, who: int) -> bool:
    """Whether "you are (such a) …" or "you …" stands right before a word, with nothing but fillers between."""
    index = begin - 1
    steps = 0
    while index >= 0 and steps < 7 and (said.words[index] in _FILLERS or said.words[index] in _COPULA):
        if said.words[index] in {"you're", "youre", "ur"} and who == Word.SECOND:
            return True
        if said.words[index] in {"he's", "she's", "they're"} and who == Word.PERSON:
            return True
        index -= 1
        steps += 1
    if index < 0:
        return False
    if who == Word.PERSON and steps == 0:
        return False
    return any(last == index + 1 for _, last in said.spans(who)) and said.words[index] not in {"your", "his", "their"}


def _profanity(said: Classified, scores: Scores) -> None:
    if not said.mask & Word.PROFANITY:
        return
    is_aimed = _follows(said, Word.PROFANITY, Word.SECOND, 1) or _follows(said, Word.SECOND, Word.PROFANITY, 1)
    _raise(scores, "harassment", 0.6 if is_aimed else 0.35)
    if said.mask & Word.GROUP and _follows(said, Word.PROFANITY, Word.GROUP, 1):
        _raise(scores, "hate", 0.7)


def _hate(said: Classified, scores: Scores) -> None:
    if not said.mask & Word.GROUP:
        return
    for first, last in said.spans(Word.GROUP):
        for begin, _ in said.spans(Word.DEHUMANISE):
            between = said.words[last : begin + 1]
            if (
                last <= begin <= last + 6
                and (not between or _COPULA & set(between) or begin - last <= 1)
                and not _is_denied_about(said, first, begin)
            ):
                _raise(scores, "hate", 0.8)
            elif begin < first <= begin + 2:
                _raise(scores, "hate", 0.65)
    for begin, last in said.spans(Word.HATE_VERB):
        near = [first for first, _ in said.spans(Word.GROUP) if last <= first <= last + 3]
        if not near or _NOT_OF_PEOPLE & set(said.words[last : near[0] + 2]) or _is_denied(said, max(0, begin - 3), begin):
            continue
        is_statement = said.words[begin] not in _NO_STATEMENTS
        if (begin == 0 and is_statement) or _SUBJECTS & set(said.words[max(0, begin - 3) : begin]):
            _raise(scores, "hate", 0.8)


def _is_denied_about(said: Classified, first: int, begin: int) -> bool:
    if any(said.words[index] in _OPINIONS and _is_denied(said, max(0, index - 2), index + 1) for index in range(max(0, first - 4), first)):
        return True
    phrases_begin = any(start == begin and last - start > 1 for start, last in said.spans(Word.DEHUMANISE))
    return not phrases_begin and _is_denied(said, max(0, first - 2), begin)


def _threat_phrases(said: Classified, scores: Scores) -> None:
    if said.mask & Word.THREAT:
        _raise(scores, "harassment/threatening", 0.75)
        _raise(scores, "violence", 0.75)


def _threats(said: Classified, scores: Scores) -> None:
    if not said.mask & Word.HARM or said.mask & Word.FIGURATIVE:
        return
    for begin, last in said.spans(Word.HARM):
        wish = [first for first, _ in said.spans(Word.WISH) if begin - 8 <= first <= begin]
        if _is_denied(said, wish[0] if wish else max(0, begin - 3), begin):
            continue
        near = range(max(0, begin - 7), last + 5)
        has_group = any(first in near for first, _ in said.spans(Word.GROUP))
        has_second = (
            any(first in range(last - 1, last + 3) for first, _ in said.spans(Word.SECOND))
            or "you" in said.words[max(0, begin - 5) : begin]
        )
        has_person = any(first in near for first, _ in said.spans(Word.PERSON))
        is_order = begin <= 1 and (last >= len(said.words) or bool(_EVERY & set(said.words[last : last + 2])))
        if last < len(said.words) and said.words[last] in {"me", "us"}:
            continue
        if _GAMES & set(said.words[last : last + 3]) and said.words[begin] in {"beat", "kill", "crush", "destroy"}:
            continue
        if has_group and (wish or is_order):
            _raise(scores, "hate", 0.9)
            _raise(scores, "hate/threatening", 0.9)
            _raise(scores, "violence", 0.8)
        elif wish and has_second:
            _raise(scores, "harassment", 0.85)
            _raise(scores, "harassment/threatening", 0.85)
            _raise(scores, "violence", 0.7)
        elif wish and has_person:
            _raise(scores, "violence", 0.65)
            _raise(scores, "harassment/threatening", 0.55)
        elif has_person:
            _raise(scores, "violence", 0.3)


def _self_harm(said: Classified, scores: Scores) -> None:
    if not said.mask & Word.SELF_HARM:
        return
    words = {" ".join(said.words[first:last]) for first, last in said.spans(Word.SELF_HARM)}
    is_of_self = any(
        "my" in each.split()
        or "myself" in each
        or each.startswith(("want to die", "wanna die", "wish i", "don't want", "no longer", "end it", "no reason"))
        for each in words
    )
    is_prevented = bool(said.mask & (Word.PREVENTING | Word.FIGURATIVE))
    if said.mask & Word.REQUEST and not is_prevented:
        _raise(scores, "self-harm/instructions", 0.7)
        _raise(scores, "self-harm", 0.75)
    if is_of_self or _follows(said, Word.SELF, Word.SELF_HARM, 3):
        _raise(scores, "self-harm", 0.45 if is_prevented else 0.85)
        _raise(scores, "self-harm/intent", 0.4 if is_prevented else 0.85)
    elif "kill yourself" in words:
        _raise(scores, "self-harm", 0.6)
        _raise(scores, "harassment", 0.85)
    else:
        _raise(scores, "self-harm", 0.25 if is_prevented else 0.4)


def _sexual(said: Classified, scores: Scores) -> None:
    if not said.mask & (Word.SEXUAL | Word.EXPLICIT):
        return
    points = said.count(Word.SEXUAL) + said.count(Word.EXPLICIT)
    if said.mask & Word.CLINICAL:
        points -= 2
    if said.mask & Word.REQUEST and said.mask & Word.SEXUAL:
        points += 1
    score = (0.0, 0.2, 0.5, 0.7, 0.85)[max(0, min(4, points))]
    if score:
        _raise(scores, "sexual", score)
    if points >= 1 and said.mask & Word.MINOR and not said.mask & (Word.PREVENTING | Word.QUOTED | Word.CLINICAL):
        _raise(scores, "sexual", max(score, 0.6))
        _raise(scores, "sexual/minors", 0.85)


def _graphic(said: Classified, scores: Scores) -> None:
    points = said.count(Word.GRAPHIC) if said.mask & Word.GRAPHIC else 0
    if points and said.mask & Word.HARM and said.mask & Word.REQUEST:
        points += 1
    if points and said.mask & (Word.CLINICAL | Word.FIGURATIVE):
        points -= 1
    if points >= 2:
        _raise(scores, "violence/graphic", 0.55 if points == 2 else 0.8)
        _raise(scores, "violence", 0.6 if points == 2 else 0.85)


def _illicit(said: Classified, scores: Scores) -> None:
    if not (said.mask & Word.ILLICIT and said.mask & Word.REQUEST) or said.mask & (Word.PREVENTING | Word.QUOTED):
        return
    if _follows(said, Word.REQUEST, Word.ILLICIT, 8):
        _raise(scores, "illicit", 0.7)
        if said.mask & Word.VIOLENT_GOODS:
            _raise(scores, "illicit/violent", 0.7)


_RULES: Final[tuple[Callable[[Classified, Scores], None], ...]] = (
    _slurs,
    _insults,
    _profanity,
    _hate,
    _threat_phrases,
    _threats,
    _self_harm,
    _sexual,
    _graphic,
    _illicit,
)
