"""
Values that were taken out of a request and are put back into its answer: reversible tokens such as `[EMAIL_1_k3f9zt]`.

Rules: a vault belongs to one request, or to one conversation of one organisation, and never meets another; a value stands only in it,
never in a `repr`, a log or an error. Every token ends in the vault's tag, which is random and does not occur in the texts that were
protected, so a token of another request, and one that a model made up, stays what it is: text.

Models write tokens differently from how they read them, so a token is recognised by its letters and digits alone: whatever the case,
with spaces, hyphens, escapes, entities, emphasis or invisible characters between them, with or without its brackets.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from json.encoder import encode_basestring_ascii
from typing import NoReturn

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.aead import DecryptionError, KeyRing
from guardrails.inspection import Edit
from guardrails.json_text import NotJson, find_leaves, replace_leaves
from guardrails.token_match import Found, Matcher, Node, add_key, fold_text, orphan_closer

_TAG_FIRST = "bcdfghjkmnpqrtvwxz"  # no vowels, so that no tag is a word; no letter that looks like a digit
_TAG_REST = _TAG_FIRST + "23456789"
_TAG_LETTERS = 6
_LABEL_CHARACTERS = 32
_NESTED_TEXTS = 3
"""How many JSON texts within strings of JSON texts are looked into."""


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """`key` is the token's letters and digits, lower case. The value is kept as bytes because it may hold lone surrogates."""

    key: str
    label: str
    token: str
    value: bytes


class _Dump(msgspec.Struct, frozen=True, array_like=True):
    version: int
    tags: tuple[str, ...]
    entries: tuple[_Entry, ...]


class Vault:
    """
    The tokens of one request and what they stand for.

    `texts` are those of the request: the tag is chosen so that none of them contains it. `external_tools` are names, `*` allowed, of
    tools whose arguments leave the house: nothing is restored into them.
    """

    __slots__ = ("_entries", "_external_tools", "_indexes", "_matcher", "_root", "_tags", "_tokens", "_values")

    def __init__(self, texts: Iterable[str] = (), external_tools: Iterable[str] = ()) -> None:
        self._tags = [_new_tag(texts)]
        self._tokens: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._indexes: dict[str, int] = {}
        self._entries: list[_Entry] = []
        self._root = Node()
        self._matcher: Matcher | None = None
        self._external_tools = tuple(name.casefold() for name in external_tools)

    def __repr__(self) -> str:
        return f"Vault({len(self._values)} values)"

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Vault is never pickled; dump() encrypts it")

    def protect(self, text: str, edits: tuple[Edit, ...]) -> str:
        """
        Return the text with every edit made: a token in the place of a reversible one, `[EMAIL]` in that of others.

        `edits` are in order and do not overlap. Guarantee: the same value gets the same token for as long as the vault lives.
        """
        if not edits:
            return text
        if any(tag in fold_text(text) for tag in self._tags):
            self._tags.append(_new_tag((text,)))
        pieces: list[str] = []
        at = 0
        for edit in edits:
            pieces += (text[at : edit.start], self.replacement(text[edit.start : edit.end], edit))
            at = edit.end
        pieces.append(text[at:])
        return "".join(pieces)

    def replacement(self, value: str, edit: Edit) -> str:
        """Return what takes the place of a value: its token if the edit is reversible, else the label."""
        if not edit.is_reversible or not value:
            return f"[{edit.label}]"
        return self._tokens.get(value) or self._issue(value, edit.label)

    def _issue(self, value: str, label: str) -> str:
        label = re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_")[:_LABEL_CHARACTERS] or "VALUE"
        tag = self._tags[-1]
        while True:
            index = self._indexes[label] = self._indexes.get(label, 0) + 1
            key = f"{label.replace('_', '')}{index}{tag}".lower()
            if key not in self._values:  # the labels `A_1` and `A` would meet at `A_1_1` and `A_11`
                break
        token = f"[{label}_{index}_{tag}]"
        self._add(_Entry(key, label, token, value.encode("utf-8", "surrogatepass")))
        return token

    def _add(self, entry: _Entry) -> None:
        value = entry.value.decode("utf-8", "surrogatepass")
        self._entries.append(entry)
        self._tokens[value] = entry.token
        self._values[entry.key] = value
        add_key(self._root, entry.key, entry.label.replace("_", "").lower())
        self._matcher = None

    def matcher(self) -> Matcher:
        """Return what finds this vault's tokens."""
        if self._matcher is None:
            self._matcher = Matcher(self._root)
        return self._matcher

    def restore(self, text: str) -> str:
        """
        Return the text with the values in the places of their tokens, as models write them. One pass: values are not looked into.

        Cost: linear; nothing while the vault is empty.
        """
        restorer = Restorer(self)
        return restorer.feed(text) + restorer.close()

    def restore_json(self, json_text: str) -> str:
        """
        Return a JSON text with the values put back into its strings and keys, escaped as JSON wants it, also into JSON texts that are
        strings in it. What is no JSON is restored as text whose values are escaped all the same: it is a JSON text that broke off.
        """
        return self._restore_json(json_text, 0)

    def _restore_json(self, json_text: str, depth: int) -> str:
        if not self._values:
            return json_text
        try:
            leaves = find_leaves(json_text)
        except NotJson:
            restorer = Restorer(self, is_json=True)
            return restorer.feed(json_text) + restorer.close()
        restored = {}
        for index, leaf in enumerate(leaves):
            if leaf.kind == "number":
                continue
            new = self._restore_string(leaf.text, depth)
            if new != leaf.text:
                restored[index] = new
        return replace_leaves(json_text, restored, leaves, are_keys_too=True)

    def _restore_string(self, text: str, depth: int) -> str:
        if depth < _NESTED_TEXTS and text.lstrip(" \t\n\r")[:1] in ("{", "[") and '"' in text:
            try:
                find_leaves(text)
            except NotJson:
                return self.restore(text)
            return self._restore_json(text, depth + 1)
        return self.restore(text)

    def restore_arguments(self, tool: str, json_text: str) -> str:
        """Return the arguments of a tool call with the values put back, unless the tool is external: then as they are."""
        return json_text if self.is_external(tool) else self.restore_json(json_text)

    def is_external(self, tool: str) -> bool:
        name = tool.casefold()
        return any(fnmatchcase(name, pattern) for pattern in self._external_tools)

    def dump(self, keys: KeyRing, place: str) -> bytes:
        """
        Return the vault sealed, for a store that forgets it in time. `keys` is the organisation's (`organisation_keys`); `place` names
        the organisation and the conversation, and opens it again.
        """
        plain = msgspec.msgpack.encode(_Dump(1, tuple(self._tags), tuple(self._entries)))
        return keys.seal(plain, f"guardrails.vault:{place}")

    @classmethod
    def load(cls, sealed: bytes, keys: KeyRing, place: str, external_tools: Iterable[str] = ()) -> Vault:
        """Errors: DecryptionError, also for what was sealed for another place or organisation."""
        plain = keys.open(sealed, f"guardrails.vault:{place}")
        try:
            dumped = msgspec.msgpack.decode(plain, type=_Dump)
        except msgspec.DecodeError:
            # Not chained: its text may quote a value.
            raise DecryptionError("the vault was written by a version that this one cannot read") from None
        vault = cls((), external_tools)
        vault._tags = list(dumped.tags)
        for entry in dumped.entries:
            vault._add(entry)
            label, _, _ = entry.token.strip("[]").rpartition("_")
            index = int(label.rpartition("_")[2])
            vault._indexes[entry.label] = max(index, vault._indexes.get(entry.label, 0))
        return vault


class Restorer:
    """
    Puts values back into a text that arrives in pieces. `is_json`: the pieces are of a JSON text, so values are escaped.

    Guarantee: whatever the pieces, what comes out together is what `Vault.restore` makes of the whole. Only what may be the beginning
    of a token is held back, fewer than 400 characters.
    """

    __slots__ = ("_buffer", "_depth", "_is_json", "_previous", "_vault")

    def __init__(self, vault: Vault, *, is_json: bool = False) -> None:
        self._vault = vault
        self._is_json = is_json
        self._buffer = ""
        self._previous = ""
        self._depth = 0

    def __repr__(self) -> str:
        return f"Restorer({len(self._buffer)} characters held)"

    def feed(self, text: str) -> str:
        """Return what can be released now."""
        return self._run(text, is_end=False)

    def close(self) -> str:
        """Return what was held back."""
        return self._run("", is_end=True)

    def _run(self, text: str, *, is_end: bool) -> str:
        vault = self._vault
        if not vault._values:  # noqa: SLF001 - a restorer is the streaming half of its vault
            released, self._buffer = self._buffer + text, ""
            self._count(released)
            self._previous = released[-1:] or self._previous
            return released
        matcher, values = vault.matcher(), vault._values  # noqa: SLF001
        buffer = self._previous + self._buffer + text
        at = look_at = len(self._previous)
        pieces: list[str] = []
        end = len(buffer)
        while (start := matcher.next_start(buffer, look_at)) >= 0:
            found = matcher.match(buffer, start, is_end=is_end)
            if found is None:
                look_at = start + 1
                continue
            if not isinstance(found, Found):
                end = start
                break
            self._count(buffer[at : found.start])
            value = values[found.key]
            pieces += (buffer[at : found.start], encode_basestring_ascii(value)[1:-1] if self._is_json else value, found.suffix)
            at = look_at = found.end
            if found.is_bare and self._depth <= 0:
                at = look_at = orphan_closer(buffer, at)
        pieces.append(buffer[at:end])
        self._count(buffer[at:end])
        self._buffer = buffer[end:]
        self._previous = buffer[max(end - 1, 0) : end]
        return "".join(pieces)

    def _count(self, text: str) -> None:
        """Keep count of the brackets that are open, so that `EMAIL_1_x]` loses its bracket and `[see EMAIL_1_x]` does not."""
        self._depth += text.count("[") - text.count("]")


def _new_tag(texts: Iterable[str]) -> str:
    """Return a random word that occurs in none of the texts, however it may be written there."""
    folded = [fold_text(text) for text in texts]
    while True:
        tag = secrets.choice(_TAG_FIRST) + "".join(secrets.choice(_TAG_REST) for _ in range(_TAG_LETTERS - 1))
        if not any(tag in text for text in folded):
            return tag


def organisation_keys(pairs: Mapping[str, bytes], organisation: str) -> KeyRing:
    """
    Return the keys of one organisation, derived from those of the installation. `pairs` are id and 32 bytes, the newest first.

    Guarantee: what one organisation's keys sealed no other's open.
    """
    info = b"guardrails.vault\0" + organisation.encode()
    return KeyRing({key_id: HKDF(SHA256(), 32, None, info).derive(key) for key_id, key in pairs.items()})
