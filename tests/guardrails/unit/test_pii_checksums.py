"""Checksums against numbers that the issuers themselves publish as examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.validators import americas, asia_pacific, checksums, crypto, europe, finance, vat

EXAMPLES: list[tuple[Callable[[str], bool], str, str]] = [
    (finance.is_card, "4111111111111111", "4111111111111112"),
    (finance.is_card, "6304219447607087665", "6304219447607087666"),
    (finance.is_iban, "GB82WEST12345698765432", "GB82WEST12345698765433"),
    (finance.is_aba, "021000021", "021000022"),
    (finance.is_clabe, "032180000118359719", "032180000118359718"),
    (americas.is_us_npi, "1245319599", "1245319598"),
    (americas.is_us_dea, "AB1234563", "AB1234564"),
    (americas.is_vin, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
    (americas.is_ca_sin, "130692544", "130692545"),
    (americas.is_br_cpf, "39053344705", "39053344706"),
    (americas.is_br_cnpj, "16727230000197", "16727230000198"),
    (americas.is_cl_rut, "125319092", "125319093"),
    (americas.is_mx_curp, "BOXW310820HNERXN09", "BOXW310820HNERXN08"),
    (americas.is_mx_rfc, "GODE561231GR8", "GODE561231GR9"),
    (europe.is_de_tax_id, "36574261809", "36574261890"),
    (europe.is_de_id_card, "T220001293", "T220001294"),
    (europe.is_de_pension, "15070649C103", "15070649C104"),
    (europe.is_es_dni, "54362315K", "54362315Z"),
    (europe.is_es_nie, "X2482300W", "X2482300A"),
    (europe.is_it_codice_fiscale, "RCCMNL83S18D969H", "RCCMNL83S18D969K"),
    (europe.is_pl_pesel, "44051401359", "44051401358"),
    (europe.is_fr_nir, "295109912611193", "295109912611199"),
    (europe.is_nl_bsn, "111222333", "111252333"),
    (europe.is_be_national, "85073003328", "85073003329"),
    (europe.is_ch_uid, "CHE100155212", "CHE100155213"),
    (europe.is_gb_nhs, "9434765870", "9434765871"),
    (europe.is_ie_pps, "6433435F", "6433435E"),
    (europe.is_se_personal, "8803200016", "8803200018"),
    (europe.is_se_personal, "880320+0016", "880320+0018"),
    (europe.is_fi_hetu, "131052308T", "131052308U"),
    (europe.is_no_birth_number, "15108695088", "15108695077"),
    (europe.is_ro_cnp, "1630615123457", "1630615123458"),
    (europe.is_bg_egn, "7523169263", "7552010004"),
    (europe.is_tr_id, "17291716060", "17291716050"),
    (europe.is_hr_oib, "33392005961", "33392005962"),
    (europe.is_ru_snils, "11223344595", "11223344596"),
    (vat.is_vat, "DE136695976", "DE136695978"),
    (vat.is_vat, "ATU13585627", "ATU13585626"),
    (vat.is_vat, "NL004495445B01", "NL123456790B90"),
    (asia_pacific.is_in_aadhaar, "234123412346", "234123412347"),
    (asia_pacific.is_in_gstin, "27AAPFU0939F1ZV", "27AAPFU0939F1ZW"),
    (asia_pacific.is_au_tfn, "123456782", "123456783"),
    (asia_pacific.is_au_abn, "83914571673", "99999999999"),
    (asia_pacific.is_sg_nric, "S1234567D", "S1234567A"),
    (asia_pacific.is_hk_id, "A1234563", "A1234564"),
    (asia_pacific.is_jp_my_number, "123456789018", "123456789012"),
    (asia_pacific.is_kr_rrn, "9710139019902", "9710139019903"),
    (asia_pacific.is_cn_id, "11010519491231002X", "110105194912310021"),
    (asia_pacific.is_tw_id, "A123456789", "A123456788"),
    (asia_pacific.is_za_id, "7503305044089", "7503305044088"),
    (crypto.is_bitcoin, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
    (crypto.is_tron, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"),
    (
        crypto.is_bech32,
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj9",
    ),
    (checksums.is_verhoeff, "2363", "2364"),
]


@pytest.mark.parametrize(("check", "valid", "broken"), EXAMPLES, ids=lambda value: getattr(value, "__name__", value))
def test_checksum_accepts_the_published_number_and_refuses_a_slip(check: Callable[[str], bool], valid: str, broken: str) -> None:
    assert check(valid) is True
    assert check(broken) is False


def test_keccak_is_the_one_of_before_the_standard() -> None:
    assert crypto.keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
