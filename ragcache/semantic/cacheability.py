"""
Which questions may be answered from the cache at all, by what they say.

Rules: four kinds, the strictest first: `never`, `exact` (the same words only), `thread` (only within an equal conversation), `semantic`.
What depends on the moment, on who asks, or on one record is never shared by likeness. When in doubt, the stricter kind.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from ragcache.semantic.reading import read
from ragcache.semantic.words import word_set

Kind = Literal["never", "exact", "thread", "semantic"]

MAX_TOKENS: Final = 80
"""LLM tokens of a question that is still compared: longer ones cost more to embed than they ever save."""
_MAX_CHARACTERS: Final = 600

_NOW: Final = re.compile(
    r"\b(?:right now|just now|at the moment|at this moment|as of now|up[- ]to[- ]date|real[- ]?time|latest|newest"
    r"|most recent(?:ly)?|breaking news|live (?:\w+ ){0,2}(?:scores?|prices?|rates?|status|data|feeds?|traffic|results?)|currently|"
    r"today(?:'s)?|tonight(?:'s)?|yesterday(?:'s)?|tomorrow(?:'s)?|happening now|nowadays|so far)\b|\bnow\b(?=\W*$)"
    r"|\bnow\b(?= for)|\bcurrent\b(?! account\b)",
    re.IGNORECASE,
)
_PERIOD: Final = r"\bthis (?:week|month|year|morning|quarter)|last (?:night|week)|past (?:day|week|month|hour)s?\b"
_RECORDS: Final = (
    r"\b(?:show|list|top|errors?|logs?|transactions?|logins?|log-?in attempts|revenue|sales|incidents?"
    r"|posted|sent|changed|deployed|happened|appeared)\b"
)
_PERIOD_OF_RECORDS: Final = re.compile(rf"\A(?=.*(?:{_PERIOD}))(?=.*{_RECORDS})", re.IGNORECASE | re.DOTALL)
_CHANGES: Final = re.compile(
    r"^(?:(?:please|pls|can you|could you|now|ok|okay|hey|hi)\b[\s,]*)*"
    r"(?:delete|cancel|update|switch|restart|reboot|reset|rotate|revoke|remove|change|apply|recreate|redeploy|deploy|fix|book"
    r"|reserve|order|buy|send|pay|transfer|refund|"
    r"schedule|reschedule|create|add|enable|disable|assign|approve|reject|submit|upgrade|downgrade|unsubscribe|subscribe"
    r"|turn (?:on|off)|stop|start|run|rerun|retry|close|reopen|merge|revert|roll back|reroute)\b",
    re.IGNORECASE,
)
_ASKS_HOW: Final = re.compile(r"\b(?:how|what|why|when|where|which|who|explain|steps?|guide|tutorial|example|difference)\b", re.IGNORECASE)
_OWN_DATA: Final = re.compile(
    r"\b(?:my|our)\s+(?:\w+\s+){0,3}?(?:orders?|packages?|parcels?|shipments?|deliver(?:y|ies)|invoices?|bills?|balances?"
    r"|statements?|transactions?|payments?|refunds?|"
    r"cases?|tickets?|claims?|incidents?|jobs?|reading|readings?|levels?|results?|records?|appointments?|subscriptions?|usage"
    r"|revenue|calendar|emails?|messages?|files?|"
    r"documents?|team|workspace|project|account|plan|status|order status|prescription|blood|history|score|grades?|salary|schedule"
    r"|flights?|bookings?|reservations?|tests?|labs?)\b",
    re.IGNORECASE,
)
_FETCH: Final = re.compile(
    r"^(?:please\s+)?(?:show|check|get|give|find|list|what(?:'s| is| are| was| were)|where(?:'s| is| are)|did|has|have|is|are"
    r"|when (?:will|is|does)|track|look ?up|fetch|pull|read|open|retrieve|tell)\b",
    re.IGNORECASE,
)
_SYMPTOMS: Final = re.compile(
    r"\bI(?:'ve| have|'m| am)\b.*\b(?:headache|pain|fever|cough|symptoms?|vision|rash|nausea|dizzy|pregnant|mg|dose)\b",
    re.IGNORECASE | re.DOTALL,
)
_RECORD_ID: Final = re.compile(
    r"\b(?:order|ticket|case|invoice|incident|account|customer|contract|patient|user|host|server|uuid|tracking|claim|policy"
    r"|booking|transaction|serial|id|request|ref(?:erence)?)\b"
    r"(?:\s+(?:id|no|number|nr))?\s*[:#.]?\s*#?(?=[\w.-]*\d)[\w.@-]+",
    re.IGNORECASE,
)
_IDENTIFIER: Final = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+|\b[0-9a-f]{8}-[0-9a-f]{4}-|#[A-Z]*\d{3,}|\b[A-Z]{2,6}-\d{3,}|\b[A-Z]\d{3,}\b"
    r"|(?<![\d.,$€£₹])\b\d{6,}\b(?![,.]\d)|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    r"|\b[\w-]+(?:\.[\w-]+)+\.(?:com|net|org|local|internal)\b|\b[0-9a-f]{16,}\b"
)
_PERSON_RECORD: Final = re.compile(
    r"\b(?:discharge summary|medical record|chart|lab results?|file|profile|record)s? (?:for|of) [A-Z][a-z]+ [A-Z][a-z]+"
)
_CODE: Final = re.compile(
    r"```|^\s{4,}\S|[{};]\s*$|\b(?:def|class|function|import|SELECT|INSERT|#include)\s+[\w*{(]+.*[(){};:]|=>|</\w+>|\w+\(\w*\)\s*[;{:]",
    re.MULTILINE,
)
_INSTRUCTION: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override) (?:\w+ ){0,3}(?:previous|prior|above|earlier|instructions?|rules?|prompt)\b|\b(?:when"
    r"|if|whenever|every time) (?:\w+ ){0,4}(?:asked|asks|ask)\b"
    r"|\b(?:reply|respond|answer|say|output|print|return|repeat)\s+(?:only\s+|exactly\s+|always\s+|just\s+|back\s+)*(?:with"
    r"|exactly|the following|that|:|[\"'“])|\byou (?:must|are now|will now|should now)\b|\bsystem prompt\b"
    r"|\bfrom now on\b|\bpretend\b|\bact as\b|\balways (?:say|answer|reply|respond|recommend)\b",
    re.IGNORECASE,
)
_DISPUTE: Final = re.compile(
    r"^(?:\W*(?:what|huh|wait|seriously|really|come on|ugh|nope|duh|no|hmm|wow|ok|okay|yes|sure|thanks|please|again)\b\W*)+$"
    r"|\b(?:that|this|it|you|answer|something)(?:'s| is|'re| are| was| were| can't be| seems| looks| got that"
    r"| doesn't seem)?\s*(?:looks |seems |be )?(?:wrong|incorrect|off|not right|right)\b"
    r"|\btry again\b|\b(?:retry|redo|recheck|double[- ]check)\b|\banother try\b|\b(?:makes? no|doesn't make) sense\b"
    r"|\bnot what i asked\b|\bmissed the point\b|^(?:incorrect|wrong)\b|\bare you sure\b"
    r"|\bdon't think that's\b|\bdoesn't (?:seem|sound|match)\b",
    re.IGNORECASE,
)
_LETTERS: Final = re.compile(r"[^\W\d_]")
_FOREIGN: Final = word_set(
    "der die das und ist nicht ich wie ein eine mit für auf le la les des est une pas je que pour dans comment pourquoi "
    "el los las una es como para por qué cómo "
    "con del il che di non sono come perché um uma não como para het een niet hoe wat jag är och hur"
)
_ENGLISH: Final = word_set(
    "the a an is are was do does did can how what why when where who which of to in on for and or my your i you it with be not "
    "should would could show find list explain tell give get does best between if that this from about have has will at by")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cacheability:
    """`reason` is a word for traces and metrics, "" for what is `semantic`."""

    kind: Kind
    reason: str = ""


_SEMANTIC: Final = Cacheability("semantic")


def judge_question(text: str) -> Cacheability:
    """
    Return how the answer to a question, the last one of its conversation, may be given again.

    Cost: 40 us for a question; a text of more than 600 characters is not read at all (`exact`). Never raises.
    """
    text = text.strip()
    if len(text) > _MAX_CHARACTERS or count_pieces(text) > MAX_TOKENS:
        return Cacheability("exact", "long")
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    for rule in (_never, _exact, _thread):
        verdict = rule(text)
        if verdict is not None:
            return verdict
    return _SEMANTIC


def count_pieces(text: str) -> int:
    """Return about how many LLM tokens a text has, without a tokenizer: words, one for each six letters more, and signs."""
    return sum(1 + (len(each) - 1) // 7 if each[0].isalnum() else 1 for each in re.findall(r"\w+|[^\w\s]", text))


def _never(text: str) -> Cacheability | None:
    if _INSTRUCTION.search(text):
        return Cacheability("never", "instruction")
    if _NOW.search(text) or _PERIOD_OF_RECORDS.search(text):
        return Cacheability("never", "freshness")
    if _CHANGES.search(text) and not _ASKS_HOW.search(text):
        return Cacheability("never", "action")
    if (_FETCH.search(text) and _OWN_DATA.search(text)) or _SYMPTOMS.search(text):
        return Cacheability("never", "personal")
    return None


def _exact(text: str) -> Cacheability | None:
    if _RECORD_ID.search(text) or _IDENTIFIER.search(text) or _PERSON_RECORD.search(text):
        return Cacheability("exact", "identifier")
    if _CODE.search(text):
        return Cacheability("exact", "code")
    return Cacheability("exact", "language") if not is_english(text) else None


def _thread(text: str) -> Cacheability | None:
    if _DISPUTE.search(text):
        return Cacheability("thread", "dispute")
    if _REFERS.search(text):
        return Cacheability("thread", "reference")
    if text.count(" ") > _SHORT_SPACES_COUNT and not _POINTING.search(text):
        return None
    reading = read(text)
    if not reading.content and not reading.codes:
        return Cacheability("thread", "no content")
    pointing = _POINTING.search(
        text if len(reading.content) < 2 else _EXPLETIVE.sub(" ", text)
    )  # "how long does it take" says nothing else
    first = reading.content[0].begin if reading.content else len(text)
    is_bare = len(reading.content) < _LEAST_CONTENT_COUNT
    return Cacheability("thread", "reference") if pointing and (is_bare or pointing.start() < first) else None


_LEAST_CONTENT_COUNT: Final = 3
_SHORT_SPACES_COUNT: Final = 4
_REFERS: Final = re.compile(
    r"^(?:and|but|or|also|now|no|yes|instead|same|go back|try the|use the|keep|make it|what about|how about)\b|^the (?:first"
    r"|second|third|last|other|next)\b"
    r"|\b(?:do|did|does) (?:it|that|this|the) same\b|\bthe same as before\b|\b(?:re-?run|do|try|repeat) (?:it|that|this|again)\b"
    r"|\bthat (?:one|order|customer|user|query|case)\b"
    r"|\bin that (?:order|case|list)\b|\binstead$|^use \w+(?: \w+){0,2} instead\b|\bthe (?:first|second|third|last|other|next"
    r"|previous|earlier) (?:one|option|item|point)\b"
    r"|^the \w+ already\b|\bdoes that change\b",
    re.IGNORECASE,
)
_POINTING: Final = re.compile(r"\b(?:it|its|that|this|these|those|they|them|their|he|she|his|there|ones?)\b", re.IGNORECASE)
_EXPLETIVE: Final = re.compile(
    r"\b(?:is|was|would|will|should|can|does) it(?: (?:be|really|ever|still|even|a|an|\w+)){1,4} (?:to|for|that|if|when|how|not"
    r"|since)\b|\bit (?:is|was|would be) \w+ (?:to|for|that|if)\b"
    r"|\bis it (?:like|true|possible|ok|okay|worth|safe|legal|normal|bad|good|better|illegal)\b|\b(?:does|do|did|would|will"
    r"|can) (?:it|that|this) (?:take|feel|mean|cost|matter)\b"
    r"|\b(?:is|are|was|were|will) there\b|\bthere (?:is|are|was|were|any)\b|\b(?:think|believe|say|said|know|way|so|things?|facts?"
    r"|people|ones?|anything|something|true) that\b"
    r"|\bthis (?:year|month|week|world|life)\b|\b(?:is|what's) (?:this|that) (?=[a-z]+)",
    re.IGNORECASE,
)


def is_english(text: str) -> bool:
    """
    Return whether a text may be English: Latin letters, and not more words of other languages than of English.

    The models of the look-up know English; in other languages likeness means nothing.
    """
    letters = _LETTERS.findall(text)
    if sum(each > "ɏ" for each in letters) * 10 > len(letters):
        return False
    words = text.casefold().split()
    foreign, english = sum(word.strip("¿¡?!.,") in _FOREIGN for word in words), sum(word.strip("?!.,'") in _ENGLISH for word in words)
    return foreign <= english or foreign < 2
