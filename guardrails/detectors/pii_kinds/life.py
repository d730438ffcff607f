"""Health, vehicles, dates of birth and places: mostly what only words before it tell apart."""

from __future__ import annotations

import re

from guardrails.detectors.pii_kinds.context import Words, words_before
from guardrails.detectors.pii_kinds.kind import Kind, Shape, plain, run, written
from guardrails.patterns import Candidate
from guardrails.validators.americas import is_us_dea, is_us_npi, is_vin
from guardrails.validators.dates import is_day

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_MONTHS += (
    "|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
)
_MONTHS += "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
_NUMBERS = re.compile(r"\d+")
_BIRTH_TABLE = (
    "born birth* dob date_of_birth* birthday* bday geboren* geburt* geb naissance* né née nacimiento* nacido* nacida* nascita nato nata "
    "nascimento* nascido* urodz* geboorte* fødselsdato* födelse* syntymä* narozen* 生年月日 出生 생년월일 родил* рожден*"
)
_BIRTH_WORDS = Words(_BIRTH_TABLE)
_DATE_TRIGGER = r"\d[/.\-]\d{1,2}[/.\-]\d"
_MBI = r"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d\d"


def _is_numeric_date(value: str) -> bool:
    numbers = [int(each) for each in _NUMBERS.findall(value)]
    if len(numbers) != 3:
        return False
    first, second, third = numbers
    if first > 31:
        return 1880 <= first <= 2039 and is_day(second, third)
    return (third < 100 or 1880 <= third <= 2039) and (is_day(second, first) or is_day(first, second))


def _is_plate(value: str) -> bool:
    return any(each.isdigit() for each in value) and any(each.isalpha() for each in value)


def _is_date_of_birth(candidate: Candidate) -> bool:
    return _BIRTH_WORDS.are_in(words_before(candidate.left)) and _is_numeric_date(candidate.value)


KINDS = (
    Kind(
        "us_npi",
        "health",
        (plain(10, "own", is_us_npi, start="[12]"),),
        "US health provider number",
        "us",
        "npi* national_provider* provider* prescriber* physician*",
    ),
    Kind(
        "us_dea",
        "health",
        (written(r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}", "own", is_us_dea, trigger=run(7)),),
        "US prescriber number",
        "us",
        "dea* prescriber* drug_enforcement* registrant*",
    ),
    Kind(
        "us_mbi",
        "health",
        (
            written(_MBI.replace("-?", "-"), "calm", trigger=r"\d-[A-Z]"),
            written(_MBI.replace("-?", ""), "own", trigger=r"\d[A-Z]{2}\d\d"),
        ),
        "US Medicare number",
        "us",
        "mbi medicare* beneficiary* cms",
    ),
    Kind(
        "medical_record",
        "health",
        (written(r"(?:MRN|MR|[A-Z]{1,3})?[-#]?\d{6,12}", "named", trigger=run(6), score=0.6),),
        "Medical record number",
        words="mrn* medical_record* patient_id* patient_n* hospital_n* chart_n* health_record* krankenakte* patientennummer*",
    ),
    Kind(
        "health_insurance",
        "health",
        (written(r"[A-Z]{0,4}-?\d{6,14}", "named", trigger=run(6), score=0.6),),
        "Health insurance member number",
        words="member_id* insurance_id* policy_holder* health_plan* health_insurance* subscriber_id* group_number*",
    ),
    Kind(
        "vin",
        "vehicles",
        (written(r"[A-HJ-NPR-Z0-9]{13}\d{4}", "calm", is_vin, trigger=r"[A-Z0-9]{8}\d"),),
        "Vehicle identification number",
        words="vin* chassis* vehicle* fahrgestell*",
    ),
    Kind(
        "licence_plate",
        "vehicles",
        (
            written(
                r"[A-Z]{1,4}(?:[ -][A-Z]{1,2})?[ -]?\d{2,4}(?:[ -]?[A-Z]{1,3})?|\d?[A-Z]{3}\d{2,4}|\d{2,4}[ -]?[A-Z]{1,3}(?:[ -]?\d{1,4})?",
                "named",
                _is_plate,
                trigger=(r"[A-Z][ -]?\d\d", r"\d\d[ -]?[A-Z]"),
                score=0.6,
            ),
        ),
        "Licence plate",
        words="plate* license_plate* licence_plate* number_plate* kennzeichen* immatriculation* matricula* matrícula* targa "
        "kenteken* registration_plate* numberplate*",
    ),
    Kind(
        "date_of_birth",
        "dates",
        (
            Shape(r"\b\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2})\b", (_DATE_TRIGGER,), "named", judge=_is_date_of_birth),
            Shape(r"\b(?:18|19|20)\d\d[/.\-]\d{1,2}[/.\-]\d{1,2}\b", (_DATE_TRIGGER,), "named", judge=_is_date_of_birth),
            written(
                rf"\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of| de)?[ -](?i:{_MONTHS})\.?,?(?: de)?[ -](?:18|19|20)\d\d",
                "named",
                trigger=r"[ -](?:18|19|20)\d\d",
            ),
            written(rf"(?i:{_MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:18|19|20)\d\d", "named", trigger=r"[ -](?:18|19|20)\d\d"),
        ),
        "Date of birth",
        words=_BIRTH_TABLE,
    ),
    Kind(
        "us_zip",
        "places",
        (written(r"\d{5}(?:-\d{4})?", "named", trigger=r"\d{5}", score=0.5),),
        "US postal code",
        "us",
        "zip zipcode* postal* postcode*",
        is_on=False,
    ),
    Kind(
        "gb_postcode",
        "places",
        (
            written(
                r"[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}", "named", trigger=r"\d ?\d[A-Z]{2}|\d[A-Z] \d[A-Z]{2}|\d[A-Z]\d[A-Z]{2}", score=0.5
            ),
        ),
        "British postal code",
        "gb",
        "postcode* postal* address* lives live",
        is_on=False,
    ),
    Kind(
        "street_address",
        "places",
        (
            written(
                r"\d{1,5}[A-Za-z]? (?:[A-Z][a-z]{1,20} "
                r"){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq)\b\.?(?:,? "
                r"(?:Apt|Suite|Unit)\.? \d{1,5})?",
                "named",
                trigger=r"\d[A-Za-z]? [A-Z][a-z]{1,20} [A-Z]",
                score=0.5,
            ),
        ),
        "Street address",
        words="address* lives live living reside* street* home ship* deliver* located at",
        is_on=False,
    ),
)
