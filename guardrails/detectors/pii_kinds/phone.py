"""
Telephone numbers by their shape: with a country's code, grouped as people write them, or plain beside a word for telephones.

Rules: numbers are not checked against the plans of single countries, which change and which made-up numbers break; what a shape leaves
open is decided by the nearest noun before it: `call` or `order`.
Source: ITU-T E.164 and E.123.
"""

from __future__ import annotations

import re

from guardrails.detectors.pii_kinds.context import NOT_PERSONAL, Words, words_before
from guardrails.detectors.pii_kinds.kind import PAIR, Shape, is_in_address_of_page, run
from guardrails.patterns import Candidate

_PHONE_WORDS = Words(
    "phone* telephone* tel telefon* telefo* mobile* mobil* cell* call* calling fax* dial* ring reach* contact* text texted sms "
    "whatsapp* signal "
    "telegram* viber hotline* helpline* landline* desk voicemail* handy handynummer* portable gsm numero* registered answering pager* "
    "messages_to extension 电话 手机 電話 携帯 전화 휴대 телефон"
)
_STRONG_WORDS = Words(
    "phone* telephone* tel telefon* telefo* mobile* mobil* cell* fax* whatsapp* sms call_m* call_u* call_h* dial* handy* landline* hotline*"
)
_OTHER_WORDS = Words(
    NOT_PERSONAL
    + " ssn social_security* passport* licen* account* acct* iban card* visa nhs pesel tax* tin vat nip bsn sin tfn abn acn ird npi "
    "routing* aba medicare* cpf cnpj rut date* born birth* dob zip postal* postcode* id ids nr identif* identity* aadhaar* pan national* "
    "personnummer cpr number_of code* sort ip version* year* score* imei* iccid* siren siret regon pps* ein itin oib kvk vin plate* "
    "egn inn my_number mynumber снилс инн snils partita* iva codice* cnpj curp rfc cuit dni nie cif personnummer* fodselsnummer* "
    "fødselsnummer* "
    "rodne* rodné* cnp afm amka tckn emso emšo isikukood* hetu henkil* rijksregister* ahv* kennitala* nric hkid rrn 주민 身份证 gstin "
    "clabe bsb ifsc "
    "swift* policy* member* mrn* ref reference*"
)

_CODES = {
    1: "1 7",
    2: "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 "
    "94 95 98",
    3: "211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 "
    "246 247 248 "
    "249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 "
    "356 357 358 "
    "359 370 371 372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 "
    "590 591 592 "
    "593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 "
    "852 853 855 "
    "856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998",
}
_LENGTHS = {
    "1": (10, 10), "7": (10, 10), "20": (8, 10), "27": (9, 9), "30": (10, 10), "31": (9, 9), "32": (8, 9), "33": (9, 9),
    "34": (9, 9), "36": (8, 9), "39": (6, 11), "40": (9, 9), "41": (9, 9), "43": (4, 13), "44": (9, 10), "45": (8, 8),
    "46": (7, 9), "47": (5, 8), "48": (9, 9), "49": (5, 12), "52": (10, 11), "54": (10, 11), "55": (10, 11), "56": (9, 9),
    "57": (8, 10), "60": (8, 10), "61": (9, 9), "62": (7, 12), "63": (8, 10), "64": (8, 10), "65": (8, 8), "66": (8, 9),
    "81": (9, 10), "82": (8, 10), "84": (9, 10), "86": (10, 11), "90": (10, 10), "91": (10, 10), "92": (9, 10), "98": (10, 10),
    "351": (9, 9), "353": (7, 9), "358": (5, 11), "420": (9, 9), "421": (9, 9), "852": (8, 8), "886": (8, 9), "971": (8, 9),
    "972": (8, 9),
}  # fmt: skip
_CODE_LENGTHS = {code: length for length, codes in _CODES.items() for code in codes.split()}
_NOT_DIGITS = re.compile(r"\D+")
_EXTENSION = re.compile(r"[ ,;]*(?:x|ext\.?|extension|#).*$", re.IGNORECASE)
_DATE = re.compile(r"(?:(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d)(?!\d)")
_YEARS = re.compile(r"(?:19|20)\d\d[- ](?:(?:19|20)\d\d[- ]?)+$")
_PART_OF_MORE = re.compile(r"(?:[\w][-./]|\d[, ]|[0-9A-Fa-f]{4}-|\w[=#]|&#|0x|[$€£¥] ?|[+*/^=<>] ?)$")
_DECIMALS = re.compile(r"\d{1,3}\.\d{3,}$")


def _digits(value: str) -> str:
    return _NOT_DIGITS.sub("", _EXTENSION.sub("", value))


def is_international(digits: str) -> bool:
    """Whether digits begin with a calling code and go on for as long as numbers there are. A zero in brackets counts for nothing."""
    for length in (1, 2, 3):
        code = digits[:length]
        if _CODE_LENGTHS.get(code) == length:
            least, most = _LENGTHS.get(code, (5, 12))
            rest = digits[length:]
            return least <= len(rest) <= most or (rest[:1] == "0" and least <= len(rest) - 1 <= most)
    return False


def _is_with_code(candidate: Candidate) -> bool:
    value = candidate.value
    digits = _digits(value)
    if value.startswith(("00", "(00")):
        digits = digits[2:]
        if _nearest(candidate.left) < (1 if value.isdigit() else 0) or _part_of_more(candidate):
            return False
    if len(set(digits)) < 3 and len(digits) > 8:
        return False
    return is_international(digits) and not (
        candidate.left[-1:].isalnum() or (candidate.left.endswith(("://", "=")) and "tel" not in candidate.left)
    )


def _nearest(left: str) -> int:
    """1 if the nearest noun before is about telephones, -1 if it is about something else, 0 if there is none."""
    before = words_before(left)
    mine, other = _PHONE_WORDS.last(before), _OTHER_WORDS.last(before)
    if mine < 0 and other < 0:
        return 0
    return 1 if mine >= other or (other - mine < 3 and _STRONG_WORDS.last(before) >= 0) else -1


def _is_grouped(candidate: Candidate) -> bool:
    """A grouping that is hardly used for anything else."""
    value = candidate.value
    if _DATE.match(value) or _YEARS.match(value) or _part_of_more(candidate):
        return False
    digits = _digits(value)
    if not 7 <= len(digits) <= 14 or len(set(digits)) < 3:
        return False
    return _nearest(candidate.left) >= 0


def _is_named(candidate: Candidate) -> bool:
    """Loose groups, or digits alone: only beside a word for telephones."""
    value = candidate.value
    digits = _digits(value)
    if not 6 <= len(digits) <= 15 or _DATE.match(value) or _YEARS.match(value) or _DECIMALS.match(value) or _part_of_more(candidate):
        return False
    return _nearest(candidate.left) > 0


def _is_before_name(candidate: Candidate) -> bool:
    digits = _digits(candidate.value)
    return 6 <= len(digits) <= 15 and not _DATE.match(candidate.value) and not _part_of_more(candidate)


def _part_of_more(candidate: Candidate) -> bool:
    left = candidate.left
    if not left or left[-1] in "\n\t:":
        return False
    return (left[-1] == " " and left[-2:-1] in {"$", "€", "£", "+", "*", "/", "=", "<", ">"}) or (
        left[-1] != " " and (_PART_OF_MORE.search(left[-6:]) is not None or is_in_address_of_page(left))
    )


_EXT = r"(?:(?: ?(?:x|ext\.?|extension) ?|#)\d{1,6})?"
_CODE = r"(?:\+ ?\d{1,3}|\(\+\d{1,3}\)|\(?00[1-9]\d{0,2}\)?)"
_LOOSE = r"\b\d{1,5}(?:[ ./-]\d{2,6}){1,6}"

SHAPES = (
    Shape(
        rf"{_CODE}(?:[ ./-]{{0,2}}\(?\d{{1,12}}\)?){{1,7}}{_EXT}",
        (r"\+ ?\d", r"\b00[1-9]"),
        "nothing",
        judge=_is_with_code,
        score=0.95,
    ),
    Shape(
        rf"(?:\b(?:001|1)[ .-])?(?:\(\d{{3}}\) ?|\b\d{{3}}[ .-])\d{{3}}[ .-]\d{{4}}{_EXT}\b",
        (r"\d{3}[ .-]\d{4}",),
        "nothing",
        judge=_is_grouped,
        score=0.8,
    ),
    Shape(
        rf"\b0\d{{1,4}}(?:[ ./-]\d{{2,4}}){{2,4}}{_EXT}\b",
        (PAIR,),
        "nothing",
        judge=_is_grouped,
        score=0.7,
    ),
    Shape(
        rf"\b0\d{{1,4}}[-/ ]\d{{5,8}}{_EXT}\b",
        (PAIR,),
        "nothing",
        judge=_is_grouped,
        score=0.7,
    ),
    Shape(
        rf"\((?:0\d{{1,4}}|[1-9]\d{{1,2}})\) ?\d{{2,5}}(?:[ .-]\d{{2,5}}){{0,3}}{_EXT}\b",
        (r"\d\) ?\d\d",),
        "nothing",
        judge=_is_grouped,
        score=0.7,
    ),
    Shape(rf"{_LOOSE}{_EXT}\b", (PAIR,), "named", judge=_is_named, words=_PHONE_WORDS, score=0.6),
    Shape(rf"\b\d{{6,13}}{_EXT}\b", (run(6),), "named", judge=_is_named, words=_PHONE_WORDS, score=0.6),
    Shape(
        rf"((?:\(\d{{1,5}}\)|\b\d{{1,5}})(?:[ ./-]?\d{{2,5}}){{1,6}}{_EXT})"
        rf"[ ,-]{{1,2}}(?i:office|fax|mobile|cell|home|work|desk|landline)\b",
        (r"\d[ ,-]{1,2}(?i:office|fax|mobile|cell|home|work|desk|landline)",),
        "nothing",
        judge=_is_before_name,
        group=1,
        score=0.7,
    ),
)
