from __future__ import annotations

import pytest

from guardrails.detectors.registry import build_detector
from guardrails.errors import BadRule
from tests.detector_runner import run

_CODE = {
    "python": "def add(a, b):\n    return a + b\n\nprint(add(1, 2))\n",
    "javascript": "const fs = require('fs');\nfunction show(a) {\n  console.log(a);\n}\n",
    "java": "public class Main {\n  public static void main(String[] args) {\n    System.out.println(1);\n  }\n}",
    "c": '#include <stdio.h>\nint main(void) {\n  printf("hi");\n  return 0;\n}',
    "csharp": 'using System;\nnamespace Foo {\n  class A { static void Main() { Console.WriteLine("x"); } }\n}',
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("x")\n}',
    "rust": 'fn main() {\n    let mut x = 5;\n    println!("{}", x);\n}',
    "php": "<?php\n$x = 5;\necho $x;\n",
    "ruby": "require 'json'\ndef hello\n  puts 'x'\nend\n",
    "swift": "import SwiftUI\nfunc go(a: Int) -> Int {\n  guard let x = y else { return 0 }\n}",
    "kotlin": "data class A(val x: Int)\nfun main() {\n  val y = 3\n}",
    "sql": "SELECT id, name FROM users WHERE id = 3;",
    "shell": "#!/bin/bash\nfor f in *.txt; do\n  cat $f | grep x\ndone",
    "html": '<html><body><div class="a">x</div></body></html>',
}


@pytest.fixture(scope="module")
def detector():
    return build_detector("code", {})


@pytest.mark.parametrize("language", _CODE)
def test_code_is_found_bare_and_in_a_fence(detector, language):
    code = _CODE[language]

    assert [hit.pattern for hit in run(detector, f"Please explain this:\n{code}\nThank you.")] == [language]
    assert [hit.pattern for hit in run(detector, f"Here it is:\n```\n{code}\n```\nBye.")] == [language]


def test_named_fence_is_enough(detector):
    text = "Use\n```python\nx\n```\nand be happy"

    (hit,) = run(detector, text)

    assert (text[hit.start : hit.end], hit.pattern, hit.score) == ("```python\nx\n```", "python", 0.9)


@pytest.mark.parametrize(
    "text",
    [
        "Please select a seat from the map where you want to sit; thank you.",
        "Import duties apply. Return the goods for a refund.",
        "Let me update the team and set a date.\nFor example: Monday.",
        "The class of 1999 met again, and if all goes well: next year too.",
        "```\nRoses are red\n```",
        "Wir importieren Waren aus China.\nWenn: dann.",
        "選択してください。関数は便利です。",
        "Выберите место из списка.",
        "The price is $5; echo chambers are bad.",
        "We git along fine. Docker is a ship worker.",
    ],
)
def test_prose_is_no_code(detector, text):
    assert run(detector, text) == []


def test_wanted_languages_bind():
    detector = build_detector("code", {"languages": ["sql"]})

    assert run(detector, _CODE["python"]) == []
    assert [hit.pattern for hit in run(detector, _CODE["sql"])] == ["sql"]


@pytest.mark.parametrize("parameters", [{"threshold": 0.0}, {"languages": ["klingon"]}])
def test_bad_parameters_are_refused(parameters):
    with pytest.raises(BadRule):
        build_detector("code", parameters)


@pytest.mark.parametrize("text", ["```\n" * 5_000, "select " * 5_000, "def f(" * 5_000, "for a in " * 5_000])
def test_hostile_text_is_read_to_its_end(detector, text):
    assert len(run(detector, text)) <= 5_000
