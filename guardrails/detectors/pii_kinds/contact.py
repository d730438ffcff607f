"""Addresses of mail and numbers of telephones."""

from __future__ import annotations

import re

from guardrails.detectors.pii_kinds import phone
from guardrails.detectors.pii_kinds.kind import Kind, Shape
from guardrails.patterns import Candidate

_FILE_ENDINGS = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "bmp",
        "ico",
        "css",
        "js",
        "mjs",
        "ts",
        "tsx",
        "jsx",
        "json",
        "yaml",
        "yml",
        "toml",
        "xml",
        "html",
        "htm",
        "md",
        "txt",
        "csv",
        "pdf",
        "zip",
        "gz",
        "tgz",
        "bz2",
        "tar",
        "whl",
        "deb",
        "rpm",
        "exe",
        "dll",
        "mean",
        "sum",
        "dot",
        "shape",
        "reshape",
        "transpose",
        "flatten",
        "detach",
        "cpu",
        "numpy",
        "inverse",
        "conj",
        "prop",
        "setter",
        "getter",
        "deleter",
    ]
)
_IN_ADDRESS_OF_PAGE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/]{0,60}$")
_LOCAL = r"[A-Za-z0-9_][A-Za-z0-9._%+'~!#$*-]{0,63}"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:xn--[A-Za-z0-9-]{2,58}|[A-Za-z]{2,24})"
# Letters of scripts that part words by spaces; behind the @ those of China and Japan too, where whole names are written in them.
_LOCAL_LETTER = r"\x{c0}-\x{2dff}"
_DOMAIN_LETTER = r"\x{c0}-\x{1fff}\x{3005}-\x{d7ff}"
_ANY_LOCAL = rf"[A-Za-z0-9_{_LOCAL_LETTER}][A-Za-z0-9._%+'~!#$*{_LOCAL_LETTER}-]{{0,63}}"
_ANY_DOMAIN = rf"[A-Za-z0-9{_DOMAIN_LETTER}][A-Za-z0-9.{_DOMAIN_LETTER}-]{{0,120}}\.[A-Za-z{_DOMAIN_LETTER}-]{{2,24}}"
_TRIGGER = "@"


def _is_email(candidate: Candidate) -> bool:
    """Not a file (`icon@2x.png`), not code (`a@b.shape`), not the user of a page's address or of a remote repository."""
    local, _, domain = candidate.value.rpartition("@")
    if domain.rpartition(".")[2].lower() in _FILE_ENDINGS or ".." in local:
        return False
    if candidate.right == ":" and local == "git":
        return False
    return not _IN_ADDRESS_OF_PAGE.search(candidate.left)


def _is_international_email(candidate: Candidate) -> bool:
    """An address that needs letters beyond ASCII; text that goes on behind an address without a space is no part of it."""
    value = candidate.value
    top = value.rpartition(".")[2]
    is_top_whole = top.isascii() or not any(each.isascii() for each in top)
    return not value.isascii() and is_top_whole and "..." not in value and _is_email(candidate)


KINDS = (
    Kind(
        "email",
        "contact",
        (
            Shape(rf"{_LOCAL}@{_DOMAIN}", (_TRIGGER,), "nothing", judge=_is_email, is_word=False, score=1.0),
            Shape(rf"{_ANY_LOCAL}@{_ANY_DOMAIN}", (_TRIGGER,), "nothing", judge=_is_international_email, is_word=False, score=0.95),
            Shape(rf"\"[^\"\s@]{{1,62}}\"@{_DOMAIN}", ('"@',), "nothing", judge=_is_email, is_word=False, score=1.0),
        ),
        "E-mail address",
    ),
    Kind("phone", "contact", phone.SHAPES, "Telephone number"),
)
