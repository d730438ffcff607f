"""
URLs in a text: where they lead, how they hide it, and whether they carry data away.

Rules: nothing is looked up on the network. A list's domain stands for its subdomains too, so no list of public suffixes is needed.
Source: RFC 3986, RFC 3492 (punycode), WHATWG URL (IPv4 in numbers of other bases)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec
import re2

from guardrails.detection import Hit, Subject
from guardrails.detectors.url_parts import Url, address_of, domain_matches, is_lookalike, normal_host, parse
from guardrails.detectors.url_payload import carries_data
from guardrails.errors import BadRule
from guardrails.patterns import Pattern
from guardrails.views import fold

_MAX_LIST = 20_000


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    Domains stand for their subdomains too. `allowed_domains`: with any, a URL to another host hits; they are never exfiltration.
    `denied_addresses` are networks such as `10.0.0.0/8`. `private_addresses`: hosts that only a network's own machines reach.
    `metadata_addresses`: the services from which cloud machines fetch their credentials. `obfuscated_addresses`: addresses written as
    one number, in hex or in octal. `data_documents`: pages and scripts inside a `data:` URL. `user_info`: a name before the host, as in `https://bank.example@other.example`.
    `image_exfiltration`, `link_exfiltration`: a URL that carries data to a host that the request did not name; images load by themselves.
    """

    allowed_domains: tuple[str, ...] = ()
    denied_domains: tuple[str, ...] = ()
    denied_schemes: tuple[str, ...] = ("javascript", "vbscript", "file")
    denied_addresses: tuple[str, ...] = ()
    private_addresses: bool = False
    metadata_addresses: bool = True
    obfuscated_addresses: bool = True
    data_documents: bool = True
    user_info: bool = True
    lookalike_hosts: bool = True
    image_exfiltration: bool = True
    link_exfiltration: bool = True


def build(parameters: Parameters) -> UrlDetector:
    """Errors: BadRule for a domain or a network that is none."""
    networks = tuple(_network(each) for each in parameters.denied_addresses)
    allowed, denied = _domains(parameters.allowed_domains), _domains(parameters.denied_domains)
    schemes = frozenset(each.strip().rstrip(":").lower() for each in parameters.denied_schemes)
    return UrlDetector(parameters, allowed, denied, networks, schemes, (*_PATTERNS, *_bare_domains(denied)))


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written.strip(), strict=False)
    except ValueError as error:
        raise BadRule(f"{written!r} is no network. Write it as 10.0.0.0/8 or fd00::/8.") from error


def _domains(written: Sequence[str]) -> frozenset[str]:
    if len(written) > _MAX_LIST:
        raise BadRule(f"{len(written)} domains are too many: {_MAX_LIST} are allowed in one rule.")
    found = set()
    for each in written:
        host = normal_host(each.strip().removeprefix("*.").strip("."))
        if not host or "/" in host or " " in host:
            raise BadRule(f"{each!r} is no domain. Write it as example.com, without a scheme or a path.")
        found.add(host)
    return frozenset(found)


_REST = r"[^\s<>\"'`\x00]{1,900}"
_ABSOLUTE = rf"(?:\b[a-z][a-z0-9+.\-]{{1,15}}:[/\\]{{2}}|\bwww\.|\b(?:javascript|vbscript|file|data):){_REST}"
_RELATIVE = rf"(?:\]\([ \t]?<?|\bsrc ?= ?[\"']?)([/\\]{{2}}{_REST})"
"""Without a scheme: it takes that of the page, so it leads away all the same."""
_PATTERNS = (
    Pattern("url", "URL", _ABSOLUTE, (r":[/\\][/\\]", r"www\.", "javascript:", "vbscript:", "file:", "data:"), is_caseless=True),
    Pattern("url_relative", "URL", _RELATIVE, (r"\]\([ \t]?<?[/\\]", r"src ?= ?[\"']?[/\\]"), group=1, is_caseless=True),
)
_NAMES = frozenset(pattern.name for pattern in _PATTERNS)
_FIND = re2.compile(rf"(?i){_ABSOLUTE}|{_RELATIVE}".encode())
_IMAGE_BEFORE = re2.compile(
    rb"(?i)(?:!\[[^\]\n]{0,200}\]\([ \t]?<?|<(?:img|image|iframe|source|video|audio|embed|object|script|link)\b[^>\n]{0,300}|url\([\"' ]?)$"
)
_LINK_BEFORE = re2.compile(rb"(?i)(?:\]\([ \t]?<?|^[ ]{0,3}\[[^\]\n]{1,200}\]: ?<?|\bhref ?= ?[\"']?)$")
_REFERENCE_BEFORE = re2.compile(rb"(?m)^[ ]{0,3}\[([^\]\n]{1,80})\]: ?<?$")
_LEFT_BYTES = 512


def _bare_domains(domains: frozenset[str]) -> list[Pattern]:
    return [
        Pattern(
            f"domain:{domain}", "URL_DENIED", re2.escape(domain), is_caseless=True, is_word=True, reason="A domain that the policy denies."
        )
        for domain in sorted(domains)
    ]


_REASONS = {
    "URL_DENIED": "The address leads to a domain or network that the policy denies.",
    "URL_NOT_ALLOWED": "The address leads to a host that the policy does not allow.",
    "URL_SCHEME": "The address runs code or reads files instead of leading to a page.",
    "URL_ADDRESS": "The address is that of a machine behind the network's edge, or a number that hides which one.",
    "URL_USER_INFO": "What stands before the @ is no host: the address leads elsewhere.",
    "URL_LOOKALIKE": "The host mixes letters of several scripts.",
    "URL_EXFILTRATION": "The address carries data to a host that the request did not name.",
}


@dataclass(frozen=True, slots=True)
class UrlDetector:
    """
    `Facts.hosts` decides what exfiltration is: it must name the hosts of what people wrote, never those of tool results and documents,
    for there the attacker writes.
    """

    parameters: Parameters
    allowed: frozenset[str]
    denied: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]
    schemes: frozenset[str]
    patterns: tuple[Pattern, ...]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return the URLs that are wrong, each with its first reason. Cost: 10 us a URL."""
        found: list[Hit] = []
        for hit in hits:
            if hit.pattern not in _NAMES:
                if hit.pattern.startswith("domain:"):
                    found.append(hit)
            elif hit.view == "main":
                found += self._in_text(subject, hit)
            else:
                found += self._in_view(subject, hit)
        return found

    def _in_text(self, subject: Subject, hit: Hit) -> list[Hit]:
        """A view is context-free, so the piece of it that was hit is the fold of what stands there."""
        left = fold(subject.text[max(0, hit.start - _LEFT_BYTES) : hit.start]).data
        written = fold(subject.text[hit.start : hit.end]).text
        judged = self._judge(subject, written, left)
        return [] if judged is None else [_labelled(hit, *judged)]

    def _in_view(self, subject: Subject, hit: Hit) -> list[Hit]:
        for view in subject.others:
            if view.name != hit.view:
                continue
            for match in _FIND.finditer(view.data):
                first, last = match.span(1 if match.start(1) >= 0 else 0)
                start, end = view.original_span(*view.span_of_bytes(first, last))
                if start < hit.end and hit.start < end:
                    left = view.data[max(0, first - _LEFT_BYTES) : first]
                    judged = self._judge(subject, view.data[first:last].decode("utf-8", "replace"), left)
                    if judged is not None:
                        return [_labelled(hit, *judged)]
        return []

    def _judge(self, subject: Subject, written: str, left: bytes) -> tuple[str, float] | None:
        url = parse(written)
        if url is None:
            return None
        if url.scheme in self.schemes or (self.parameters.data_documents and url.is_data_document):
            return "URL_SCHEME", 1.0
        if not url.host:
            return None
        label = self._judge_host(url)
        if label:
            return label, 1.0
        return self._judge_payload(subject, url, written, left)

    def _judge_host(self, url: Url) -> str:
        wanted = self.parameters
        if domain_matches(url.host, self.denied):
            return "URL_DENIED"
        address = address_of(url.host)
        if address is not None:
            if any(address.address in network for network in self.networks):
                return "URL_DENIED"
            if (wanted.metadata_addresses and address.is_metadata) or (wanted.private_addresses and address.is_private):
                return "URL_ADDRESS"
            if wanted.obfuscated_addresses and address.is_obfuscated:
                return "URL_ADDRESS"
        if self.allowed and not domain_matches(url.host, self.allowed):
            return "URL_NOT_ALLOWED"
        if wanted.user_info and url.is_misleading:
            return "URL_USER_INFO"
        if wanted.lookalike_hosts and is_lookalike(url.host):
            return "URL_LOOKALIKE"
        return ""

    def _judge_payload(self, subject: Subject, url: Url, written: str, left: bytes) -> tuple[str, float] | None:
        wanted = self.parameters
        if not (wanted.image_exfiltration or wanted.link_exfiltration):
            return None
        if domain_matches(url.host, self.allowed) or domain_matches(url.host, subject.facts.hosts):
            return None
        is_image = _IMAGE_BEFORE.search(left) is not None or _is_image_reference(subject, left)
        is_link = not is_image and _LINK_BEFORE.search(left) is not None
        if is_image and wanted.image_exfiltration and carries_data(url, is_image=True):
            return "URL_EXFILTRATION", 0.9
        if is_link and wanted.link_exfiltration and carries_data(url, is_image=False):
            return "URL_EXFILTRATION", 0.7
        return None


def _labelled(hit: Hit, label: str, score: float) -> Hit:
    return Hit(label, hit.start, hit.end, score, _REASONS[label], hit.pattern, hit.view)


def _is_image_reference(subject: Subject, left: bytes) -> bool:
    """Tell whether a URL is that of `[name]: https://...` and an image of the text uses the name."""
    match = _REFERENCE_BEFORE.search(left)
    if match is None:
        return False
    name = match.group(1).decode("utf-8", "replace").lower()
    text = subject.main.text.lower()
    return (f"][{name}]" in text and "![" in text) or f"![{name}]" in text
