from __future__ import annotations

import pytest

from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule
from tests.detector_runner import found_in

_PARAMETERS = {
    "competitors": [
        {"name": "Northwind Traders", "aliases": ["NorthDesk"], "domains": ["northwind.example"]},
        {"name": "Delta", "is_ordinary_word": True, "never": ["delta variant", "delta table"], "context": ["flight", "airline"]},
        {"name": "Ünal", "domains": ["ünal.example"]},
    ],
    "context": ["fare", "booking"],
}


@pytest.fixture(scope="module")
def detector():
    return build_detector("competitors", _PARAMETERS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Is Northwind Traders cheaper?", ["Northwind Traders"]),
        ("NORTHWIND-TRADERS' prices", ["NORTHWIND-TRADERS"]),
        ("northwind traders’s offer and NorthDesk's app", ["northwind traders", "NorthDesk"]),
        ("see https://shop.northwind.example/x", ["shop.northwind.example"]),
        ("mail me at bob@northwind.example.", ["northwind.example"]),
        ("ünal ist gut, ÜNAL auch", ["ünal", "ÜNAL"]),
        ("I prefer to fly with Delta these days.", ["Delta"]),
        ("is the delta fare refundable?", ["delta"]),
        ("Delta has the better flight times.", ["Delta"]),
    ],
)
def test_name_is_found_in_the_forms_people_write(detector, text, found):
    assert found_in(detector, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "The delta of the Nile is fertile.",
        "Delta is the fourth Greek letter.",
        "the Delta variant spread quickly",
        "DELTA AND GAMMA ARE LETTERS",
        "Write the delta table to disk with Spark.",
        "compute the delta between both values",
        "a northwind blew; the traders left",
        "notnorthwind.example or northwind.example-site.test",
        "Le delta du Rhône est magnifique en été.",
        "Дельта Волги очень красива.",
        "三角洲很美",
    ],
)
def test_ordinary_words_are_left_alone(detector, text):
    assert found_in(detector, text) == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"competitors": []}, "names nobody"),
        ({"competitors": [{"name": " "}]}, "empty word"),
        ({"competitors": [{"name": "A", "domains": ["https://a.example/x"]}]}, "is no domain"),
        ({"competitors": [{"name": "A"}, {"name": "A"}]}, "same name"),
    ],
)
def test_bad_list_is_refused_with_a_reason(parameters, said):
    with pytest.raises(BadRule, match=said):
        build_detector("competitors", parameters)
