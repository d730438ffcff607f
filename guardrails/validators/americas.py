"""National identifiers of the Americas. Each function takes a compact value of the right shape: letters and digits only, capitals."""

from __future__ import annotations

from guardrails.validators.checksums import is_luhn, is_repeated, values, weighted
from guardrails.validators.dates import is_yymmdd

_CURP_ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_RFC_ALPHABET = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = {
    each: str(value) for value, letters in enumerate(("", "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ")) for each in letters
}
_EIN_PREFIXES = frozenset(
    f"{each:02}"
    for each in (
        *range(1, 7),
        *range(10, 17),
        *range(20, 28),
        *range(30, 49),
        *range(50, 69),
        *range(71, 78),
        *range(80, 89),
        *range(90, 96),
        98,
        99,
    )
)
_CUIT_PREFIXES = frozenset(("20", "23", "24", "25", "26", "27", "30", "33", "34", "50", "55"))


def is_us_ssn(digits: str) -> bool:
    area = digits[:3]
    return area not in {"000", "666"} and area < "900" and digits[3:5] != "00" and digits[5:] != "0000" and not is_repeated(digits)


def is_us_itin(digits: str) -> bool:
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def is_us_ein(digits: str) -> bool:
    return digits[:2] in _EIN_PREFIXES and not is_repeated(digits)


def is_us_npi(digits: str) -> bool:
    return digits[0] in "12" and is_luhn("80840" + digits)


def is_us_dea(text: str) -> bool:
    digits = values(text[2:])
    return (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10 == digits[6]


def is_vin(text: str) -> bool:
    """Whether the check digit holds, which vehicles made for North America and China have."""
    if text.isdigit() or text.isalpha():
        return False
    total = weighted("".join(_VIN_VALUES.get(each, each) for each in text), _VIN_WEIGHTS)
    return text[8] == "0123456789X"[total % 11]


def is_ca_sin(digits: str) -> bool:
    return digits[0] not in "08" and is_luhn(digits) and not is_repeated(digits)


def is_br_cpf(digits: str) -> bool:
    first = weighted(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return not is_repeated(digits) and digits[9:] == f"{first}{second}"


def is_br_cnpj(digits: str) -> bool:
    first = -weighted(digits[:12], (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10
    second = -weighted(digits[:13], (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10
    return not is_repeated(digits) and digits[12:] == f"{first}{second}"


def is_ar_cuit(digits: str) -> bool:
    check = -weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return digits[:2] in _CUIT_PREFIXES and (9 if check == 10 else check) == int(digits[10])


def is_cl_rut(text: str) -> bool:
    total = weighted(text[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3))
    return text[-1] == "0K987654321"[total % 11]


def is_mx_curp(text: str) -> bool:
    total = sum(_CURP_ALPHABET.index(each) * weight for each, weight in zip(text[:17], range(18, 1, -1), strict=True))
    return is_yymmdd(text[4:10]) and text[17] == str(-total % 10)


def is_mx_rfc(text: str) -> bool:
    if not is_yymmdd(text[-9:-3]):
        return False
    padded = text[:-1].rjust(12)
    total = sum(_RFC_ALPHABET.index(each) * weight for each, weight in zip(padded, range(13, 1, -1), strict=True))
    return text[-1] == "0123456789A"[-total % 11]


def is_co_nit(digits: str) -> bool:
    total = weighted(digits[-2::-1], (3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71))
    return digits[-1] == "01987654321"[total % 11]


def is_pe_ruc(digits: str) -> bool:
    return digits[:2] in {"10", "15", "17", "20"} and (11 - weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 10 == int(
        digits[10]
    )


def is_ec_cedula(digits: str) -> bool:
    return (1 <= int(digits[:2]) <= 24 or digits[:2] == "30") and digits[2] <= "6" and is_luhn(digits)


def is_do_cedula(digits: str) -> bool:
    return is_luhn(digits) and not is_repeated(digits)
