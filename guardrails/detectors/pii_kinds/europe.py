"""Identifiers that European states give out."""

from __future__ import annotations

from guardrails.detectors.pii_kinds.kind import LETTER_FOUR, NINE_DIGITS, Check, Family, Kind, Need, Shape, plain, run, written
from guardrails.validators import europe as check
from guardrails.validators.checksums import is_ean
from guardrails.validators.vat import VAT, is_vat, is_vat_of_any_shape

_VAT_EXPRESSION = "|".join(rf"{country}{shape}" for country, (shape, _) in VAT.items())


def _kind(name: str, title: str, words: str, *shapes: Shape, family: Family = "government") -> Kind:
    return Kind(name, family, shapes, title, name[:2], words)


def _letters(expression: str, need: Need, checks: Check, trigger: str) -> Shape:
    return written(rf"(?i:{expression})", need, checks, trigger=trigger)


KINDS = (
    Kind(
        "eu_vat",
        "tax",
        (
            written(_VAT_EXPRESSION, "own", is_vat, trigger=LETTER_FOUR),
            written(r"(?:DE|BE|NL|PL|FR)[ ]?\d{3}[. ]?\d{3}[. ]?\d{3}(?:[ ]?B\d\d)?", "own", is_vat_of_any_shape, trigger=NINE_DIGITS),
        ),
        "VAT number",
        words="vat ust* umsatzsteuer* mwst* tva iva piva partita* btw moms alv dph dic pvn pvm afa nip nif tax* fiscal* steuer* "
        "identif* id tva* uid",
    ),
    _kind(
        "de_tax_id",
        "German tax number",
        "steuer* tax* tin idnr identifikation* stid* finanzamt",
        plain(11, "own", check.is_de_tax_id, start="[1-9]"),
        written(r"[1-9]\d[ ]\d{3}[ ]\d{3}[ ]\d{3}", "calm", check.is_de_tax_id, trigger=r"\d \d{3} \d{3} \d{3}"),
        family="tax",
    ),
    _kind(
        "de_id_card",
        "German identity card or passport",
        "ausweis* personalausweis* perso reisepass* pass passport* identity* id_card* serial* german_id*",
        written(r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d", "own", check.is_de_id_card, trigger=r"[A-Z0-9]{8}\d"),
    ),
    _kind(
        "de_pension",
        "German pension insurance number",
        "rentenversicherung* sozialversicherung* svnr versicherungsnummer* rvnr rv pension* social*",
        written(r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", "soft", check.is_de_pension, trigger=run(6)),
    ),
    _kind(
        "de_health",
        "German health insurance number",
        "krankenversicher* kvnr krankenkasse* versichertennummer* gesundheitskarte health* insurance* egk",
        written(r"[A-Z]\d{9}", "own", check.is_de_health, trigger=run(9)),
        family="health",
    ),
    _kind(
        "es_dni",
        "Spanish identity number",
        "dni nif documento* identidad",
        _letters(r"\d{8}[ -]?[A-HJ-NP-TV-Z]", "calm", check.is_es_dni, r"\d{8}[ -]?[A-Za-z]"),
        _letters(r"\d{2}\.\d{3}\.\d{3}[ -]?[A-HJ-NP-TV-Z]", "calm", check.is_es_dni, r"\d\d\.\d{3}\.\d{3}[ -]?[A-Za-z]"),
    ),
    _kind(
        "es_nie",
        "Spanish number of a foreigner",
        "nie nif extranjer*",
        _letters(r"[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]", "calm", check.is_es_nie, r"[XYZxyz][ -]?\d{7}"),
    ),
    _kind(
        "es_cif",
        "Spanish company tax number",
        "cif nif empresa*",
        _letters(r"[A-HJNPQRSUVW]-?\d{7}-?[0-9A-J]", "own", check.is_es_cif, run(7)),
        family="tax",
    ),
    _kind(
        "it_codice_fiscale",
        "Italian tax code",
        "codice* fiscale* cf",
        _letters(
            r"[A-Z]{6}\d\d[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]",
            "nothing",
            check.is_it_codice_fiscale,
            r"[A-Za-z]\d\d[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{2}[A-Za-z]",
        ),
    ),
    _kind("it_vat", "Italian VAT number", "partita* iva piva vat", plain(11, "own", check.is_it_vat), family="tax"),
    _kind("pl_pesel", "Polish personal number", "pesel*", plain(11, "soft", check.is_pl_pesel)),
    _kind(
        "pl_nip",
        "Polish tax number",
        "nip podatk* vat",
        plain(10, "own", check.is_pl_nip),
        written(r"\d{3}-\d{3}-\d\d-\d\d|\d{3}-\d\d-\d\d-\d{3}", "own", check.is_pl_nip),
        family="tax",
    ),
    _kind(
        "pl_regon", "Polish company number", "regon*", plain(9, "own", check.is_pl_regon), plain(14, "own", check.is_pl_regon), family="tax"
    ),
    _kind(
        "pl_id_card",
        "Polish identity card",
        "dowod* dowód* identity* id_card* osobist*",
        written(r"[A-Z]{3} ?\d{6}", "own", check.is_pl_id_card, trigger=run(6)),
    ),
    _kind(
        "fr_nir",
        "French social security number",
        "nir insee securite* sécurit* ssn secu social*",
        plain(15, "calm", check.is_fr_nir, start="[1-478]"),
        written(
            r"[1-478][ .-]\d\d[ .-]?\d\d[ .-]?(?:\d\d|2[ABab])[ .-]?\d{3}[ .-]?\d{3}[ .-]?\d\d",
            "calm",
            check.is_fr_nir,
            trigger=r"\b[1-478][ .-]\d\d[ .-]?\d\d[ .-]?\d",
        ),
    ),
    _kind(
        "fr_spi",
        "French tax number",
        "spi fiscal* impot* impôt* tax* numero_fiscal",
        plain(13, "own", check.is_fr_spi, start="[0-3]"),
        written(r"[0-3]\d \d\d \d{3} \d{3} \d{3}", "own", check.is_fr_spi),
        family="tax",
    ),
    _kind(
        "fr_siren",
        "French company number",
        "siren*",
        plain(9, "own", check.is_fr_siren),
        written(r"\d{3} \d{3} \d{3}", "own", check.is_fr_siren),
        family="tax",
    ),
    _kind(
        "fr_siret",
        "French establishment number",
        "siret*",
        plain(14, "own", check.is_fr_siren),
        written(r"\d{3} \d{3} \d{3} \d{5}", "own", check.is_fr_siren),
        family="tax",
    ),
    _kind(
        "nl_bsn",
        "Dutch citizen service number",
        "bsn burgerservice* sofi* sofinummer*",
        plain(9, "own", check.is_nl_bsn),
        plain(8, "own", check.is_nl_bsn),
        written(r"\d{4}[. ]\d\d[. ]\d{3}", "own", check.is_nl_bsn),
    ),
    _kind(
        "be_national",
        "Belgian national number",
        "rijksregister* registre* nrn insz niss rrn national* nationaal*",
        plain(11, "soft", check.is_be_national),
        written(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", "nothing", check.is_be_national, trigger=r"\d\d\.\d\d\.\d\d-"),
    ),
    _kind(
        "pt_nif",
        "Portuguese tax number",
        "nif contribuinte* nipc fiscal*",
        plain(9, "own", check.is_pt_nif),
        written(r"\d{3} \d{3} \d{3}", "own", check.is_pt_nif),
        family="tax",
    ),
    _kind(
        "pt_card",
        "Portuguese citizen card",
        "cartao* cartão* cidadao* cidadão* cc identity* citizen*",
        written(r"\d{8} ?\d ?[A-Z0-9]{2}\d", "own", check.is_pt_card, trigger=NINE_DIGITS),
    ),
    _kind(
        "at_insurance",
        "Austrian social insurance number",
        "svnr sozialversicherung* sv_nummer* versicherung* ssn social* insurance*",
        plain(10, "soft", check.is_at_insurance, start="[1-9]"),
        written(r"\d{4}[ -]\d{6}", "soft", check.is_at_insurance),
    ),
    _kind(
        "ch_ahv",
        "Swiss social insurance number",
        "ahv* avs oasi",
        written(r"756\d{10}", "nothing", is_ean, trigger=r"756\d{10}"),
        written(r"756\.\d{4}\.\d{4}\.\d\d", "nothing", is_ean, trigger=r"756\.\d{4}"),
    ),
    _kind(
        "ch_uid",
        "Swiss company number",
        "uid mwst ide",
        written(r"CHE[- ]?\d{3}\.?\d{3}\.?\d{3}", "nothing", check.is_ch_uid, trigger=r"CHE[- ]?\d{3}"),
        family="tax",
    ),
    _kind(
        "gb_nhs",
        "British health service number",
        "nhs* health_service* patient*",
        plain(10, "own", check.is_gb_nhs),
        written(r"\d{3}[ -]\d{3}[ -]\d{4}", "own", check.is_gb_nhs),
        family="health",
    ),
    _kind(
        "gb_nino",
        "British national insurance number",
        "nino ni national_insurance*",
        _letters(
            r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]",
            "calm",
            check.is_gb_nino,
            r"\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-Da-d]",
        ),
    ),
    _kind(
        "gb_utr",
        "British tax reference",
        "utr unique_taxpayer* taxpayer* self_assessment* tax_ref*",
        plain(10, "own", check.is_gb_utr),
        written(r"\d{5} \d{5}", "own", check.is_gb_utr),
        family="tax",
    ),
    _kind(
        "gb_driver",
        "British driving licence",
        "driv* licen* dvla",
        _letters(
            r"[A-Z9]{5}\d[0156]\d{4}[A-Z9]{2}[A-Z0-9][A-Z]{2}(?: ?\d\d)?",
            "calm",
            check.is_gb_driver,
            r"\d{6}[A-Za-z9]{2}[A-Za-z0-9][A-Za-z]{2}",
        ),
    ),
    _kind(
        "ie_pps",
        "Irish public service number",
        "pps* ppsn* personal_public* irish*",
        _letters(r"\d{7}[A-W][A-IW]?", "own", check.is_ie_pps, run(6)),
    ),
    _kind(
        "se_personal",
        "Swedish personal number",
        "personnummer* samordning* personal_number* pnr personal_identity*",
        written(r"(?:(?:19|20)\d{6}|\d{6})[-+]\d{4}", "calm", check.is_se_personal, trigger=r"\d{6}[-+]\d{4}"),
        plain(12, "own", check.is_se_personal),
        plain(10, "own", check.is_se_personal),
    ),
    _kind(
        "se_company",
        "Swedish company number",
        "organisationsnummer* orgnr org_nr org company*",
        written(r"\d{6}-\d{4}", "own", check.is_se_company),
        plain(10, "own", check.is_se_company),
        family="tax",
    ),
    _kind(
        "fi_hetu",
        "Finnish personal code",
        "hetu henkilötunnus* henkilotunnus*",
        _letters(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", "nothing", check.is_fi_hetu, r"\d{6}[-+A-Fa-fU-Yu-y]\d{3}[0-9A-Za-z]"),
    ),
    _kind(
        "fi_company",
        "Finnish company number",
        "tunnus* ytunnus* business_id* fo_nummer",
        written(r"\d{7}-\d", "own", check.is_fi_company, trigger=run(7)),
        family="tax",
    ),
    _kind(
        "dk_cpr",
        "Danish personal number",
        "cpr* personnummer* personal_number*",
        written(r"\d{6}-\d{4}", "own", check.is_dk_cpr),
        plain(10, "own", check.is_dk_cpr),
    ),
    _kind(
        "no_birth_number",
        "Norwegian birth number",
        "fodselsnummer* fødselsnummer* personnummer* birth_number*",
        plain(11, "soft", check.is_no_birth_number),
        written(r"\d{6} \d{5}", "soft", check.is_no_birth_number),
    ),
    _kind(
        "no_company",
        "Norwegian company number",
        "orgnr organisasjonsnummer* org_nr mva company*",
        plain(9, "own", check.is_no_company, start="[89]"),
        written(r"[89]\d\d \d{3} \d{3}", "own", check.is_no_company),
        family="tax",
    ),
    _kind(
        "cz_birth_number",
        "Czech or Slovak birth number",
        "rodne* rodné* rc birth_number* personal_number*",
        written(r"\d{6}/\d{3,4}", "calm", check.is_cz_birth_number, trigger=r"\d{6}/\d{3}"),
        plain(10, "own", check.is_cz_birth_number),
    ),
    _kind("ro_cnp", "Romanian personal code", "cnp cod_numeric* personal*", plain(13, "soft", check.is_ro_cnp, start="[1-9]")),
    _kind("bg_egn", "Bulgarian civil number", "egn егн uniform_civil* civil_number* personal_number*", plain(10, "own", check.is_bg_egn)),
    _kind("gr_afm", "Greek tax number", "afm αφμ vat tax*", plain(9, "own", check.is_gr_afm), family="tax"),
    _kind("gr_amka", "Greek social security number", "amka αμκα", plain(11, "own", check.is_gr_amka)),
    _kind("tr_id", "Turkish identity number", "tckn tc kimlik* vatanda*", plain(11, "soft", check.is_tr_id, start="[1-9]")),
    _kind("hr_oib", "Croatian personal number", "oib osobni*", plain(11, "own", check.is_hr_oib)),
    _kind("si_emso", "Slovenian or Yugoslav citizen number", "emso emšo jmbg* umcn maticni* matični*", plain(13, "soft", check.is_jmbg)),
    _kind("si_tax", "Slovenian tax number", "davcna* davčna* ddv", plain(8, "own", check.is_si_tax), family="tax"),
    _kind(
        "ee_personal",
        "Estonian or Lithuanian personal code",
        "isikukood* asmens* personal_code* ik",
        plain(11, "soft", check.is_baltic_personal, start="[1-6]"),
    ),
    _kind(
        "lv_personal",
        "Latvian personal code",
        "personas* personal_code* pk",
        written(r"\d{6}-\d{5}", "own", check.is_lv_personal),
        plain(11, "own", check.is_lv_personal),
    ),
    _kind(
        "hu_tax_id",
        "Hungarian tax number of a person",
        "adoazonosito* adóazonosít* adoszam* adójel*",
        plain(10, "own", check.is_hu_tax_id, start="8"),
        family="tax",
    ),
    _kind(
        "is_kennitala",
        "Icelandic identity number",
        "kennitala* kt",
        written(r"\d{6}-\d{4}", "own", check.is_is_kennitala),
        plain(10, "own", check.is_is_kennitala),
    ),
    _kind(
        "ru_inn",
        "Russian tax number",
        "inn инн taxpayer*",
        plain(10, "own", check.is_ru_inn),
        plain(12, "own", check.is_ru_inn),
        family="tax",
    ),
    _kind(
        "ru_snils",
        "Russian pension number",
        "snils снилс",
        written(r"\d{3}-\d{3}-\d{3}[ -]\d\d", "nothing", check.is_ru_snils, trigger=r"\d{3}-\d{3}-\d{3}[ -]\d"),
        plain(11, "own", check.is_ru_snils),
    ),
    _kind("ua_tax", "Ukrainian tax number", "rnokpp рнокпп іпн ипн rntrc taxpayer*", plain(10, "own", check.is_ua_tax), family="tax"),
)
