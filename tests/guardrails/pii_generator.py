"""
Texts with made-up personal data of every kind, and look-alikes of them; seeded, own templates.

A template's `#` is a digit, `@` a letter, `*` either; `yyyy`, `yy`, `mm`, `dd` are a day. Values are drawn until the check says what is
wanted of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guardrails.validators import americas, asia_pacific, checksums, europe, finance, vat

Check = Callable[[str], bool]
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Spec:
    """`called` is what people write before a value; `check` sees it without separators."""

    label: str
    called: str
    template: str
    check: Check


@dataclass(frozen=True)
class Example:
    text: str
    value: str
    label: str


SPECS = (
    Spec("US_SSN", "social security number", "###-##-####", americas.is_us_ssn),
    Spec("US_SSN", "SSN", "#########", americas.is_us_ssn),
    Spec("US_ITIN", "ITIN", "9##-##-####", americas.is_us_itin),
    Spec("US_BANK_ROUTING", "routing number", "0########", finance.is_aba),
    Spec("US_NPI", "NPI", "1#########", americas.is_us_npi),
    Spec("US_DEA", "DEA number", "B@#######", americas.is_us_dea),
    Spec("VIN", "VIN", "1HGCM###*#E######", americas.is_vin),
    Spec("CA_SIN", "SIN", "###-###-###", americas.is_ca_sin),
    Spec("BR_CPF", "CPF", "###.###.###-##", americas.is_br_cpf),
    Spec("BR_CNPJ", "CNPJ", "##.###.###/0001-##", americas.is_br_cnpj),
    Spec("AR_CUIT", "CUIT", "20-########-#", americas.is_ar_cuit),
    Spec("CL_RUT", "RUT", "##.###.###-#", americas.is_cl_rut),
    Spec("MX_CURP", "CURP", "GOMCyymmddHDFRRN##", americas.is_mx_curp),
    Spec("MX_RFC", "RFC", "GODEyymmdd**#", americas.is_mx_rfc),
    Spec("MX_CLABE", "CLABE", "032###############", finance.is_clabe),
    Spec("EC_CEDULA", "cédula", "17########", americas.is_ec_cedula),
    Spec("PE_RUC", "RUC", "20#########", americas.is_pe_ruc),
    Spec("DE_TAX_ID", "Steuer-ID", "###########", europe.is_de_tax_id),
    Spec("DE_ID_CARD", "Personalausweis", "L##4######", europe.is_de_id_card),
    Spec("DE_PENSION", "Rentenversicherungsnummer", "15070649C###", europe.is_de_pension),
    Spec("ES_DNI", "DNI", "########@", europe.is_es_dni),
    Spec("ES_NIE", "NIE", "Y#######@", europe.is_es_nie),
    Spec("ES_CIF", "CIF", "B########", europe.is_es_cif),
    Spec("IT_CODICE_FISCALE", "codice fiscale", "RSSMRA##M01H501@", europe.is_it_codice_fiscale),
    Spec("IT_VAT", "partita IVA", "0######058#", europe.is_it_vat),
    Spec("PL_PESEL", "PESEL", "yymmdd#####", europe.is_pl_pesel),
    Spec("PL_NIP", "NIP", "###-###-##-##", europe.is_pl_nip),
    Spec("PL_REGON", "REGON", "#########", europe.is_pl_regon),
    Spec("FR_NIR", "numéro de sécurité sociale", "1yymm75########", europe.is_fr_nir),
    Spec("FR_SIREN", "SIREN", "### ### ###", europe.is_fr_siren),
    Spec("FR_SIRET", "SIRET", "##############", europe.is_fr_siren),
    Spec("NL_BSN", "BSN", "#########", europe.is_nl_bsn),
    Spec("BE_NATIONAL", "rijksregisternummer", "yy.mm.dd-###.##", europe.is_be_national),
    Spec("PT_NIF", "NIF", "2########", europe.is_pt_nif),
    Spec("AT_INSURANCE", "Sozialversicherungsnummer", "#### ddmmyy", europe.is_at_insurance),
    Spec("CH_AHV", "AHV-Nummer", "756.####.####.##", checksums.is_ean),
    Spec("GB_NHS", "NHS number", "### ### ####", europe.is_gb_nhs),
    Spec("GB_UTR", "UTR", "##########", europe.is_gb_utr),
    Spec("IE_PPS", "PPS number", "#######@", europe.is_ie_pps),
    Spec("SE_PERSONAL", "personnummer", "yymmdd-####", europe.is_se_personal),
    Spec("FI_HETU", "henkilötunnus", "ddmmyy-###@", europe.is_fi_hetu),
    Spec("NO_BIRTH_NUMBER", "fødselsnummer", "ddmmyy#####", europe.is_no_birth_number),
    Spec("CZ_BIRTH_NUMBER", "rodné číslo", "yymmdd/####", europe.is_cz_birth_number),
    Spec("RO_CNP", "CNP", "1yymmdd40####", europe.is_ro_cnp),
    Spec("BG_EGN", "EGN", "yymmdd####", europe.is_bg_egn),
    Spec("GR_AFM", "AFM", "#########", europe.is_gr_afm),
    Spec("TR_ID", "TCKN", "###########", europe.is_tr_id),
    Spec("HR_OIB", "OIB", "###########", europe.is_hr_oib),
    Spec("SI_EMSO", "EMŠO", "ddmm983######", europe.is_jmbg),
    Spec("EE_PERSONAL", "isikukood", "3yymmdd####", europe.is_baltic_personal),
    Spec("RU_SNILS", "СНИЛС", "###-###-### ##", europe.is_ru_snils),
    Spec("EU_VAT", "VAT number", "DE1########", vat.is_vat),
    Spec("EU_VAT", "TVA", "FR###########", vat.is_vat),
    Spec("EU_VAT", "btw-nummer", "NL#########B01", vat.is_vat),
    Spec("IN_AADHAAR", "Aadhaar", "#### #### ####", asia_pacific.is_in_aadhaar),
    Spec("IN_GSTIN", "GSTIN", "27BBCPK####M1Z*", asia_pacific.is_in_gstin),
    Spec("AU_TFN", "TFN", "### ### ###", asia_pacific.is_au_tfn),
    Spec("AU_ABN", "ABN", "## ### ### ###", asia_pacific.is_au_abn),
    Spec("AU_MEDICARE", "Medicare card", "2### ##### #", asia_pacific.is_au_medicare),
    Spec("NZ_IRD", "IRD number", "##-###-###", asia_pacific.is_nz_ird),
    Spec("ZA_ID", "South African ID number", "yymmdd####08#", asia_pacific.is_za_id),
    Spec("SG_NRIC", "NRIC", "S#######@", asia_pacific.is_sg_nric),
    Spec("HK_ID", "HKID", "@######(#)", asia_pacific.is_hk_id),
    Spec("JP_MY_NUMBER", "My Number", "#### #### ####", asia_pacific.is_jp_my_number),
    Spec("KR_RRN", "주민등록번호", "yymmdd-1######", asia_pacific.is_kr_rrn),
    Spec("CN_ID", "身份证", "110101yyyymmdd####", asia_pacific.is_cn_id),
    Spec("IL_ID", "teudat zehut", "#########", asia_pacific.is_il_id),
    Spec("TH_ID", "Thai ID", "1-####-#####-##-#", asia_pacific.is_th_id),
    Spec("IBAN", "IBAN", "DE####################", finance.is_iban),
    Spec("IBAN", "account", "GB## @@@@ #### #### #### ##", finance.is_iban),
    Spec("CREDIT_CARD", "card", "4### #### #### ####", finance.is_card),
    Spec("CREDIT_CARD", "card", "3782-######-#####", finance.is_card),
    Spec("CREDIT_CARD", "credit card", "6304########", finance.is_card),
    Spec("CREDIT_CARD", "cc", "36############", finance.is_card),
    Spec("CREDIT_CARD", "Visa", "4############", finance.is_card),
    Spec("CREDIT_CARD", "card number", "4##################", finance.is_card),
    Spec("IMEI", "IMEI", "35#############", checksums.is_luhn),
)

_FRAMES = (
    "My {called} is {value}, please note it.",
    "{called}: {value}",
    "Could you check whether {called} {value} is on file?",
    "Update the record: {called} = {value}\nThanks in advance.",
    "I was told to send you my {called}. It is {value}.",
)


def draw(spec: Spec, chance: random.Random, *, is_valid: bool) -> str:
    """Return a value that the check accepts, or one of the same shape that it refuses."""
    for _ in range(200_000):
        value = _fill(spec.template, chance)
        compact = "".join(each for each in value if each not in " .-/()")
        if _answer(spec.check, compact) is is_valid:
            return value
    raise AssertionError(f"no value for {spec}")


def examples(seed: int, count: int, *, is_valid: bool) -> Iterator[Example]:
    """Yield `count` texts for every kind: with a value, or with a look-alike whose checksum is broken."""
    chance = random.Random(seed)
    for spec in SPECS:
        for _ in range(count):
            value = draw(spec, chance, is_valid=is_valid)
            yield Example(chance.choice(_FRAMES).format(called=spec.called, value=value), value, spec.label)


def phones(seed: int, count: int) -> Iterator[Example]:
    """Yield texts with telephone numbers as people write them in several countries."""
    chance = random.Random(seed)
    shapes = (
        "+1 415 2## ####", "+44 20 7### ####", "+49 30 ########", "+33 6 ## ## ## ##", "(212) 5##-####", "646-5##-####", "020 7### ####",
        "0171-#######", "06 ## ## ## ##", "+91 98### #####", "+55 11 9####-####", "+81-3-####-####", "0049 89 ######", "+61 4## ### ###",
        "555.###.####", "1-800-###-####", "(0##) ####-###", "+46 70 ### ## ##", "415#######", "+353 86 ### ####", "##-##-##-##",
    )  # fmt: skip
    frames = (
        "Call me at {value}.",
        "My phone number is {value}",
        "You can reach us: {value} (mobile)",
        "Tel. {value}",
        "Text {value} when you arrive.",
    )
    for _ in range(count):
        value = _fill(chance.choice(shapes), chance)
        yield Example(chance.choice(frames).format(value=value), value, "PHONE")


def _fill(template: str, chance: random.Random) -> str:
    year, month, day = chance.randint(1941, 1999), chance.randint(1, 12), chance.randint(1, 28)
    text = template.replace("yyyy", f"{year}").replace("yy", f"{year % 100:02}").replace("mm", f"{month:02}").replace("dd", f"{day:02}")
    drawn = {"#": _DIGITS, "@": _LETTERS, "*": _LETTERS + _DIGITS}
    return "".join(chance.choice(drawn[each]) if each in drawn else each for each in text)


def _answer(check: Check, value: str) -> bool:
    try:
        return bool(check(value))
    except (ValueError, IndexError, KeyError):
        return False
