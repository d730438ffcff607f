"""
What lies where in a JSON body: the tables by which `places.py` reads, and what a word is that says nothing.

Rules: places go by their shape, a path whose numbers are `*`. What no table names is text.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

Kind = Literal["text", "data", "url", "name", "word", "label", "skip", "call", "source", "argument"]
"""
`data`: text that nobody who asks has written. `url`: text unless it is a `data:` URL. `name`: text unless it is a plain name. `word`: text
unless it is a word of letters. `label`: structure that is looked at besides unless it is a word, with a date perhaps, and that cannot be
changed. `call`: the arguments of a tool call, as a string or as an object. `source`: data unless its `type` is `base64`. `argument`: a
string within a call's arguments; tables never name it.
"""

Steps = tuple[str | int, ...]

_STRUCTURE: Final = frozenset(
    {
        "bytes",
        "cache_control",
        "call_id",
        "detail",
        "encrypted_content",
        "encrypted_index",
        "fc_id",
        "file_id",
        "format",
        "id",
        "media_type",
        "mime_type",
        "object",
        "phase",
        "role",
        "signature",
        "status",
        "thought_signature",
        "tool_call_id",
        "tool_use_id",
        "ttl",
        "type",
    }
)
"""Fields that hold no text wherever they are, unless a table says otherwise."""

_PLAIN_NAME = re.compile(r"[\w.\-]{1,64}\Z")
_DATA_URL = re.compile(r"\s{0,32}data:", re.IGNORECASE)
_WORD = re.compile(r"[$A-Za-z_][A-Za-z_.]{0,39}\Z")
_LABEL = re.compile(r"[$A-Za-z_][A-Za-z_.:\-]{0,39}(?:\d{1,4}[A-Za-z_]{1,20})?(?:\d{1,8})?\Z")
PLAIN: Final[dict[str, re.Pattern[str]]] = {"url": _DATA_URL, "name": _PLAIN_NAME, "word": _WORD, "label": _LABEL}
"""By kinds that are text unless they are something, what that is."""


class Table(msgspec.Struct, frozen=True, eq=False):
    """
    What lies where. `kinds` is by shape, a path whose numbers are `*`: `content.*.text`. Calls (kind `call`) have their name beside them
    in `name`. What `kinds` does not know goes by the last step of its path (`required.*` for one within a list), then by the prefixes of
    `kinds_below`; `default` is for the rest. `named_calls` are shapes of the names of calls, which may come without any arguments. `spent`
    is what repeats a text in another form (log probabilities), and what takes its place when the text is changed; nobody looks into it.
    `is_open`: no field is known to be structure; keys and long numbers are looked at as well, and too many texts are one.
    """

    kinds: dict[str, Kind]
    kinds_below: tuple[tuple[str, Kind], ...] = ()
    default: Kind = "text"
    kinds_by_step: dict[str, Kind] = {}
    named_calls: frozenset[str] = frozenset()
    spent: dict[str, bytes] = {}
    is_open: bool = False

    def kind_of(self, shape: str, step: str | int) -> Kind:
        """Return what a string is at the place of this shape, whose last step is `step`."""
        kind = self.kinds.get(shape)
        if kind is not None:
            return kind
        if self.kinds_by_step:
            last = shape[shape.rfind(".", 0, -2) + 1 :] if isinstance(step, int) else step
            if last in self.kinds_by_step:
                return self.kinds_by_step[last]
        if step in _STRUCTURE and not self.is_open:
            return "skip"
        for prefix, below in self.kinds_below:
            if shape.startswith(prefix):
                return below
        return self.default


def shape_of(above: str, step: str | int) -> str:
    own = "*" if isinstance(step, int) else step
    return f"{above}.{own}" if above else own


def is_plain(kind: Kind, written: str) -> bool:
    """Tell whether a string is what its kind makes nothing of."""
    known = PLAIN.get(kind)
    return known is not None and known.match(written) is not None


def is_data_url(written: str) -> bool:
    return _DATA_URL.match(written) is not None


def is_label(written: str) -> bool:
    """Tell whether a piece of structure is a word that says nothing."""
    return _LABEL.match(written) is not None


def is_plain_name(written: str) -> bool:
    return _PLAIN_NAME.match(written) is not None
