"""Identifiers that Asian, African and Pacific states give out."""

from __future__ import annotations

from guardrails.detectors.pii_kinds.kind import LETTER_FOUR, PAIR, Check, Family, Kind, Need, Shape, plain, run, written
from guardrails.validators import asia_pacific as check


def _kind(name: str, title: str, words: str, *shapes: Shape, family: Family = "government") -> Kind:
    return Kind(name, family, shapes, title, name[:2], words)


def _letters(expression: str, need: Need, checks: Check | None, trigger: str) -> Shape:
    return written(rf"(?i:{expression})", need, checks, trigger=trigger)


def _is_grouped_aadhaar(digits: str) -> bool:
    """Not a row of years: `2345 6789 0124`."""
    years = [digits[at : at + 4] for at in (0, 4, 8)]
    return check.is_in_aadhaar(digits) and not all("1800" <= each <= "2100" for each in years)


KINDS = (
    _kind(
        "in_aadhaar",
        "Indian Aadhaar number",
        "aadhaar* aadhar* adhar* uid uidai* vid आधार",
        plain(12, "own", check.is_in_aadhaar, start="[2-9]"),
        written(r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", "calm", _is_grouped_aadhaar, trigger=r"\d{4}[ -]\d{4}[ -]\d{4}"),
    ),
    _kind(
        "in_pan",
        "Indian permanent account number",
        "pan permanent_account* income_tax*",
        written(r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "calm", score=0.8, trigger=r"[A-Z]{5}\d{4}[A-Z]"),
        family="tax",
    ),
    _kind(
        "in_gstin",
        "Indian goods and services tax number",
        "gstin* gst*",
        _letters(r"\d\d[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]", "nothing", check.is_in_gstin, r"\d\d[A-Za-z]{5}\d{4}"),
        family="tax",
    ),
    _kind("in_voter", "Indian voter card", "voter* epic election*", written(r"[A-Z]{3}\d{7}", "named", trigger=run(7))),
    _kind(
        "au_tfn",
        "Australian tax file number",
        "tfn* tax_file*",
        plain(9, "own", check.is_au_tfn),
        plain(8, "own", check.is_au_tfn),
        written(r"\d{3}[ -]\d{3}[ -]\d{2,3}", "own", check.is_au_tfn, trigger=PAIR),
        family="tax",
    ),
    _kind(
        "au_abn",
        "Australian business number",
        "abn* australian_business*",
        plain(11, "own", check.is_au_abn),
        written(r"\d\d \d{3} \d{3} \d{3}", "own", check.is_au_abn),
        family="tax",
    ),
    _kind(
        "au_acn",
        "Australian company number",
        "acn* australian_company*",
        plain(9, "own", check.is_au_acn),
        written(r"\d{3} \d{3} \d{3}", "own", check.is_au_acn),
        family="tax",
    ),
    _kind(
        "au_medicare",
        "Australian health card",
        "medicare*",
        plain(10, "own", check.is_au_medicare, start="[2-6]"),
        written(r"[2-6]\d{3}[ -]\d{5}[ -]\d(?:[ -/]\d)?", "own", check.is_au_medicare),
        family="health",
    ),
    _kind(
        "nz_ird",
        "New Zealand tax number",
        "ird* inland_revenue*",
        plain(9, "own", check.is_nz_ird),
        plain(8, "own", check.is_nz_ird),
        written(r"\d{2,3}-\d{3}-\d{3}", "own", check.is_nz_ird, trigger=PAIR),
        family="tax",
    ),
    _kind(
        "nz_nhi",
        "New Zealand health number",
        "nhi* health*",
        written(r"[A-HJ-NP-Z]{3}\d{4}", "own", check.is_nz_nhi, trigger=LETTER_FOUR),
        family="health",
    ),
    _kind(
        "za_id",
        "South African identity number",
        "said rsa sa_id identity* id_number*",
        plain(13, "soft", check.is_za_id),
        written(r"\d{6} \d{4} \d{3}", "calm", check.is_za_id, trigger=r"\d{6} \d{4} \d{3}"),
    ),
    _kind(
        "sg_nric",
        "Singaporean identity number",
        "nric* fin",
        _letters(r"[STFGM]\d{7}[A-Z]", "calm", check.is_sg_nric, r"[STFGMstfgm]\d{7}[A-Za-z]"),
    ),
    _kind(
        "hk_id",
        "Hong Kong identity card",
        "hkid* hk_id*",
        written(r"[A-Z]{1,2}\d{6}\([0-9A]\)", "nothing", check.is_hk_id, trigger=r"\d{6}\("),
        written(r"[A-Z]{1,2}\d{6}[0-9A]", "own", check.is_hk_id, trigger=run(6)),
    ),
    _kind(
        "jp_my_number",
        "Japanese individual number",
        "my_number* mynumber* individual_number* kojin* マイナンバー 個人番号",
        plain(12, "own", check.is_jp_my_number),
        written(r"\d{4}[ -]\d{4}[ -]\d{4}", "own", check.is_jp_my_number),
    ),
    _kind(
        "kr_rrn",
        "Korean resident number",
        "rrn resident_reg* jumin* 주민",
        written(r"\d{6}-[1-8]\d{6}", "calm", check.is_kr_rrn, trigger=r"\d{6}[-+]\d{4}"),
        plain(13, "own", check.is_kr_rrn),
    ),
    _kind(
        "kr_brn",
        "Korean business number",
        "brn business_reg* business_number* 사업자",
        written(r"\d{3}-\d\d-\d{5}", "own", check.is_kr_brn),
        family="tax",
    ),
    _kind(
        "cn_id",
        "Chinese resident identity number",
        "resident* shenfen* 身份证 居民",
        _letters(r"[1-8]\d{16}[0-9X]", "nothing", check.is_cn_id, r"\d{17}"),
    ),
    _kind(
        "tw_id",
        "Taiwanese identity number",
        "national_id* identity* id_card* arc 身分證",
        written(r"[A-Z][1289]\d{8}", "own", check.is_tw_id, trigger=run(9)),
    ),
    _kind(
        "il_id",
        "Israeli identity number",
        "teudat* zehut tz id_number* identity* תעודת זהות",
        plain(9, "own", check.is_il_id),
        written(r"\d{8}-\d", "own", check.is_il_id),
    ),
    _kind(
        "th_id",
        "Thai identity number",
        "thai* citizen* บัตร ประชาชน",
        plain(13, "own", check.is_th_id, start="[1-8]"),
        written(r"[1-8]-\d{4}-\d{5}-\d\d-\d", "nothing", check.is_th_id, trigger=r"\d-\d{4}-\d{5}"),
    ),
    _kind(
        "my_kad",
        "Malaysian identity card",
        "mykad* nric* ic kad_pengenalan*",
        written(r"\d{6}-\d\d-\d{4}", "calm", check.is_my_kad, trigger=r"\d{6}-\d\d-\d"),
        plain(12, "own", check.is_my_kad),
    ),
    _kind("id_nik", "Indonesian identity number", "nik ktp* penduduk*", plain(16, "own", check.is_id_nik)),
    _kind(
        "pk_cnic",
        "Pakistani identity card",
        "cnic* nadra*",
        written(r"\d{5}-\d{7}-\d", "calm", check.is_pk_cnic, trigger=r"\d{3}-\d{7}"),
        plain(13, "own", check.is_pk_cnic),
    ),
    _kind(
        "ae_id",
        "Emirates identity number",
        "emirates* eid",
        plain(15, "calm", check.is_ae_id, start="7"),
        written(r"784-\d{4}-\d{7}-\d", "nothing", check.is_ae_id, trigger=r"784-\d{4}"),
    ),
    _kind("sa_id", "Saudi identity number", "iqama* national_id* saudi*", plain(10, "own", check.is_sa_id, start="[12]")),
    _kind("eg_id", "Egyptian identity number", "national_id* raqam*", plain(14, "own", check.is_eg_id, start="[23]")),
    _kind("kz_iin", "Kazakh individual number", "iin иин жсн", plain(12, "own", check.is_kz_iin)),
)
