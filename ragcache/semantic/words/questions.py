"""Small words that turn an answer: numbers, units, negations, operators, what is asked for and in which tense."""

from __future__ import annotations

import re
from typing import Final

from ragcache.semantic.words import word_set

_COUNTING = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
NUMBER_WORDS: Final = {word: str(value) for value, word in enumerate(_COUNTING.split()) if word and word != "one"} | {
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "twice": "2",
}
SCALES: Final = {
    "hundred": 100, "thousand": 1_000, "k": 1_000, "lakh": 100_000,
    "lakhs": 100_000, "m": 1_000_000, "million": 1_000_000, "crore": 10_000_000,
    "crores": 10_000_000, "bn": 1_000_000_000, "billion": 1_000_000_000, "trillion": 10**12,
}  # fmt: skip
UNITS: Final = {
    spelling: unit
    for unit, spellings in {
        "usd": "$ usd dollar dollars bucks", "eur": "€ eur euro euros", "gbp": "£ gbp sterling", "jpy": "¥ jpy yen",
        "inr": "₹ inr rs rupee rupees",
        "%": "% percent percentage", "kg": "kg kgs kilo kilos kilogram kilograms", "g": "gram grams gm", "mg": "mg",
        "lb": "lb lbs", "oz": "oz ounce ounces",
        "km": "km kms kilometer kilometers kilometre kilometres", "m": "meter meters metre metres",
        "cm": "cm centimeter centimeters", "mm": "mm",
        "mile": "mile miles", "ft": "ft feet foot", "in": "inch inches", "yard": "yard yards", "s": "sec second seconds",
        "min": "min mins minute minutes",
        "h": "hr hrs hour hours", "day": "day days", "week": "week weeks", "month": "month months", "year": "year years yr yrs",
        "gb": "gb gigabyte gigabytes", "mb": "mb megabyte megabytes", "tb": "tb terabyte terabytes", "kb": "kb", "ml": "ml",
        "l": "liter liters litre litres",
        "gallon": "gallon gallons", "c": "celsius", "f": "fahrenheit", "am": "am", "pm": "pm", "mhz": "mhz", "ghz": "ghz",
        "watt": "w watt watts", "v": "volt volts",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
FUSED: Final = re.compile(r"(\d+(?:[.,]\d+)*)([a-z]+)")
NEGATIONS: Final = word_set(
    "not no never none non nothing nobody nowhere neither nor without cannot unable impossible isnt dont cant wont doesnt didnt"
)
NOT_NEGATION: Final = re.compile(r"\bwhether or not\b|\bor not\b|\bwhy not\b|\bnot only\b|\bno matter\b|\bno\.(?=\s*\d)", re.IGNORECASE)
OPERATORS: Final = {
    "only": "only", "except": "except", "besides": "except", "excluding": "except", "until": "until", "till": "until",
    "unless": "unless", "since": "since",
    "before": "before", "after": "after", "without": "without", "instead": "instead", "per": "per", "former": "past",
    "formerly": "past", "simultaneously": "both",
}  # fmt: skip
USED_TO: Final = re.compile(r"\b(?:did\s+(?:\S+\s+){1,4}use\s+to|used\s+to\s+be)\b", re.IGNORECASE)
RELATIVE_DATES: Final = word_set("today tomorrow yesterday tonight now")
DIRECTIONS: Final = word_set("from to into than over before after by versus under above below between")
PAST: Final = word_set("did was were had")
FUTURE: Final = frozenset({"will", "shall"})
ASKS: Final = {
    "who": "who", "whom": "who", "whose": "who", "when": "when", "where": "where", "why": "why", "how": "how", "what": "what",
    "which": "what",
    "what's": "what", "who's": "who", "where's": "where", "when's": "when", "how's": "how", "why's": "why", "whats": "what",
}  # fmt: skip
HOW: Final = {
    "many": "count", "much": "amount", "long": "duration", "old": "age", "far": "distance", "often": "frequency",
    "tall": "height", "big": "size",
    "come": "why", "fast": "speed", "high": "height",
}  # fmt: skip
_CUES: Final = {
    "why": "reason reasons cause causes purpose point causing why makes motive explain come",
    "when": "time date year day month deadline age period era when schedule",
    "where": "place places location site website store city country source where find get online area region app platform address",
    "who": "name person people founder ceo president man woman author inventor actor leader director who owner someone",
    "count": "number amount count total population many",
    "amount": "price cost fee fees amount salary rate charge pricing number much quantity worth pay earn",
    "duration": "time duration length days weeks months years hours period long fast quickly", "age": "age old",
    "distance": "distance far away",
    "frequency": "frequency times often", "height": "height tall high", "size": "size big large", "speed": "speed fast",
}  # fmt: skip
CUE_WORDS: Final = {kind: frozenset(words.split()) for kind, words in _CUES.items()}
MODALS: Final = {
    "can": "can", "could": "can", "may": "can", "should": "should", "ought": "should", "must": "must", "will": "will", "would": "would",
}  # fmt: skip
YES_OPENERS: Final = word_set(
    "is are was were do does did can could should would will has have had am may must shall isn't aren't don't doesn't didn't"
)
