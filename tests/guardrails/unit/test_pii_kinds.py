"""Every kind is found with a valid value, and left alone when its checksum is broken."""

from __future__ import annotations

import random

import pytest
import re2

from guardrails.detectors import pii
from guardrails.engine.expression import Chain, Char, Choice, Edge, Node, Repeat, characters, parse
from guardrails.errors import BadRule
from tests.guardrails import pii_generator
from tests.guardrails.pii_talk import find_pii, hits_of

EXAMPLES = list(pii_generator.examples(11, 3, is_valid=True))
LOOK_ALIKES = list(pii_generator.examples(12, 6, is_valid=False))


def _is_found(example: pii_generator.Example) -> bool:
    start = example.text.index(example.value)
    end = start + len(example.value)
    return any(each.label == example.label and each.start <= start and each.end >= end for each in hits_of(example.text))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_valid_value_is_found_whole(example: pii_generator.Example) -> None:
    assert _is_found(example)


def test_look_alikes_with_broken_checksums_are_left_alone() -> None:
    found = [each for each in LOOK_ALIKES if hits_of(each.text)]

    assert len(found) <= 0.03 * len(LOOK_ALIKES), [each.text for each in found]


def test_telephones_of_many_countries_are_found() -> None:
    examples = list(pii_generator.phones(13, 300))

    missed = [each for each in examples if not _is_found(each)]

    assert len(missed) <= 0.03 * len(examples), [each.text for each in missed]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to john.o'neil+news@mail.example.co.uk.", [("EMAIL", "john.o'neil+news@mail.example.co.uk")]),
        ("<mailto:a_b@xn--bcher-kva.example>", [("EMAIL", "a_b@xn--bcher-kva.example")]),
        ("josé@bücher.de", [("EMAIL", "josé@bücher.de")]),
        ("发邮件到john@x.com谢谢", [("EMAIL", "john@x.com")]),
        ("用户 user@例子.中国 的", [("EMAIL", "user@例子.中国")]),
        ("from 203.0.113.7:8080 to 10.218.6.131.", [("IP_ADDRESS", "10.218.6.131"), ("IP_ADDRESS", "203.0.113.7")]),
        ("http://198.51.100.23/index", [("IP_ADDRESS", "198.51.100.23")]),
        ("peer 2001:db8::8a2e:370:7334 is up", [("IP_ADDRESS", "2001:db8::8a2e:370:7334")]),
        ("fe80::1ff:fe23:4567:890a", [("IP_ADDRESS", "fe80::1ff:fe23:4567:890a")]),
        ("4f8a:c99e:dc86:faf9:5988:5f63:375e:8a2a", [("IP_ADDRESS", "4f8a:c99e:dc86:faf9:5988:5f63:375e:8a2a")]),
        ("card 00:1B:44:11:3A:B7 seen", [("MAC_ADDRESS", "00:1B:44:11:3A:B7")]),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", [("BTC_ADDRESS", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")]),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", [("BTC_ADDRESS", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")]),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", [("ETH_ADDRESS", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", []),
        ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", [("XRP_ADDRESS", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh")]),
        ("born on 12/03/1985 in Rome", [("DATE_OF_BIRTH", "12/03/1985")]),
        ("Date of birth: March 12, 1985", [("DATE_OF_BIRTH", "March 12, 1985")]),
        ("delivered on 12/03/1985", []),
        ("SWIFT code: DEUTDEFF500", [("BIC", "DEUTDEFF500")]),
        ("Passport number: C01X00T47", [("PASSPORT", "C01X00T47")]),
        ("CVV: 123", [("CARD_SECURITY_CODE", "123")]),
        ("Medicare ID 1EG4-TE5-MK73", [("US_MBI", "1EG4-TE5-MK73")]),
        ("NINO AB 12 34 56 C", [("GB_NINO", "AB 12 34 56 C")]),
        ("PAN ABCPE1234F", [("IN_PAN", "ABCPE1234F")]),
        ("licence plate: M-AB 1234", [("LICENCE_PLATE", "M-AB 1234")]),
        ("4111  1111  1111  1111", [("CREDIT_CARD", "4111  1111  1111  1111")]),
        ("card 41-11-11-11-11-11-11-11", [("CREDIT_CARD", "41-11-11-11-11-11-11-11")]),
        ("6304 2194 4760 7087 665", [("CREDIT_CARD", "6304 2194 4760 7087 665")]),
        ("gb82west12345698765432", [("IBAN", "gb82west12345698765432")]),
        ("BE68 5390 0754 7034 TEST", [("IBAN", "BE68 5390 0754 7034")]),
    ],
)
def test_value_is_found_as_written(text: str, found: list[tuple[str, str]]) -> None:
    assert find_pii(text) == found


def test_numbers_that_prove_nothing_need_a_word_before_them() -> None:
    assert find_pii("It is 943 476 5919") == [("PHONE", "943 476 5919")]
    assert find_pii("NHS 943 476 5919") == [("GB_NHS", "943 476 5919")]
    assert find_pii("x 9434765919") == []


def _sample(node: Node, chance: random.Random) -> str:
    if isinstance(node, Edge):
        return ""
    if isinstance(node, Char):
        return node.literal or chance.choice([each for each in sorted(characters(node)[0]) if each.isprintable()])
    if isinstance(node, Chain):
        return "".join(_sample(part, chance) for part in node.parts)
    if isinstance(node, Choice):
        return _sample(chance.choice(node.options), chance)
    if isinstance(node, Repeat):
        most = node.least + 3 if node.most is None else min(node.most, node.least + 8)
        return "".join(_sample(node.part, chance) for _ in range(chance.randint(node.least, most)))
    return _sample(node.part, chance)


def test_every_match_contains_a_trigger() -> None:
    chance = random.Random(5)
    without = []
    for pattern in pii.build(pii.Parameters(also=("places",))).patterns:
        node = parse(pattern.expression)
        expression = re2.compile(pattern.expression.encode())
        triggers = [re2.compile(each.encode()) for each in pattern.triggers]
        for _ in range(40):
            match = expression.search(_sample(node, chance).encode())
            if match is not None and not any(each.search(match.group(0)) for each in triggers):
                without.append((pattern.name, match.group(0)))

    assert without == []


def test_there_are_enough_kinds_with_unique_names() -> None:
    patterns = pii.build(pii.Parameters()).patterns

    assert len(pii.KINDS) == len({kind.name for kind in pii.KINDS}) >= 100
    assert len({each.name for each in patterns}) == len(patterns)


def test_parameters_choose_kinds_families_and_regions() -> None:
    def labels(**parameters: object) -> set[str]:
        return {each.label for each in pii.build(pii.Parameters(**parameters)).patterns}

    assert labels(include=("email", "iban")) == {"EMAIL", "IBAN"}
    assert labels(include=("contact",), exclude=("phone",)) == {"EMAIL"}
    assert "PL_PESEL" not in labels(regions=("us",))
    assert {"US_SSN", "EMAIL"} <= labels(regions=("us",))
    assert "US_ZIP" not in labels()
    assert "US_ZIP" in labels(also=("us_zip",))
    assert labels(include=("passport",), minimum_score=0.95) == set()


@pytest.mark.parametrize("parameters", [{"include": ("nonsense",)}, {"exclude": ("nonsense",)}, {"regions": ("xx",)}])
def test_unknown_names_are_refused(parameters: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(BadRule, match="There is no"):
        pii.build(pii.Parameters(**parameters))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_a_text_with_a_finding_is_never_called_impossible(example: pii_generator.Example) -> None:
    patterns = {each.name: each for each in pii.build(pii.Parameters()).patterns}
    written = (example.text, example.text.upper(), example.text.replace(" ", "_"), f"é{example.text}")

    refused = [
        hit.pattern
        for text in written
        for hit in hits_of(text)
        if (needs := patterns[hit.pattern].needs) is not None and needs.words.isdisjoint(needs.find(text.encode()))
    ]

    assert refused == []
