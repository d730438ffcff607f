"""
What a value of a tool's argument may be: an address, a file, a URL within what the admin allows.

Rules: when in doubt the answer is a fault. The tool's own parser may read a value otherwise than we do, so whatever two parsers read
differently (control characters, backslashes, user names in URLs, encoded dots) is refused rather than understood. Faults never quote the
value. What a file system makes of links is not known here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_LOCAL_PART = re.compile(r"[^\s@%!\"(),:;<>\[\]\\]+")
_DRIVE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DECODINGS = 3

Check = Callable[[str], str | None]
"""Says what is wrong with a value; None if nothing is."""


def normalise_host(host: str) -> str:
    """Return a host name as it is compared: lower case, without the last dot, other scripts in their ASCII form."""
    host = host.strip().rstrip(".").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def is_host_allowed(host: str, allowed: Collection[str]) -> bool:
    """Tell whether a host is one of `allowed` or, where that begins with `*.`, lies below it."""
    name = normalise_host(host)
    if not _HOST.fullmatch(name):
        return False
    parents = name.split(".")
    return name in allowed or any("*." + ".".join(parents[index:]) in allowed for index in range(1, len(parents)))


def normalise_hosts(hosts: Collection[str]) -> frozenset[str]:
    return frozenset("*." + normalise_host(host[2:]) if host.startswith("*.") else normalise_host(host) for host in hosts)


def check_addresses(domains: Collection[str]) -> Check:
    """Every recipient of a text, `Ann <ann@example.com>, bob@example.com`, has one of these domains."""
    allowed = normalise_hosts(domains)

    def check(value: str) -> str | None:
        if _CONTROL.search(value):
            return "holds characters that no address has"
        for part in re.split(r"[,;]", value):
            address = _sole_address(part)
            if address is None:
                return "is no plain list of addresses"
            local, _, domain = address.rpartition("@")
            if not _LOCAL_PART.fullmatch(local):
                return "has an address that mail servers read differently"
            if not is_host_allowed(domain, allowed):
                return "has a recipient outside the allowed domains"
        return None

    return check


def _sole_address(part: str) -> str | None:
    """Return the one address of `ann@x` or `Ann <ann@x>`; None where there is none or a second."""
    if part.count("@") != 1:
        return None
    part = part.strip()
    if part.endswith(">"):
        name, found, address = part[:-1].partition("<")
        return address.strip() if found and "@" not in name and "<" not in address else None
    return part if "<" not in part and ">" not in part else None


def check_url(hosts: Collection[str], schemes: Collection[str]) -> Check:
    """A URL has one of these schemes and hosts, and no user name."""
    allowed = normalise_hosts(hosts)
    known = frozenset(scheme.lower() for scheme in schemes)

    def check(value: str) -> str | None:
        if _CONTROL.search(value) or "\\" in value or " " in value.strip() or not value.isascii():
            return "holds characters that URLs are read differently with"
        try:
            parts = urlsplit(value.strip())
            host = parts.hostname or ""
            parts.port  # noqa: B018 - raises for a port that is none
        except ValueError:
            return "is no URL"
        if parts.scheme.lower() not in known:
            return "has a scheme that is not allowed"
        if "@" in parts.netloc or "%" in parts.netloc:
            return "has a user name or an encoded host"
        return None if is_host_allowed(host, allowed) else "goes to a host that is not allowed"

    return check


def check_path(folders: Collection[str]) -> Check:
    """A path lies in one of these folders. A relative one is taken as lying in the first, where `..` may not lead out of it."""
    roots = tuple(posixpath.normpath(folder.replace("\\", "/")) for folder in folders)

    def check(value: str) -> str | None:
        if _CONTROL.search(value):
            return "holds characters that no path has"
        for _ in range(_DECODINGS):
            if (fault := _judge_path(value, roots)) is not None:
                return fault
            decoded = unquote(value)
            if decoded == value:
                return None
            value = decoded
        return "is encoded more than once"

    return check


def _judge_path(value: str, roots: tuple[str, ...]) -> str | None:
    plain = normalize("NFKC", value).replace("\\", "/").strip()
    if _CONTROL.search(plain) or "\ufffd" in plain or plain.startswith(("~", "//")) or "$" in plain or _DRIVE.match(plain):
        return "is a path that depends on who reads it"
    path = posixpath.normpath(posixpath.join(roots[0], plain))
    if any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots):
        return None
    return "leaves the allowed folders"
