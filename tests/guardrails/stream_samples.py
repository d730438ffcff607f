# ruff: noqa: E501 (samples, one a line)
"""Rules of the shapes that streams meet, texts that contain them, and redaction of whole texts written a second time, plainly."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import re2

from guardrails.engine.stream_policy import StreamRule
from guardrails.engine.words import is_at_word_edges
from guardrails.patterns import Candidate, Pattern
from guardrails.views import fold

BODY = r"[A-Za-z0-9+/=\s]"
PEM = r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----" + f"{BODY}{{0,1000}}" * 6 + r"(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
WORDS = ("project falcon", "falcon", "acme corp", "acme", "initech", "größe", "tokyo drift", "an an", "umbrella-x")


def is_luhn(candidate: Candidate) -> bool:
    digits = [int(each) for each in candidate.value if each.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return total % 10 == 0


def is_iban(candidate: Candidate) -> bool:
    plain = candidate.value.replace(" ", "").upper()
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def is_near_account(candidate: Candidate) -> bool:
    return "account" in candidate.left[-40:].lower() and candidate.right != "%"


def keyword(text: str) -> Pattern:
    return Pattern(f"word {text}", "KEYWORD", re2.escape(text), is_caseless=True, is_word=True)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("email", "EMAIL", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}", triggers=(r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]",)),
    Pattern("card", "CARD", r"\d(?:[ -]?\d){11,18}", triggers=(r"\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d",), is_word=True, is_valid=is_luhn),
    Pattern("phone", "PHONE", r"(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4}", is_word=True),
    Pattern("ssn", "SSN", r"\b\d{3}-\d{2}-\d{4}\b", triggers=(r"\d{3}-\d\d-\d{4}",)),
    Pattern("iban", "IBAN", r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", triggers=(r"[A-Z]{2}\d{2} ?[A-Z0-9]",), is_word=True, is_valid=is_iban),
    Pattern("jwt", "JWT", r"eyJ[A-Za-z0-9_-]{10,500}\.[A-Za-z0-9_-]{10,900}\.[A-Za-z0-9_-]{0,500}", triggers=(r"eyJ[A-Za-z0-9_-]{5}",)),
    Pattern("aws", "AWS_KEY", r"(?:AKIA|ASIA)[A-Z0-9]{16}", triggers=(r"A[KS]IA[A-Z0-9]{4}",), is_word=True),
    Pattern("openai", "API_KEY", r"sk-(?:proj-)?[A-Za-z0-9_-]{20,120}"),
    Pattern("pem", "PRIVATE_KEY", PEM, triggers=(r"-----BEGIN",)),
    Pattern("assigned", "SECRET", r"(?i)(?:password|secret|api_?key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"']{6,64})", group=1),
    Pattern("basic", "AUTH", r"authorization:\s{0,4}basic\s{1,4}([A-Za-z0-9+/=]{8,200})", group=1, is_caseless=True),
    Pattern("account", "ACCOUNT", r"\d{8,12}", is_word=True, is_valid=is_near_account),
    Pattern("quoted", "QUOTE", r"<<.{1,40}>>"),
    Pattern("last", "LAST", r"the end$"),
    *(keyword(each) for each in WORDS),
)  # fmt: skip

RULES = tuple(StreamRule(each, "redact", each.name) for each in PATTERNS)

KEY_108 = "sk-proj-" + "aB3dE5gH7jK9mN1pQ2sT4vW6xY8z_-" * 3 + "aB3dE5gH7j"
PEM_841 = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(
    "MIIEpAIBAAKCAQEA7f9Kx2Qw1Zs8Lm4Nb6Vc3Xd5Fg7Hj9Kp0Qr2St4Uv6Wx8Yz" for _ in range(12)
)
PEM_841 = (PEM_841 + "\n" + "A" * 2000)[: 841 - 30] + "\n-----END RSA PRIVATE KEY-----"


def redact_whole(text: str, rules: Sequence[StreamRule]) -> str:
    """Pattern by pattern over the whole view, then one edit for each union of overlapping spans, with the label of the longest."""
    view = fold(text)
    spans: list[tuple[int, int, str]] = []
    for rule in rules:
        pattern = rule.pattern
        options = re2.Options()
        options.case_sensitive = not pattern.is_caseless
        at = 0
        data = view.data
        compiled = _compiled(pattern.expression, pattern.is_caseless)
        while (found := compiled.search(data, at)) is not None:
            at = found.end()
            start, end = len(data[: found.start()].decode()), len(data[: found.end()].decode())
            if pattern.is_word and not is_at_word_edges(view.text, start, end):
                continue
            first, last = found.span(pattern.group)
            first, last = len(data[:first].decode()), len(data[:last].decode())
            candidate = Candidate(
                view.text[first:last], view.text[start:end], view.text[max(0, start - 80) : start], view.text[end : end + 1]
            )
            if pattern.is_valid is not None and not pattern.is_valid(candidate):
                continue
            first, last = view.original_span(first, last)
            spans.append((first, last, pattern.label))
    return _replaced(text, sorted(spans))


_CACHE: dict[tuple[str, bool], re2._Regexp] = {}


def _compiled(expression: str, is_caseless: bool) -> re2._Regexp:
    if (expression, is_caseless) not in _CACHE:
        options = re2.Options()
        options.case_sensitive = not is_caseless
        options.max_mem = 8 << 20
        options.log_errors = False
        _CACHE[expression, is_caseless] = re2.compile(expression.encode(), options)
    return _CACHE[expression, is_caseless]


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> str:
    groups: list[list[tuple[int, int, str]]] = []
    end = 0
    for span in spans:
        if groups and span[0] < end:
            groups[-1].append(span)
        else:
            groups.append([span])
            end = 0
        end = max(end, span[1])
    for group in reversed(groups):
        longest = max(group, key=lambda each: (each[1] - each[0], -each[0]))
        text = f"{text[: group[0][0]]}[{longest[2]}]{text[max(each[1] for each in group) :]}"
    return text


def _digits(source: random.Random, count: int) -> str:
    return "".join(source.choice("0123456789") for _ in range(count))


def _letters(source: random.Random, count: int, letters: str = "abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789_-") -> str:
    return "".join(source.choice(letters) for _ in range(count))


def _mixed_case(source: random.Random, text: str) -> str:
    return "".join(source.choice((each.lower(), each.upper())) for each in text)


_PROSE = "the a of to and write quick model answer café naïve it is Paris said I go on that in end project tokyo an acmes 12 3.5 (see"

PIECES: tuple[Callable[[random.Random], str], ...] = (
    lambda source: " ".join(source.choice(_PROSE.split()) for _ in range(source.randint(1, 8))),
    lambda source: f"{_letters(source, source.randint(1, 9))}@{_letters(source, source.randint(1, 6), 'abcx')}.{source.choice(('com', 'org.uk', 'x', 'c'))}",
    lambda source: source.choice(("4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "4012888888881881 7", "378282246310005")),
    lambda source: _digits(source, source.choice((3, 9, 10, 12, 13, 16, 19, 25, 40))),
    lambda source: f"{_digits(source, 3)}-{_digits(source, source.choice((2, 3)))}-{_digits(source, source.choice((4, 4, 5)))}",
    lambda source: source.choice(("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR14 2004 1010 0505 0001 3M02 606", "XX12 ABCD EFGH 1234 HELLO WORLD")),
    lambda source: f"eyJ{_letters(source, source.randint(3, 60))}.{_letters(source, source.randint(5, 40))}.{_letters(source, source.randint(0, 30))}",
    lambda source: source.choice(("AKIA", "ASIA", "akia")) + _letters(source, source.choice((12, 16, 17)), "ABCDEFGHIJ234567"),
    lambda source: "sk-" + source.choice(("", "proj-", "pro")) + _letters(source, source.choice((5, 19, 20, 48, 100, 130))),
    lambda source: "-----BEGIN RSA PRIVATE KEY-----\n" + _letters(source, source.randint(0, 300), "ABCabc019+/=\n") + source.choice(("", "\n-----END RSA PRIVATE KEY-----", "\n-----END", ". ")),
    lambda source: f"{_mixed_case(source, source.choice(('password', 'secret', 'api_key', 'apikey')))}{source.choice((': ', '=', ' = ', ' is ', chr(34) + ': ' + chr(34)))}{_letters(source, source.randint(3, 70))}",
    lambda source: f"{_mixed_case(source, 'authorization')}: {_mixed_case(source, 'basic')} {_letters(source, source.randint(4, 60))}==",
    lambda source: f"account {_digits(source, source.choice((7, 8, 12)))}{source.choice(('', '%', '.'))}",
    lambda source: source.choice(("the end", "The end", "the ending", "-----", "-----BEGIN ", "eyJ", "AKI", "Authorization", "sk-", "secret", "<<", ">>")),
    lambda source: f"<<{_letters(source, source.randint(1, 45), 'ab é>')}>>",
    lambda source: _mixed_case(source, source.choice(WORDS)),
    lambda source: source.choice(WORDS) + source.choice(("", "s", "x", "é", "\u0301", "_")),
    lambda source: source.choice(("\u200b", "\u00ad", "ｆａｌｃｏｎ", "ﬁ", "é", "日本語", "🙂", "\ud83d", "\x00", "’", "４１１１ １１１１ １１１１ １１１１", "𝗮𝗰𝗺𝗲", "م‌ی", "①")),
)  # fmt: skip
_GLUE = (" ", " ", " ", "", "", "\n", ", ", ". ", "-", "/", "_", "@", ":", "=", "\u200b")


def random_text(source: random.Random, most: int = 12) -> str:
    return "".join(source.choice(PIECES)(source) + source.choice(_GLUE) for _ in range(source.randint(1, most)))


def random_pieces(source: random.Random, text: str) -> list[str]:
    """Cut a text anywhere, in one of three manners: characters, tokens, large pieces with empty ones between."""
    most = source.choice((1, 4, 9, 16, 80))
    pieces: list[str] = []
    at = 0
    while at < len(text):
        count = source.randint(0 if source.random() < 0.1 else 1, most)
        pieces.append(text[at : at + count])
        at += count
    return pieces
