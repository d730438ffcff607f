"""Addresses of machines and of devices."""

from __future__ import annotations

import re
import socket

from guardrails.detectors.pii_kinds.context import Words, words_before
from guardrails.detectors.pii_kinds.kind import Kind, Shape, compact, plain, run, written
from guardrails.patterns import Candidate
from guardrails.validators.checksums import is_luhn, is_repeated

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|versions|release|build|firmware|rev|revision|section|chapter|clause|oid|rule|paragraph|upgraded? to|python|"
    r"chrome|firefox|safari|kernel|driver|package|sdk|api|table|figure|appendix|§)[ .:=]{0,3}|\d[./,]|==|>=|<=|~=|\^|~)$",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[\"'(]?[A-Za-z][\w.+-]*/")
_ADDRESS_WORDS = Words(
    "ip ips ipv4 address* host* server* dns ping* connect* client* remote* from gateway* subnet* router* peer* http https login* traffic at"
)


def _is_ipv4(candidate: Candidate) -> bool:
    """No loopback, no unspecified, no broadcast address, no network mask, no version, no part of an object identifier."""
    value, left = candidate.value, candidate.left
    if len(candidate.match) > len(value) or value.startswith(("127.", "0.", "255.")):
        return False
    if left and (_VERSION.search(left[-20:]) or _is_behind_product(left)):
        return False
    is_small = all(int(each) < 10 for each in value.split("."))
    return not is_small or value in {"1.1.1.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"} or _ADDRESS_WORDS.are_in(words_before(left))


def _is_behind_product(left: str) -> bool:
    """Whether a text ends as in `Chrome/`, not as in `http://`."""
    return left.endswith("/") and _PRODUCT.fullmatch(left[max(left.rfind(" "), left.rfind("\n")) + 1 :]) is not None


def _is_ipv6(candidate: Candidate) -> bool:
    """As for the fourth version; and something of a number in it, because `a::b` is also how names of code are written."""
    value = candidate.value
    if candidate.left.endswith(":") or candidate.right == ":" or value.count(":") < 2:
        return False
    if "::" not in value and value.count(":") + value.count(".") // 3 != 7:
        return False
    try:
        raw = socket.inet_pton(socket.AF_INET6, value)
    except (OSError, ValueError):
        return False
    groups = [each for each in value.split(":") if each]
    has_number = any(each.isdigit() for each in value)
    return raw[:15] != bytes(15) and has_number and (len(groups) >= 3 or (len(groups[0]) == 4 and groups[0][0].lower() in "23f"))


def _is_mac(candidate: Candidate) -> bool:
    digits = compact(candidate.value).replace(":", "")
    is_alone = len(candidate.match) == len(candidate.value) and candidate.left[-1:] not in {":", "-"}
    return is_alone and digits not in {"0" * 12, "F" * 12}


def _is_imei(digits: str) -> bool:
    return is_luhn(digits) and not is_repeated(digits)


_HEX_PAIR = r"[0-9A-Fa-f]{2}"

KINDS = (
    Kind(
        "ipv4",
        "network",
        (
            Shape(
                rf"\b((?:{_OCTET}\.){{3}}{_OCTET})(?:\.\d{{1,5}})?\b",
                (r"\d\.\d{1,3}\.\d",),
                "nothing",
                judge=_is_ipv4,
                group=1,
                score=0.95,
            ),
        ),
        "IPv4 address",
        label="IP_ADDRESS",
    ),
    Kind(
        "ipv6",
        "network",
        (
            Shape(
                r"(?:[0-9A-Fa-f]{1,4}|:)(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}",
                (r":[0-9A-Fa-f]{0,4}:",),
                "nothing",
                judge=_is_ipv6,
                score=0.95,
            ),
        ),
        "IPv6 address",
        label="IP_ADDRESS",
    ),
    Kind(
        "mac_address",
        "network",
        (
            Shape(
                rf"\b({_HEX_PAIR}(?::{_HEX_PAIR}){{5}})(?::{_HEX_PAIR})?\b",
                (r":[0-9A-Fa-f]{0,4}:",),
                "nothing",
                judge=_is_mac,
                group=1,
            ),
            Shape(
                rf"\b({_HEX_PAIR}(?:-{_HEX_PAIR}){{5}})(?:-{_HEX_PAIR})?\b",
                (r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",),
                "nothing",
                judge=_is_mac,
                group=1,
            ),
            written(r"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}", "own", trigger=r"\.[0-9a-fA-F]{4}\."),
        ),
        "Hardware address",
        words="mac hwaddr hardware ether* bssid wifi* arp",
    ),
    Kind(
        "imei",
        "devices",
        (
            plain(15, "own", _is_imei),
            written(r"\d\d-\d{6}-\d{6}-\d", "calm", _is_imei, trigger=r"\d\d-\d{6}-\d"),
        ),
        "Number of a mobile device",
        words="imei* handset* device* phone* mobile*",
    ),
    Kind("imsi", "devices", (plain(15, "named"),), "Number of a mobile subscriber", words="imsi*"),
    Kind(
        "iccid",
        "devices",
        (written(r"89\d{17,18}", "own", is_luhn, trigger=run(15)),),
        "Number of a SIM card",
        words="iccid* sim* esim* icc",
    ),
    Kind(
        "coordinates",
        "places",
        (
            written(r"-?\d{1,2}\.\d{3,12},? ?-?\d{1,3}\.\d{3,12}", "named", trigger=r"\d\.\d{3}"),
            Shape(
                r"\b\d{1,2}° ?\d{1,2}['′’] ?\d{1,2}(?:\.\d{1,6})?[\"″”] ?[NS],? ?"
                r"\d{1,3}° ?\d{1,2}['′’] ?\d{1,2}(?:\.\d{1,6})?[\"″”] ?[EW]\b",
                (r"\d° ?\d{1,2}['′’]",),
                "nothing",
            ),
        ),
        "Position on the earth",
        words="gps coordinates* coords located geolocation* whereabouts lives home_location koordinaten* coordenadas* my_location position",
    ),
)
