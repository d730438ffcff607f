"""
The parts of a URL as a browser reads them, and what its host is.

Rules: tolerant, never raises; backslashes count as slashes and hosts are folded, because browsers do so too.
Source: WHATWG URL (hosts, IPv4 parser), RFC 3492
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from guardrails.views import fold
from guardrails.views.confusables import CONFUSABLE

_PARTS = re.compile(r"(?:([a-z][a-z0-9+.\-]*):)?[/\\]{2,}([^/\\?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"(javascript|vbscript|file|data):", re.IGNORECASE)
_DATA_DOCUMENT = re.compile(r"data:\s*(?:text/(?:html|javascript|ecmascript|xml)|application/|image/svg)", re.IGNORECASE)
_CLOSING = {")": "(", "]": "[", "}": "{"}
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_HOST_LIKE = re.compile(r"[a-z0-9\-]+(?:\.[a-z0-9\-]+)+", re.IGNORECASE)
_METADATA_NAMES = frozenset(
    {"metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal", "metadata.azure.com", "metadata.tencentyun.com"}
)
_METADATA_ADDRESSES = frozenset(
    map(
        ip_address, ("169.254.169.254", "169.254.170.2", "169.254.0.23", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
    )
)


@dataclass(frozen=True, slots=True)
class Url:
    """`host` is lower case and in its ASCII form. `is_misleading`: the user's name looks like a host."""

    scheme: str
    host: str = ""
    user_info: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""
    is_data_document: bool = False

    @property
    def is_misleading(self) -> bool:
        name = self.user_info.partition(":")[0]
        return _HOST_LIKE.search(name) is not None or "%" in name


@dataclass(frozen=True, slots=True)
class Address:
    """A host that is a number. `is_obfuscated`: written as no person would write it."""

    address: IPv4Address | IPv6Address
    is_metadata: bool
    is_private: bool
    is_obfuscated: bool


def parse(written: str) -> Url | None:
    """Return the parts of what an expression took for a URL, None if it is none."""
    written = _trimmed(written)
    special = _SCHEME.match(written)
    if special and special[1].lower() != "file":
        return Url(special[1].lower(), is_data_document=_DATA_DOCUMENT.match(written) is not None)
    if special and not _PARTS.match(written):
        return Url("file")
    parts = _PARTS.match(f"//{written}" if written.lower().startswith("www.") else written)
    if parts is None:
        return None
    scheme, authority, path, query, fragment = parts.groups("")
    user_info, _, host = authority.rpartition("@")
    return Url(scheme.lower(), normal_host(_without_port(host)), user_info, path, query, fragment)


def _trimmed(written: str) -> str:
    """Take off what ends the sentence or the markdown around a URL."""
    while written:
        last = written[-1]
        opening = _CLOSING.get(last)
        if (opening is not None and written.count(opening) < written.count(last)) or last in ".,;:!?*_'\"":
            written = written[:-1]
        else:
            break
    for closing, opening in _CLOSING.items():
        at = written.find(closing)
        if at >= 0 and opening not in written[:at] and closing != "}":
            return written[:at]
    return written


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.partition(":")[0]


def normal_host(written: str) -> str:
    """Return a host in lower case, its labels in ASCII (`xn--...`), without a last dot."""
    host = fold(_unquoted(written)).text.replace("\u3002", ".").lower().strip(".").strip()
    if host.isascii():
        return host
    return ".".join(label if label.isascii() else _punycode(label) for label in host.split("."))


def _unquoted(written: str) -> str:
    return re.sub("%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), written) if "%" in written else written


def _punycode(label: str) -> str:
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label


def domain_matches(host: str, domains: AbstractSet[str]) -> bool:
    """Tell whether a host is one of some domains or below it; `www.` before either does not count."""
    if not domains:
        return False
    host = host.removeprefix("www.")
    at = 0
    while True:
        if host[at:] in domains or f"www.{host[at:]}" in domains:
            return True
        at = host.find(".", at) + 1
        # A whole top-level domain is matched only if it was named on purpose.
        if at == 0:
            return False


def is_lookalike(host: str) -> bool:
    """Tell whether a label of a host mixes Latin letters with look-alikes of another script, or holds nothing but look-alikes."""
    for label in host.split("."):
        if not label.startswith("xn--"):
            continue
        try:
            letters = [each for each in label[4:].encode("ascii").decode("punycode") if each.isalpha()]
        except UnicodeError:
            return True
        foreign = [each for each in letters if each in CONFUSABLE]
        if foreign and (len(foreign) == len(letters) or any(each.isascii() for each in letters)):
            return True
    return False


def address_of(host: str) -> Address | None:
    """Return the address that a host is or stands for, None for other names."""
    if host in _METADATA_NAMES:
        return Address(IPv4Address("169.254.169.254"), True, True, False)
    if host == "localhost" or host.endswith(".localhost"):
        return Address(IPv4Address("127.0.0.1"), False, True, False)
    try:
        address = ip_address(host.strip("[]"))
        is_obfuscated = False
    except ValueError:
        number = _ipv4_of_numbers(host)
        if number is None:
            return None
        address = IPv4Address(number)
        is_obfuscated = True
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    plain = inner or address
    is_private = not plain.is_global or plain.is_multicast
    return Address(plain, plain in _METADATA_ADDRESSES, is_private, is_obfuscated or inner is not None)


def _ipv4_of_numbers(host: str) -> int | None:
    parts = host.split(".")
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    numbers = [number for number in map(_number, parts) if number is not None]
    if len(numbers) != len(parts) or any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(parts)):
        return None
    value = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        value += number << (8 * (3 - index))
    return value


def _number(part: str) -> int | None:
    if len(part) > 16:
        return None
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16)
        return int(part, 8 if len(part) > 1 and part[0] == "0" else 10)
    except ValueError:
        return None
