"""Identifiers that American states give out."""

from __future__ import annotations

from guardrails.detectors.pii_kinds.kind import NINE_DIGITS, THOUSANDS, Check, Family, Kind, Need, Shape, plain, run, written
from guardrails.validators import americas as check

_SSN_WORDS = "ssn* social_security* social* soc_sec* ss ssns"
_LICENCE_WORDS = "driv* dl dmv permis_de* fuhrerschein* führerschein* carnet* patente conducir rijbewijs*"
_PASSPORT_WORDS = "passport* passeport* pasaporte* passaporto* reisepass* paszport* paspoort* passaporte* pass_no pass_number"


def _kind(name: str, title: str, words: str, *shapes: Shape, family: Family = "government") -> Kind:
    return Kind(name, family, shapes, title, name[:2], words)


def _letters(expression: str, need: Need, checks: Check | None, trigger: str) -> Shape:
    return written(rf"(?i:{expression})", need, checks, trigger=trigger)


KINDS = (
    _kind(
        "us_ssn",
        "US social security number",
        _SSN_WORDS,
        written(r"\d{3}-\d\d-\d{4}", "calm", check.is_us_ssn, score=1.0, trigger=r"\d{3}-\d\d-\d{4}"),
        written(r"\d{3}[ .]\d\d[ .]\d{4}", "own", check.is_us_ssn),
        plain(9, "own", check.is_us_ssn),
    ),
    _kind(
        "us_itin",
        "US taxpayer number",
        "itin* tin tax* taxpayer*",
        written(r"9\d\d-\d\d-\d{4}", "own", check.is_us_itin),
        written(r"9\d\d \d\d \d{4}", "own", check.is_us_itin, trigger=NINE_DIGITS),
        plain(9, "own", check.is_us_itin, start="9"),
        family="tax",
    ),
    _kind(
        "us_ein",
        "US employer number",
        "ein* fein* employer_id* tax* federal_id*",
        written(r"\d\d-\d{7}", "own", check.is_us_ein, trigger=run(7)),
        family="tax",
    ),
    Kind(
        "passport",
        "government",
        (
            written(r"[A-Z]{0,3}\d{6,9}[A-Z]?", "named", trigger=run(6), score=0.7),
            written(
                r"[A-Z0-9]{2}\d{2}[A-Z0-9]{2}\d{3}|[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{7}\d",
                "named",
                trigger=r"[A-Z0-9]{8}\d",
                score=0.7,
            ),
        ),
        "Passport number",
        words=_PASSPORT_WORDS,
    ),
    Kind(
        "driving_licence",
        "government",
        (
            written(r"[A-Z]{1,3}[ -]?\d{3,12}(?:[ -]\d{2,5}){0,4}[A-Z]?", "named", trigger=r"[A-Z][ -]?\d\d", score=0.6),
            written(r"\d{2,9}[A-Z]{2,3}\d{0,5}", "named", trigger=r"\d\d[ -]?[A-Z]", score=0.6),
            written(r"\d{6,14}", "named", trigger=run(6), score=0.6),
            written(r"\d{3}[ -]\d{3}[ -]\d{3}", "named", score=0.6),
        ),
        "Driving licence number",
        words=_LICENCE_WORDS,
    ),
    _kind(
        "ca_sin",
        "Canadian social insurance number",
        "sin social_insurance* nas assurance_sociale*",
        plain(9, "own", check.is_ca_sin),
        written(r"\d{3}[ -]\d{3}[ -]\d{3}", "own", check.is_ca_sin),
    ),
    _kind(
        "br_cpf",
        "Brazilian tax number of a person",
        "cpf* cadastro* contribuinte*",
        plain(11, "soft", check.is_br_cpf),
        written(r"\d{3}\.\d{3}\.\d{3}-\d\d", "nothing", check.is_br_cpf, trigger=r"\.\d{3}-[0-9Kk]"),
        family="tax",
    ),
    _kind(
        "br_cnpj",
        "Brazilian company number",
        "cnpj* cadastro*",
        plain(14, "soft", check.is_br_cnpj),
        written(r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", "nothing", check.is_br_cnpj, trigger=r"\.\d{3}/\d{4}"),
        family="tax",
    ),
    _kind(
        "ar_cuit",
        "Argentine tax number",
        "cuit* cuil*",
        plain(11, "own", check.is_ar_cuit, start="[235]"),
        written(r"[235]\d-\d{8}-\d", "calm", check.is_ar_cuit, trigger=r"\d\d-\d{8}-"),
        family="tax",
    ),
    _kind("ar_dni", "Argentine identity number", "dni documento*", written(r"\d\d\.\d{3}\.\d{3}", "named", trigger=THOUSANDS, score=0.6)),
    _kind(
        "cl_rut",
        "Chilean identity number",
        "rut run rol_unico*",
        _letters(r"\d{1,2}\.\d{3}\.\d{3}-[0-9K]", "nothing", check.is_cl_rut, r"\.\d{3}-[0-9Kk]"),
        _letters(r"\d{7,8}-?[0-9K]", "own", check.is_cl_rut, run(7)),
    ),
    _kind(
        "mx_curp",
        "Mexican population code",
        "curp*",
        _letters(
            r"[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z]\d",
            "nothing",
            check.is_mx_curp,
            r"\d{6}[HMXhmx][A-Za-z]{2}",
        ),
    ),
    _kind(
        "mx_rfc",
        "Mexican tax code",
        "rfc* contribuyente*",
        written(r"[A-Z&]{3,4}\d{6}[A-Z0-9]{2}[0-9A]", "calm", check.is_mx_rfc, trigger=r"[A-Z&]{3}\d{6}"),
        family="tax",
    ),
    _kind(
        "co_nit",
        "Colombian tax number",
        "nit rut",
        written(r"\d{3}\.?\d{3}\.?\d{3}-\d", "own", check.is_co_nit, trigger=NINE_DIGITS),
        plain(10, "own", check.is_co_nit),
        family="tax",
    ),
    _kind("pe_ruc", "Peruvian tax number", "ruc", plain(11, "own", check.is_pe_ruc, start="[12]"), family="tax"),
    _kind("ec_cedula", "Ecuadorian identity number", "cedula* cédula* ci", plain(10, "own", check.is_ec_cedula)),
    _kind(
        "do_cedula",
        "Dominican identity number",
        "cedula* cédula*",
        written(r"\d{3}-\d{7}-\d", "calm", check.is_do_cedula, trigger=r"\d{3}-\d{7}"),
        plain(11, "own", check.is_do_cedula),
    ),
)
