"""Guards on a JSON body before anything reads it."""

from __future__ import annotations

import re

from proxy.errors import BadRequest

_STRINGS = re.compile(rb'"[^"]*+"?')  # where no quote is escaped
_PIECE_BYTES = 1 << 20
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

    Cost: two counts for the usual body, which has fewer brackets than the limit; one pass a level over the brackets of others.
    """
    if body.count(b"{") + body.count(b"[") <= depth_limit_count:
        return
    brackets = _brackets(body)
    for _ in range(depth_limit_count):
        shorter = brackets.replace(b"{}", b"")  # takes away exactly the innermost level
        if len(shorter) == len(brackets):
            return  # flat, or unbalanced: the parser's business
        brackets = shorter
    if b"{}" in brackets:
        raise BadRequest(f"The JSON body is nested deeper than {depth_limit_count} levels.")


def _brackets(body: bytes) -> bytes:
    """
    Return the brackets outside of strings, all as curly ones.

    Cost: a few passes, whatever the body holds, in pieces: putting together what is between strings takes 90 bytes for each of them.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # every quote that is left begins or ends a string
    found: list[bytes] = []
    is_in_string = False
    for at in range(0, len(plain), _PIECE_BYTES):
        piece = plain[at : at + _PIECE_BYTES]
        found.append(_STRINGS.sub(b"", b'"' + piece if is_in_string else piece).translate(_ONE_KIND, _ALL_BUT_BRACKETS))
        is_in_string ^= piece.count(b'"') % 2 == 1
    return b"".join(found)
