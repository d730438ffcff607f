"""Cards, accounts and banks."""

from __future__ import annotations

from guardrails.detectors.pii_kinds.context import Words, words_before
from guardrails.detectors.pii_kinds.kind import PAIR, Kind, Shape, compact, is_isolated, plain, run, written
from guardrails.patterns import Candidate
from guardrails.validators import finance

_CARD_WORDS = Words(
    "card* cc ccn credit* debit* visa mastercard* master amex american_express maestro discover diners jcb unionpay pan payment* carte* "
    "tarjeta* karte* kreditkarte* kart* carta cartao creditcard* charge billing"
)
_OTHER_WORDS = Words(
    "tracking* isbn* ean ean13 gtin* upc barcode* timestamp* epoch unix order* invoice* imei iccid serial* parcel* shipment* uuid"
)
_CARD_LONG = r"\b\d{4}[ .-]{1,3}\d{4}[ .-]{1,3}\d{4}[ .-]{1,3}\d{4}\b"


def _is_card(candidate: Candidate) -> bool:
    """A known issuer and the checksum; beside words for cards any issuer. A longer number, or an order's, is no card."""
    digits = compact(candidate.value)
    if not finance.is_card_checksum(digits):
        return False
    before = words_before(candidate.left)
    about_card = _CARD_WORDS.last(before)
    if about_card >= 0 and about_card >= _OTHER_WORDS.last(before):
        return True
    return finance.has_card_issuer(digits) and is_isolated(candidate) and not _OTHER_WORDS.are_in(before)


def _is_named_card(candidate: Candidate) -> bool:
    """Digits in groups that no issuer uses: only beside words for cards."""
    return _CARD_WORDS.are_in(words_before(candidate.left)) and _is_card(candidate)


def _iban_expression() -> str:
    options = []
    for length, countries in finance.IBAN_COUNTRIES:
        groups, rest = divmod(length - 4, 4)
        tail = rf"[ -]?[a-z0-9]{{{rest}}}" if rest else ""
        options.append(rf"(?:{'|'.join(countries)})\d\d(?:[ -]?[a-z0-9]{{4}}){{{groups}}}{tail}".lower())
    return rf"\b(?i:{'|'.join(options)})\b"


KINDS = (
    Kind(
        "credit_card",
        "banking",
        (
            Shape(r"\b\d{12,19}\b", (run(12),), "nothing", judge=_is_card, score=1.0),
            Shape(_CARD_LONG, (r"\d{4}[ .-]{1,3}\d{4}[ .-]",), "nothing", judge=_is_card, score=1.0),
            Shape(r"\b\d{4}[ .-]{1,3}\d{6}[ .-]{1,3}\d{4,5}\b", (r"\d{4}[ .-]{1,3}\d{6}[ .-]",), "nothing", judge=_is_card, score=1.0),
            Shape(r"\b\d{4}(?:[ -]\d{4}){2}(?:[ -]\d{4})?(?:[ -]\d{1,3})?\b", (r"\d{4}[ -]\d{4}[ -]\d{4}",), "nothing", judge=_is_card),
            Shape(r"\b\d(?:[ -]?\d){11,18}\b", (r"\d(?:[ -]?\d){11}",), "named", judge=_is_named_card, words=_CARD_WORDS),
        ),
        "Payment card number",
    ),
    Kind(
        "card_security_code",
        "banking",
        (
            Shape(
                r"\b(?i:cvv2?|cvc2?|card security code|card verification (?:code|value))[ :#=-]{1,3}(?:(?i:is|code|number)[ "
                r":#=-]{1,3}){0,2}(\d{3,4})\b",
                (r"(?i:cvv|cvc|card security code|card verification)",),
                "nothing",
                judge=lambda candidate: True,
                group=1,
            ),
        ),
        "Security code of a payment card",
    ),
    Kind(
        "iban",
        "banking",
        (Shape(_iban_expression(), (r"\b[A-Za-z]{2}\d\d[ -]?[A-Za-z0-9]{4}",), "nothing", finance.is_iban, score=1.0),),
        "International bank account number",
    ),
    Kind(
        "bic",
        "banking",
        (written(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", "named", finance.is_bic, trigger=r"[A-Z]{6}[A-Z0-9]{2}"),),
        "Bank identifier code",
        words="bic swift* bank_identifier* swift_code*",
    ),
    Kind(
        "us_bank_routing",
        "banking",
        (
            plain(9, "own", finance.is_aba),
            written(r"\d{4}-\d{4}-\d", "own", finance.is_aba),
        ),
        "ABA routing number",
        "us",
        "aba routing* rtn transit* ach wire bank_routing*",
    ),
    Kind(
        "bank_account",
        "banking",
        (
            written(r"\d{6,17}", "named", trigger=run(6), score=0.6),
            written(r"\d{2,4}(?:[ -]\d{2,6}){1,4}", "named", trigger=PAIR, score=0.5),
        ),
        "Bank account number",
        words="account_n* account acct* bank_account* checking* savings* konto* kontonummer* cuenta* compte* conto rekening*",
    ),
    Kind(
        "gb_sort_code",
        "banking",
        (written(r"\d\d-\d\d-\d\d", "named", trigger=PAIR, score=0.8),),
        "UK sort code",
        "gb",
        "sort_code* sort sortcode*",
    ),
    Kind(
        "au_bsb", "banking", (written(r"\d{3}-\d{3}", "named", trigger=PAIR, score=0.8),), "Australian bank and branch number", "au", "bsb*"
    ),
    Kind(
        "in_ifsc",
        "banking",
        (written(r"[A-Z]{4}0[A-Z0-9]{6}", "named", trigger=r"[A-Z]{4}0[A-Z0-9]"),),
        "Indian bank branch code",
        "in",
        "ifsc* rtgs neft",
    ),
    Kind("mx_clabe", "banking", (plain(18, "own", finance.is_clabe),), "Mexican bank account", "mx", "clabe* interbancaria* cuenta*"),
    Kind("ar_cbu", "banking", (plain(22, "soft", finance.is_cbu),), "Argentine bank account", "ar", "cbu* cvu* cuenta* account*"),
)
