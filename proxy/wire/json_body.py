"""Guards on a JSON body before anything reads it."""

from __future__ import annotations

import re

from proxy.errors import BadRequest

# Possessive, and a string without an end takes all that is left: otherwise quotes cost the square of their number, and a long string
# hundreds of bytes a character.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ONE_KIND = bytes.maketrans(b"[]", b"{}")


def check_utf8(body: bytes) -> None:
    """
    Errors: BadRequest for a body that is no UTF-8, which the parser sees only in the fields it reads.

    Cost: one look for plain ASCII, one decoding for others.
    """
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8: the byte at {error.start} fits no character.") from error


def check_depth(body: bytes, depth_limit_count: int) -> None:
    """
    Errors: BadRequest for a body nested deeper than `depth_limit_count` levels.

    Cost: two counts for the usual body, which has fewer brackets than the limit; one pass a level for others.
    """
    if body.count(b"{") + body.count(b"[") <= depth_limit_count:
        return
    brackets = _STRINGS.sub(b"", body).translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    for _ in range(depth_limit_count):
        shorter = brackets.replace(b"{}", b"")  # takes away exactly the innermost level
        if len(shorter) == len(brackets):
            return  # flat, or unbalanced: the parser's business
        brackets = shorter
    if b"{}" in brackets:
        raise BadRequest(f"The JSON body is nested deeper than {depth_limit_count} levels.")
