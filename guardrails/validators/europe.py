"""National identifiers of Europe. Each function takes a compact value of the right shape: letters and digits only, capitals."""

from __future__ import annotations

from collections import Counter

from guardrails.validators.checksums import is_luhn, is_mod_11_10, is_repeated, values, weighted
from guardrails.validators.dates import is_birth_date, is_date, is_day, is_ddmmyy, is_yymmdd

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_PPS_LETTERS = "WABCDEFGHIJKLMNOPQRSTUV"
_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CF_MONTHS = "ABCDEHLMPRST"
_CF_OMOCODIA = str.maketrans("LMNPQRSTUV", "0123456789")
_CF_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_NINO_BAD = frozenset(("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"))
_RO_COUNTIES = frozenset((*range(1, 47), 51, 52, 70, *range(80, 84)))


def is_de_tax_id(digits: str) -> bool:
    """Eleven digits, of the first ten exactly one occurs twice or three times."""
    most = Counter(digits[:10]).most_common(2)
    return digits[0] != "0" and most[0][1] in {2, 3} and most[1][1] == 1 and is_mod_11_10(digits)


def is_de_id_card(text: str) -> bool:
    """Nine characters of the card or the passport and the check digit."""
    total = sum(int(each, 36) * weight for each, weight in zip(text[:9], (7, 3, 1) * 3, strict=True))
    return total % 10 == int(text[9])


def is_de_pension(text: str) -> bool:
    letter = f"{ord(text[8]) - 64:02}"
    digits = values(text[:8] + letter + text[9:11])
    total = sum(sum(divmod(digit * weight, 10)) for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return is_day(int(text[4:6]), int(text[2:4])) and total % 10 == int(text[11])


def is_de_health(text: str) -> bool:
    return is_luhn_forward(f"{ord(text[0]) - 64:02}" + text[1:9]) == int(text[9])


def is_luhn_forward(digits: str) -> int:
    """Return the check digit of ten digits whose weights are 1, 2, 1, 2 from the left."""
    return sum(sum(divmod(digit * (1 + index % 2), 10)) for index, digit in enumerate(values(digits))) % 10


def is_es_dni(text: str) -> bool:
    return _DNI_LETTERS[int(text[:8]) % 23] == text[8] and not is_repeated(text[:8])


def is_es_nie(text: str) -> bool:
    return _DNI_LETTERS[int(str("XYZ".index(text[0])) + text[1:8]) % 23] == text[8]


def is_es_cif(text: str) -> bool:
    digits = values(text[1:8])
    check = -(sum(digits[1::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[0::2])) % 10
    return text[8] == str(check) or text[8] == "JABCDEFGHI"[check]


def is_it_codice_fiscale(text: str) -> bool:
    digits = text[6:8] + text[9:11] + text[12:15]
    plain = digits.translate(_CF_OMOCODIA)
    if not plain.isdigit() or text[8] not in _CF_MONTHS:
        return False
    day = int(plain[2:4])
    if not is_day(_CF_MONTHS.index(text[8]) + 1, day - 40 if day > 40 else day):
        return False
    total = 0
    for index, each in enumerate(text[:15]):
        value = int(each) if each.isdigit() else ord(each) - 65
        total += value if index % 2 else _CF_ODD[value]
    return ord(text[15]) - 65 == total % 26


def is_it_vat(digits: str) -> bool:
    office = int(digits[7:10])
    return is_luhn(digits) and digits[:7] != "0000000" and (1 <= office <= 100 or office in {120, 121, 888, 999})


def is_pl_pesel(digits: str) -> bool:
    month = int(digits[2:4]) % 20
    return is_day(month, int(digits[4:6])) and -weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(digits[10])


def is_pl_nip(digits: str) -> bool:
    return not is_repeated(digits) and weighted(digits[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(digits[9])


def is_pl_regon(digits: str) -> bool:
    if is_repeated(digits) or weighted(digits[:8], (8, 9, 2, 3, 4, 5, 6, 7)) % 11 % 10 != int(digits[8]):
        return False
    return len(digits) == 9 or weighted(digits[:13], (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)) % 11 % 10 == int(digits[13])


def is_pl_id_card(text: str) -> bool:
    total = sum(int(each, 36) * weight for each, weight in zip(text, (7, 3, 1, 9, 7, 3, 1, 7, 3), strict=True))
    return total % 10 == 0


def is_fr_nir(text: str) -> bool:
    month = int(text[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    number = int(text[:13].replace("2A", "19").replace("2B", "18")) if text[6] in "AB" else int(text[:13])
    return 97 - number % 97 == int(text[13:])


def is_fr_spi(digits: str) -> bool:
    return digits[0] in "0123" and int(digits[:10]) % 511 == int(digits[10:])


def is_fr_siren(digits: str) -> bool:
    return is_luhn(digits) and not is_repeated(digits)


def is_nl_bsn(digits: str) -> bool:
    padded = digits.zfill(9)
    return int(padded) > 1_000_000 and not is_repeated(padded) and (weighted(padded[:8], range(9, 1, -1)) - int(padded[8])) % 11 == 0


def is_be_national(digits: str) -> bool:
    month, day, check = int(digits[2:4]), int(digits[4:6]), int(digits[9:])
    if month % 20 > 12 or day > 31 or not 1 <= int(digits[6:9]) <= 998:
        return False
    return 97 - int(digits[:9]) % 97 == check or (digits[0] < "4" and 97 - int("2" + digits[:9]) % 97 == check)


def is_pt_nif(digits: str) -> bool:
    check = -weighted(digits[:8], range(9, 1, -1)) % 11
    return digits[0] != "0" and (0 if check == 10 else check) == int(digits[8]) and not is_repeated(digits)


def is_pt_card(text: str) -> bool:
    total = 0
    for index, each in enumerate(text):
        value = int(each, 36)
        if index % 2 == 0:
            value *= 2
            value -= 9 if value > 9 else 0
        total += value
    return total % 10 == 0


def is_at_insurance(digits: str) -> bool:
    check = weighted(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11
    return digits[0] != "0" and 1 <= int(digits[4:6]) <= 31 and 1 <= int(digits[6:8]) <= 15 and check == int(digits[3])


def is_ch_uid(text: str) -> bool:
    return -weighted(text[3:11], (5, 4, 3, 2, 7, 6, 5, 4)) % 11 == int(text[11])


def is_gb_nhs(digits: str) -> bool:
    return not is_repeated(digits) and -weighted(digits[:9], range(10, 1, -1)) % 11 == int(digits[9])


def is_gb_nino(text: str) -> bool:
    return text[:2] not in _NINO_BAD


def is_gb_utr(digits: str) -> bool:
    return not is_repeated(digits) and digits[0] == "21987654321"[weighted(digits[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11]


def is_gb_driver(text: str) -> bool:
    month = int(text[6:8])
    return is_day(month - 50 if month > 50 else month, int(text[8:10]))


def is_ie_pps(text: str) -> bool:
    total = weighted(text[:7], range(8, 1, -1))
    if len(text) == 9 and text[8] != "W":
        total += 9 * (ord(text[8]) - 64)
    return text[7] == _PPS_LETTERS[total % 23]


def is_se_personal(digits: str) -> bool:
    """Also co-ordination numbers, whose day is 60 higher. A plus stands in the numbers of those who are a hundred."""
    short = digits.replace("+", "")[-10:]
    day = int(short[4:6])
    return is_day(int(short[2:4]), day - 60 if day > 60 else day) and is_luhn(short)


def is_se_company(digits: str) -> bool:
    return digits[2] >= "2" and is_luhn(digits)


def is_fi_hetu(text: str) -> bool:
    """`text` without the century's sign or with it."""
    digits = text[:6] + text[-4:-1]
    return is_ddmmyy(digits) and _HETU_LETTERS[int(digits) % 31] == text[-1]


def is_fi_company(digits: str) -> bool:
    return -weighted(digits[:7], (7, 9, 10, 5, 8, 4, 2)) % 11 == int(digits[7])


def is_dk_cpr(digits: str) -> bool:
    """Only the date: since 2007 numbers are given out that fail the old checksum."""
    year, century = int(digits[4:6]), digits[6]
    is_future = 40 <= year < 58 and century in "5678"
    return is_ddmmyy(digits) and digits[6:] != "0000" and not is_future


def is_no_birth_number(digits: str) -> bool:
    day, month = int(digits[:2]), int(digits[2:4])
    if not is_day(month - 40 if month > 40 else month, day - 40 if day > 40 else day):
        return False
    first = -weighted(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    return first == int(digits[9]) and -weighted(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 == int(digits[10])


def is_no_company(digits: str) -> bool:
    return digits[0] in "89" and -weighted(digits[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11 == int(digits[8])


def is_cz_birth_number(digits: str) -> bool:
    month = int(digits[2:4])
    for offset in (70, 50, 20):
        if month > offset:
            month -= offset
            break
    if not is_day(month, int(digits[4:6])):
        return False
    if len(digits) == 9:
        return int(digits[:2]) < 54 and digits[6:] != "000"
    return int(digits) % 11 == 0 or (int(digits[:9]) % 11 == 10 and digits[9] == "0")


def is_ro_cnp(digits: str) -> bool:
    check = weighted(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    if digits[0] == "0" or not is_yymmdd(digits[1:7]) or int(digits[7:9]) not in _RO_COUNTIES:
        return False
    return (1 if check == 10 else check) == int(digits[12])


def is_bg_egn(digits: str) -> bool:
    month = int(digits[2:4])
    month -= 40 if month > 40 else 20 if month > 20 else 0
    return is_day(month, int(digits[4:6])) and weighted(digits[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(digits[9])


def is_gr_afm(digits: str) -> bool:
    return not is_repeated(digits) and weighted(digits[:8], (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(digits[8])


def is_gr_amka(digits: str) -> bool:
    return is_ddmmyy(digits) and is_luhn(digits)


def is_tr_id(digits: str) -> bool:
    numbers = values(digits)
    tenth = (7 * sum(numbers[0:9:2]) - sum(numbers[1:8:2])) % 10
    return numbers[0] != 0 and tenth == numbers[9] and sum(numbers[:10]) % 10 == numbers[10]


def is_hr_oib(digits: str) -> bool:
    return is_mod_11_10(digits) and not is_repeated(digits)


def is_jmbg(digits: str) -> bool:
    """Slovenia's EMSO, and the JMBG of its former neighbours."""
    year = int(digits[4:7])
    check = -weighted(digits[:12], (7, 6, 5, 4, 3, 2) * 2) % 11
    return is_birth_date(year + (1000 if year >= 800 else 2000), int(digits[2:4]), int(digits[:2])) and check % 10 == int(digits[12])


def is_si_tax(digits: str) -> bool:
    check = 11 - weighted(digits[:7], range(8, 1, -1)) % 11
    return digits[0] != "0" and check != 11 and check % 10 == int(digits[7])


def is_baltic_personal(digits: str) -> bool:
    """Estonia's isikukood and Lithuania's asmens kodas, which share a scheme."""
    if digits[0] not in "123456" or not is_date(
        1800 + (int(digits[0]) - 1) // 2 * 100 + int(digits[1:3]), int(digits[3:5]), int(digits[5:7])
    ):
        return False
    check = weighted(digits[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = weighted(digits[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return check == int(digits[10])


def is_lv_personal(digits: str) -> bool:
    if digits[:2] == "32":
        return True
    check = (1 + weighted(digits[:10], (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10
    return is_ddmmyy(digits) and check == int(digits[10])


def is_hu_tax_id(digits: str) -> bool:
    return digits[0] == "8" and weighted(digits[:9], range(1, 10)) % 11 == int(digits[9])


def is_is_kennitala(digits: str) -> bool:
    day = int(digits[:2])
    return (
        is_day(int(digits[2:4]), day - 40 if day > 40 else day)
        and digits[9] in "890"
        and weighted(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def is_ru_inn(digits: str) -> bool:
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    if is_repeated(digits):
        return False
    if len(digits) == 10:
        return weighted(digits[:9], weights[2:]) % 11 % 10 == int(digits[9])
    return weighted(digits[:10], weights[1:]) % 11 % 10 == int(digits[10]) and weighted(digits[:11], weights) % 11 % 10 == int(digits[11])


def is_ru_snils(digits: str) -> bool:
    return not is_repeated(digits[:9]) and weighted(digits[:9], range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def is_ua_tax(digits: str) -> bool:
    check = weighted(digits[:9], (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10
    return not is_repeated(digits) and check == int(digits[9])
