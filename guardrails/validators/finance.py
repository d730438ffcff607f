"""
Numbers of cards, accounts and banks.

Source: ISO/IEC 7812 (cards), ISO 13616 (IBAN), ISO 9362 (BIC), ABA routing numbers, Banxico (CLABE), BCRA (CBU).
"""

from __future__ import annotations

from guardrails.validators.checksums import is_luhn, is_mod_97, is_repeated, weighted

# First number, last number (as many digits each), lengths that the issuer uses.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = tuple(
    (first, last, frozenset(lengths))
    for first, last, lengths in (
        ("4", "4", (13, 16, 18, 19)),  # Visa
        ("51", "55", (16,)),  # Mastercard
        ("2221", "2720", (16,)),  # Mastercard
        ("34", "34", (15,)),  # American Express
        ("37", "37", (15,)),
        ("300", "305", (14, 16, 17, 18, 19)),  # Diners Club
        ("3095", "3095", (14, 16, 17, 18, 19)),
        ("36", "36", (14, 15, 16, 17, 18, 19)),
        ("38", "39", (14, 16, 17, 18, 19)),
        ("3528", "3589", (16, 17, 18, 19)),  # JCB
        ("2131", "2131", (15,)),
        ("1800", "1800", (15,)),
        ("2100", "2100", (15,)),
        ("353", "353", (16,)),  # RuPay
        ("356", "356", (16,)),
        ("60", "60", (16, 17, 18, 19)),  # Discover, RuPay, Hipercard
        ("64", "65", (16, 17, 18, 19)),  # Discover, Troy, Elo
        ("62", "62", (16, 17, 18, 19)),  # UnionPay
        ("81", "82", (16, 17, 18, 19)),  # UnionPay, RuPay
        ("2200", "2205", (16, 17, 18, 19)),  # Mir, Borica
        ("50", "50", (14, 15, 16, 17, 18, 19)),  # Maestro, Dankort, Verve, Elo
        ("56", "58", (14, 15, 16, 17, 18, 19)),  # Maestro
        ("61", "61", (14, 15, 16, 17, 18, 19)),
        ("63", "63", (14, 15, 16, 17, 18, 19)),
        ("66", "69", (14, 15, 16, 17, 18, 19)),
        ("9792", "9792", (16,)),  # Troy
        ("8600", "8600", (16,)),  # UzCard
        ("9860", "9860", (16,)),  # Humo
        ("5018", "5018", (12, 13)),  # Maestro in its short forms
        ("5020", "5020", (12, 13)),
        ("5038", "5038", (12, 13)),
        ("5612", "5612", (12, 13)),
        ("5893", "5893", (12, 13)),
        ("6304", "6304", (12, 13)),
        ("6390", "6390", (12, 13)),
        ("0604", "0604", (12, 13, 16)),
        ("6759", "6759", (12, 13)),
        ("676", "676", (12, 13)),
    )
)

_IBAN_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK MN",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM TL SO",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_COUNTRIES: tuple[tuple[int, tuple[str, ...]], ...] = tuple((length, tuple(codes.split())) for length, codes in _IBAN_LENGTHS.items())
"""How long an account number is, and in which countries. Units: characters, without spaces."""

COUNTRIES = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AQ",
        "AR",
        "AS",
        "AT",
        "AU",
        "AW",
        "AX",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BL",
        "BM",
        "BN",
        "BO",
        "BQ",
        "BR",
        "BS",
        "BT",
        "BV",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CC",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CK",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CX",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "EH",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FK",
        "FM",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GF",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GP",
        "GQ",
        "GR",
        "GS",
        "GT",
        "GU",
        "GW",
        "GY",
        "HK",
        "HM",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IO",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KI",
        "KM",
        "KN",
        "KP",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MF",
        "MG",
        "MH",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MP",
        "MQ",
        "MR",
        "MS",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NF",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NR",
        "NU",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PM",
        "PN",
        "PR",
        "PS",
        "PT",
        "PW",
        "PY",
        "QA",
        "RE",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SH",
        "SI",
        "SJ",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SX",
        "SY",
        "SZ",
        "TC",
        "TD",
        "TF",
        "TG",
        "TH",
        "TJ",
        "TK",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TV",
        "TW",
        "TZ",
        "UA",
        "UG",
        "UM",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VI",
        "VN",
        "VU",
        "WF",
        "WS",
        "XK",
        "YE",
        "YT",
        "ZA",
        "ZM",
        "ZW",
    ]
)
"""ISO 3166 codes, and Kosovo's."""


def is_card(digits: str) -> bool:
    """Whether 12 to 19 digits can be a payment card of a known issuer."""
    return is_card_checksum(digits) and has_card_issuer(digits)


def is_card_checksum(digits: str) -> bool:
    return 12 <= len(digits) <= 19 and is_luhn(digits) and len(set(digits)) > 1


def has_card_issuer(digits: str) -> bool:
    length = len(digits)
    return any(length in lengths and first <= digits[: len(first)] <= last for first, last, lengths in _ISSUERS)


def is_iban(text: str) -> bool:
    """Whether the check digits hold. The country and its length are the expression's duty."""
    return is_mod_97(text[4:] + text[:4])


def is_bic(text: str) -> bool:
    return text[4:6] in COUNTRIES


def is_aba(digits: str) -> bool:
    prefix = int(digits[:2])
    is_known = prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80
    return is_known and not is_repeated(digits) and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def is_clabe(digits: str) -> bool:
    total = sum(int(digit) * weight % 10 for digit, weight in zip(digits[:17], (3, 7, 1) * 6, strict=False))
    return not is_repeated(digits) and -total % 10 == int(digits[17])


def is_cbu(digits: str) -> bool:
    bank = -weighted(digits[:7], (7, 1, 3, 9, 7, 1, 3)) % 10
    account = -weighted(digits[8:21], (3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3)) % 10
    return not is_repeated(digits) and bank == int(digits[7]) and account == int(digits[21])
