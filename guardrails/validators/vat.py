"""
VAT numbers of the European Union, the United Kingdom, Norway and Switzerland, with their country's prefix.

Source: European Commission, VIES: structure and check digits of each member state.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from guardrails.validators import europe
from guardrails.validators.checksums import is_luhn, is_mod_11_10, is_mod_97, is_repeated, values, weighted


def _is_at(text: str) -> bool:
    digits = values(text[1:])
    total = sum(digits[0:7:2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1:6:2])
    return -(total + 4) % 10 == digits[7]


def _is_be(text: str) -> bool:
    return (int(text[:-2]) + int(text[-2:])) % 97 == 0


def _is_bg(text: str) -> bool:
    if len(text) == 10:
        return europe.is_bg_egn(text) or weighted(text, (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10 == int(text[9]) or _is_bg_other(text)
    check = weighted(text[:8], range(1, 9)) % 11
    if check == 10:
        check = weighted(text[:8], range(3, 11)) % 11 % 10
    return check == int(text[8])


def _is_bg_other(text: str) -> bool:
    check = 11 - weighted(text[:9], (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return check != 10 and check % 11 == int(text[9])


def _is_cy(text: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    digits = values(text[:8])
    return text[8] == chr(65 + (sum(odd[each] for each in digits[0::2]) + sum(digits[1::2])) % 26)


def _is_cz(text: str) -> bool:
    if len(text) != 8:
        return europe.is_cz_birth_number(text)
    return text[0] != "9" and (11 - weighted(text[:7], range(8, 1, -1)) % 11) % 10 == int(text[7])


def _is_dk(text: str) -> bool:
    return weighted(text, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _is_ee(text: str) -> bool:
    return weighted(text, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def _is_es(text: str) -> bool:
    if text[0].isdigit():
        return europe.is_es_dni(text)
    return europe.is_es_nie(text) if text[0] in "XYZ" else europe.is_es_cif(text)


def _is_fr(text: str) -> bool:
    if not text[:2].isdigit():
        return True
    return int(text[2:] + "12") % 97 == int(text[:2]) and is_luhn(text[2:])


def _is_gb(text: str) -> bool:
    total = weighted(text[:7], range(8, 1, -1)) + int(text[7:9])
    return total % 97 in {0, 42} or (int(text[:3]) >= 100 and total % 97 == 55)


def _is_hu(text: str) -> bool:
    return weighted(text, (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0


def _is_lt(text: str) -> bool:
    size = len(text) - 1
    check = sum((1 + index % 9) * digit for index, digit in enumerate(values(text[:size]))) % 11
    if check == 10:
        check = sum((1 + (index + 2) % 9) * digit for index, digit in enumerate(values(text[:size]))) % 11 % 10
    return text[-2] == "1" and check == int(text[-1])


def _is_lu(text: str) -> bool:
    return int(text[:6]) % 89 == int(text[6:])


def _is_lv(text: str) -> bool:
    if text[0] < "4":
        return europe.is_lv_personal(text)
    return weighted(text, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3


def _is_mt(text: str) -> bool:
    return weighted(text, (3, 4, 6, 7, 8, 9, 10, 1)) % 37 == 0


def _is_nl(text: str) -> bool:
    return europe.is_nl_bsn(text[:9]) or is_mod_97("NL" + text)


def _is_ro(text: str) -> bool:
    return weighted(text[:-1].zfill(9), (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(text[-1])


def _is_sk(text: str) -> bool:
    return text[0] != "0" and text[2] in "234789" and int(text) % 11 == 0


VAT: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AT": (r"U\d{8}", _is_at),
    "BE": (r"[01]\d{9}", _is_be),
    "BG": (r"\d{9,10}", _is_bg),
    "CY": (r"\d{8}[A-Z]", _is_cy),
    "CZ": (r"[0-9]\d{7,9}", _is_cz),
    "DE": (r"[1-9]\d{8}", is_mod_11_10),
    "DK": (r"[1-9]\d{7}", _is_dk),
    "EE": (r"\d{9}", _is_ee),
    "EL": (r"\d{9}", europe.is_gr_afm),
    "ES": (r"[A-Z0-9]\d{7}[A-Z0-9]", _is_es),
    "FI": (r"\d{8}", europe.is_fi_company),
    "FR": (r"[A-HJ-NP-Z0-9]{2}\d{9}", _is_fr),
    "GB": (r"(?:\d{12}|\d{9})", _is_gb),
    "HR": (r"\d{11}", is_mod_11_10),
    "HU": (r"\d{8}", _is_hu),
    "IE": (r"\d{7}[A-W][A-I]?", europe.is_ie_pps),
    "IT": (r"\d{11}", europe.is_it_vat),
    "LT": (r"(?:\d{12}|\d{9})", _is_lt),
    "LU": (r"\d{8}", _is_lu),
    "LV": (r"\d{11}", _is_lv),
    "MT": (r"\d{8}", _is_mt),
    "NL": (r"\d{9}B\d\d", _is_nl),
    "PL": (r"\d{10}", europe.is_pl_nip),
    "PT": (r"\d{9}", europe.is_pt_nif),
    "RO": (r"[1-9]\d{4,9}", _is_ro),
    "SE": (r"\d{10}01", lambda text: is_luhn(text[:10])),
    "SI": (r"\d{8}", europe.is_si_tax),
    "SK": (r"\d{10}", _is_sk),
    "XI": (r"(?:\d{12}|\d{9})", _is_gb),
}
"""By the prefix: the shape of what follows it, and its check."""


def is_vat(text: str) -> bool:
    rest = text[2:]
    return not is_repeated(rest) and VAT[text[:2]][1](rest)


def is_vat_of_any_shape(text: str) -> bool:
    """As `is_vat`, for what may not have its country's shape."""
    return text[:2] in VAT and re.fullmatch(VAT[text[:2]][0], text[2:]) is not None and is_vat(text)
