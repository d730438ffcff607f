"""National identifiers of Asia, Africa and the Pacific. Each function takes a compact value of the right shape."""

from __future__ import annotations

from guardrails.validators.checksums import is_luhn, is_mod_11_2, is_repeated, is_verhoeff, values, weighted
from guardrails.validators.dates import is_birth_date, is_day, is_yymmdd, is_yyyymmdd

_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "KLJNPQRTUWX"}
_NHI_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
_CN_REGIONS = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
_ID_PROVINCES = frozenset((*range(11, 22), *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77), 81, 82, *range(91, 98)))


def is_in_aadhaar(digits: str) -> bool:
    return digits[0] > "1" and is_verhoeff(digits) and digits != digits[::-1]


def is_in_gstin(text: str) -> bool:
    total = 0
    for index, each in enumerate(text[:14]):
        total += sum(divmod(_BASE_36.index(each) * (1 + index % 2), 36))
    return 1 <= int(text[:2]) <= 38 and text[14] == _BASE_36[-total % 36]


def is_au_tfn(digits: str) -> bool:
    weights = (1, 4, 3, 7, 5, 8, 6, 9, 10) if len(digits) == 9 else (10, 7, 8, 4, 6, 3, 5, 1)
    return not is_repeated(digits) and weighted(digits, weights) % 11 == 0


def is_au_abn(digits: str) -> bool:
    return digits[0] != "0" and (weighted(digits, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def is_au_acn(digits: str) -> bool:
    return not is_repeated(digits) and -weighted(digits[:8], (8, 7, 6, 5, 4, 3, 2, 1)) % 10 == int(digits[8])


def is_au_medicare(digits: str) -> bool:
    return digits[0] in "23456" and weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def is_nz_ird(digits: str) -> bool:
    if not 10_000_000 < int(digits) < 150_000_000:
        return False
    padded = digits.zfill(9)
    check = -weighted(padded[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if check == 10:
        check = -weighted(padded[:8], (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return check == int(padded[8])


def is_nz_nhi(text: str) -> bool:
    total = sum((_NHI_ALPHABET.index(each) + 1) * weight for each, weight in zip(text[:3], (7, 6, 5), strict=True))
    total += weighted(text[3:6], (4, 3, 2))
    return total % 11 != 0 and (11 - total % 11) % 10 == int(text[6])


def is_za_id(digits: str) -> bool:
    return is_yymmdd(digits) and digits[10] in "012" and is_luhn(digits)


def is_sg_nric(text: str) -> bool:
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    letters = _NRIC_LETTERS[text[0]]
    return text[8] == (letters[10 - total % 11] if text[0] == "M" else _NRIC_LETTERS["S" if text[0] in "ST" else "F"][total % 11])


def is_hk_id(text: str) -> bool:
    body = text[:-1].rjust(8)
    total = sum((36 if each == " " else int(each, 36)) * weight for each, weight in zip(body, range(9, 1, -1), strict=True))
    return text[-1] == "0A987654321"[total % 11]


def is_jp_my_number(digits: str) -> bool:
    rest = weighted(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return not is_repeated(digits) and (0 if rest < 2 else 11 - rest) == int(digits[11])


def is_kr_rrn(digits: str) -> bool:
    check = (11 - weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return is_yymmdd(digits) and check == int(digits[12])


def is_cn_id(text: str) -> bool:
    return text[:2] in _CN_REGIONS and is_yyyymmdd(text[6:14]) and is_mod_11_2(text)


def is_tw_id(text: str) -> bool:
    first, second = divmod(_TW_LETTERS.index(text[0]) + 10, 10)
    return (first + 9 * second + weighted(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def is_il_id(digits: str) -> bool:
    return is_luhn(digits) and not is_repeated(digits)


def is_th_id(digits: str) -> bool:
    return digits[0] not in "09" and (11 - weighted(digits[:12], range(13, 1, -1)) % 11) % 10 == int(digits[12])


def is_my_kad(digits: str) -> bool:
    return is_yymmdd(digits) and digits[6:8] not in {"00", "17", "18", "19", "20", "69", "70", "73", "80", "81", "94", "95", "96", "97"}


def is_id_nik(digits: str) -> bool:
    day = int(digits[6:8])
    return int(digits[:2]) in _ID_PROVINCES and is_day(int(digits[8:10]), day - 40 if day > 40 else day) and digits[12:] != "0000"


def is_pk_cnic(digits: str) -> bool:
    return digits[0] in "1234567" and digits[12] != "0"


def is_ae_id(digits: str) -> bool:
    return is_luhn(digits) and "1900" <= digits[3:7] <= "2039"


def is_sa_id(digits: str) -> bool:
    return digits[0] in "12" and is_luhn(digits)


def is_eg_id(digits: str) -> bool:
    century = {"2": 1900, "3": 2000}.get(digits[0])
    return (
        century is not None
        and is_birth_date(century + int(digits[1:3]), int(digits[3:5]), int(digits[5:7]))
        and int(digits[7:9]) in range(1, 89)
    )


def is_kz_iin(digits: str) -> bool:
    if not is_yymmdd(digits) or digits[6] not in "123456":
        return False
    check = weighted(digits[:11], range(1, 12)) % 11
    if check == 10:
        check = weighted(digits[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return check == int(digits[11])


def is_kr_brn(digits: str) -> bool:
    numbers = values(digits)
    total = weighted(digits[:9], (1, 3, 7, 1, 3, 7, 1, 3, 5)) + numbers[8] * 5 // 10
    return not is_repeated(digits) and -total % 10 == numbers[9]
