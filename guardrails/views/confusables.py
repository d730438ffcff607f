"""
Letters that look like Latin ones.

Rules: written by us, by the look in common fonts. `STRICT` holds the pairs that nobody can tell apart: words that mix them with Latin
letters were made to deceive. The others are only folded, in words that mix scripts.
Source: UTS #39 (the idea of mixed-script detection)
"""

from __future__ import annotations

import unicodedata


def _pairs(text: str) -> dict[str, str]:
    return {each[0]: each[1] for each in text.split()}


_CYRILLIC_STRICT = _pairs("аa сc еe оo рp хx уy іi јj ѕs ԁd һh ӏl ԛq ԝw АA ВB ЕE КK МM НH ОO РP СC ТT УY ХX ІI ЈJ ЅS ҮY ԌG ӀI")
_GREEK_STRICT = _pairs("οo νv ϲc ϳj ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC ͿJ")
_OTHER_STRICT = _pairs("օo հh ոn սu ցg յj զq ՍU ՕO ՏS ᎠD ᎡR ᎢT ᎪA ᎫJ ᎬE ᎷM ᎻH ᏀG ᏃZ ᏚS ᏙV ᏞL ᏟC ᏢP ᏦK ᏴB ꓐB ꓑP ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM "
                       "ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU")  # fmt: skip
STRICT = _CYRILLIC_STRICT | _GREEK_STRICT | _OTHER_STRICT

_LOOSE = _pairs(
    "вb кk мm нh тt гr пn ьb ъb ыb иu йu лn дd зz ґr ѵv үy ұy бb яr шw щw цu фf жx чy юo эe єe ғf қk ңh өo ҡk ҝk ҫc ҳx ҷy "
    "ӓa ёe їi ўy ѐe ѝu ѡw ԍg "
    "ЁE ЇI ЎY ЗZ ЯR ИN ЬB ГR ЛN ШW ЩW ЦU ФF БB ДD ПN УY ҚK ҢH ҒF ҲX ЄE "
    "αa βb γy δd εe ζz ηn θo ιi κk λl μu ξe πn ρp ςs σo τt υu φf χx ψw ωw άa έe ήn ίi όo ύu ώw ϊi ϋu ϐb ϵe ϑo ϱp "
    "ΓR ΔA ΛA ΣE ΦF ΨW ΩO ΘO ΠN ΞE ΆA ΈE ΉH ΊI ΌO ΎY ΏO աw գq քp ւi զq փp ღm ყy"
)
CONFUSABLE = _LOOSE | STRICT

_STYLED = _pairs(
    "ᴀa ɑa ɐa ɒa ʙb ƀb ɓb ƃb ᴄc ɔc ƈc ᴅd ɖd ɗd đd ᴇe ǝe ɘe əe ɛe ꜰf ƒf ɟf ɡg ɢg ɠg ʜh ɦh ħh ɥh ıi ɪi ɨi ᴉi ɩi ᴊj ȷj ʝj ɾj ᴋk ʞk ƙk "
    "ʟl ɭl łl ɫl ᴍm ɯm ɱm ɴn ɲn ɳn ŋn "
    "ᴏo øo ɵo ᴘp ƥp ꞯq ʠq ʀr ɹr ɼr ɽr ꜱs ʂs ſs ᴛt ʇt ŧt ƭt ʈt ᴜu ʉu ʊu ᴠv ʌv ʋv ᴡw ʍw ʏy ʎy ɏy ᴢz ʐz ʑz ƶz ׀l ɿr ןl ʃl "
    "ØO ĐD ŁL ĦH ŦT ƁB ƇC ƊD ƑF ƓG ƘK ƝN ƤP ƬT ƳY ƵZ ɎY ȺA ɃB ȻC ɆE ɈJ ȽL ɌR ȾT ɄU ƎE ∀A ⅄Y ⅁G"
)
"""Small capitals, letters upside down, with strokes and hooks: Latin already, so they are folded wherever they stand."""

_MARKS = ((0x300, 0x370), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE20, 0xFE30))
"""Combining marks of no script in particular. Those that belong to one (Arabic, Hebrew, Indic) are letters to their readers."""


def letters_table() -> dict[int, str]:
    """Return what takes accents, marks and styles off Latin letters, for `str.translate`. Cost: 2 ms, once."""
    table = {ord(written): plain for written, plain in _STYLED.items()}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            table[code] = base
    for first, end in _MARKS:
        table.update(dict.fromkeys(range(first, end), ""))
    table.update({0x1F1E6 + index: chr(97 + index) for index in range(26)})
    return table
