"""
What a match must pass to be a secret: its edges, the stop list of what only looks like one, entropy, checksums.

Rules: pure functions of a `Candidate`; none raises. Cost: a few microseconds each, paid only for matches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log2

from guardrails.engine.database import compile_expression
from guardrails.patterns import Candidate

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

_PLACEHOLDERS = tuple(
    """
    example placeholder redacted changeme change_me change-me dummy masked sample_ fake_ fake- your_ your- yourapi yourkey
    yoursecret yourtoken yourpass youraccess yourclient yourown <your my_api my-api myapi my_secret my-secret mysecret my_token
    my-token mytoken my_key my-key my_pass my-pass mypass my_access insert_ insert- enter_ enter- replace_ replace- put_your todo
    lorem foobar not_real not-real notareal xxxx *** ... … ____ 00000000 11111111 ---- #### deadbeefdeadbeef nothing_
    secret_key_here tokengoes token_goes key_here -here _here goes_here goes-here
    """.split()  # noqa: SIM905 - a word list reads better than eighty quoted words
)
"""Random letters hold one of these by chance less than once in 30,000 values."""

_TEMPLATE = r"\$\{|\{\{|\$\(|%\(|<%|\}\}|^[<{\[%$@][\w\pL\pN. {%$-]*[>}\]%]?$|^\$[A-Za-z_]|^%[A-Za-z_]+%$"
_PLACEHOLDER = "|".join((*map(re.escape, _PLACEHOLDERS), _TEMPLATE))
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_INTEGRITY = re.compile(r"sha(?:1|256|384|512)[-:=]|h1:|md5[-:=]|blake\d|scram-sha", re.IGNORECASE)
_DIGEST_LEFT = (
    r"(?:sha-?(?:1|2|224|256|384|512)(?:sums?)?|md5(?:sum)?|blake\w*|integrity|checksums?|digest|hash(?:es|sum)?|commit|revision|rev|etag|"
    r"fingerprint|thumbprint|resolved|signature)[\"'`\s:=\[(@-]{0,6}$"
)
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_ESCAPE_END = re.compile(r"(?:^|[^\\])(?:\\\\)*\\[nrt]$")


@dataclass(frozen=True, slots=True)
class Validity:
    """The validator of one rule. `is_named`: found by a name beside it, so the left edge belongs to that name."""

    check: Callable[[Candidate], bool] | None
    least_bits: float | None
    is_edged: bool
    is_named: bool
    is_stop_listed: bool
    is_worded: bool

    def __call__(self, candidate: Candidate) -> bool:
        value = candidate.value
        if self.is_edged and not _has_edges(candidate, self.is_named):
            return False
        if self.is_stop_listed and (is_placeholder(value) or is_example_run(value)):
            return False
        if self.is_worded and not is_credential_like(value):
            return False
        if self.least_bits is not None and entropy_bits(value) < self.least_bits:
            return False
        return self.check is None or self.check(candidate)


def entropy_bits(value: str) -> float:
    """Return Shannon's entropy of the characters. Units: bits per character."""
    total = len(value)
    if total == 0:
        return 0.0
    counts = map(value.count, set(value))
    return log2(total) - sum(map(_times_log, counts)) / total


@lru_cache(maxsize=512)
def _times_log(count: int) -> float:
    return count * log2(count)


@cache
def _search(expression: str, *, is_caseless: bool) -> Callable[[str], bool]:
    """
    Return whether a text holds a match, by an automaton: one pass however many words the expression has.

    A candidate is asked such things ten thousand times in a hostile text.
    """
    compiled = compile_expression(expression, is_caseless, has_groups=False)
    match, anywhere = compiled.Match, compiled.Anchor.UNANCHORED

    def search(text: str) -> bool:
        data = text.encode("utf-8", "replace")
        found: bool = match(anywhere, data, 0, len(data))[0][0] >= 0
        return found

    return search


def _has_edges(candidate: Candidate, is_named: bool) -> bool:
    right = candidate.right
    if right and (right.isalnum() or right == "_"):
        return False
    left = candidate.left
    if not left:
        return True
    last = left[-1]
    if not is_named:
        # A newline written as `\n` in source code or nested JSON stands for a space, not for a letter.
        return not (last.isalnum() or last == "_") or bool(_ESCAPE_END.search(left))
    first = candidate.match[:1]
    return not last.isalpha() or (last.islower() and first.isupper()) or bool(_ESCAPE_END.search(left))


def is_placeholder(value: str) -> bool:
    """Tell whether the value stands for a secret that the reader is to fill in, or was hidden by somebody."""
    return _search(_PLACEHOLDER, is_caseless=False)(value.lower())


def is_example_run(value: str) -> bool:
    """Tell whether hardly any character differs from another: `aaaaaaaa`, `12121212`."""
    return len(value) >= 8 and len(set(value)) <= 3


def is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def is_identifier(value: str) -> bool:
    """
    Tell whether the value is words: `getAccessToken`, `AUTH_TOKEN_V2`, `my-secret-name`, `com.acme.Login`.

    Random letters have few runs of one case with a vowel; words are nothing else.
    """
    if _is_joined_words(value):
        return True
    if sum(map(str.isdigit, value)) > max(2, len(value) // 12):
        return False
    letters = 0
    for word in _WORD.findall(value):
        if _VOWEL.search(word) and _longest_consonants(word) <= 4:
            letters += len(word)
    return letters >= 0.7 * len(value.replace("_", "").replace("-", "").replace(".", ""))


def _is_joined_words(value: str) -> bool:
    """Tell whether parts joined by `_`, `-` or `.` are words and short numbers: `ERR_X509_NO_SIGN`, `0009_alter_user`."""
    parts = [part for part in re.split(r"[_.-]", value) if part]
    words = [part for part in parts if part.isalpha() and (len(part) <= 3 or (_VOWEL.search(part) and _longest_consonants(part) <= 4))]
    short = sum(len(part) <= 4 for part in parts if not part.isalpha())
    return len(parts) >= 2 and len(words) + short == len(parts) and sum(map(len, words)) >= 0.6 * sum(map(len, parts))


def _longest_consonants(word: str) -> int:
    longest = run = 0
    for each in word.lower():
        run = 0 if each in "aeiouy" else run + 1
        longest = max(longest, run)
    return longest


def is_path(value: str) -> bool:
    """Tell whether the value is a file path, an address or a call: parts that are words, joined by `/`, `.` or `::`."""
    if value.startswith(("/", "./", "../", "~/", "http:", "https:", "arn:", "file:", "s3:", "gs:")):
        return True
    parts = [part for part in re.split(r"[/.:()\[\]]", value) if part]
    return len(parts) > 1 and all(is_identifier(part) or part.isdigit() or len(part) <= 2 for part in parts)


def is_credential_like(value: str) -> bool:
    """Tell whether a value beside a name may be a secret: no identifier, path, digest with its name, number or version."""
    if _INTEGRITY.match(value) or is_path(value) or is_identifier(value):
        return False
    return not value.replace(".", "").replace("-", "").isdigit() or len(value) >= 24


def is_after_digest_name(candidate: Candidate) -> bool:
    """Tell whether the text just before the match says that a digest, a commit or a checksum follows."""
    return _search(_DIGEST_LEFT, is_caseless=True)(candidate.left)


def is_base62_crc32(body: str, checksum: str) -> bool:
    """Tell whether `checksum` is the CRC32 of `body` in base62, left-padded with zeros, in either order of the alphabet."""
    number = zlib.crc32(body.encode("ascii", "replace"))
    return checksum in (_in_base(number, BASE62, len(checksum)), _in_base(number, _LOWER_FIRST, len(checksum)))


_LOWER_FIRST = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _in_base(number: int, alphabet: str, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits.rjust(width, alphabet[0])


def has_github_checksum(candidate: Candidate) -> bool:
    """`ghp_` + 30 random characters + 6 of CRC32 of those 30, base62 with digits, capitals, small letters."""
    secret = candidate.value.partition("_")[2]
    return is_base62_crc32(secret[:-6], secret[-6:])


def has_our_checksum(candidate: Candidate) -> bool:
    """Our own keys: `gw_live_<id>_<secret>_<CRC32 of all before it>`."""
    body, _, checksum = candidate.value.rpartition("_")
    return is_base62_crc32(body, checksum)


def has_base58_checksum(candidate: Candidate) -> bool:
    """Wallet keys: base58 whose last four bytes are the double SHA-256 of the others."""
    number = 0
    for each in candidate.value:
        number = number * 58 + _BASE58.index(each)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def is_jwt(candidate: Candidate) -> bool:
    """The first part of a JSON web token is a JSON object that names its algorithm."""
    header = decode_base64(candidate.value.split(".", 1)[0])
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and ("alg" in fields or "enc" in fields or "typ" in fields)


def decode_base64(value: str) -> bytes:
    """Return the bytes, of either alphabet, with or without padding; empty if it is none."""
    text = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


def is_basic_credential(candidate: Candidate) -> bool:
    """`Basic` is followed by base64 of `user:password`, printable, with a password that is none of a document's."""
    text = decode_base64(candidate.value).decode("utf-8", "replace")
    _, colon, password = text.partition(":")
    return bool(colon) and text.isprintable() and "\ufffd" not in text and len(text) >= 3 and not is_placeholder(password)


def is_live_password(candidate: Candidate) -> bool:
    """The password inside an address: not a variable, not stars, not the word for it."""
    value = candidate.value
    if is_placeholder(value) or is_example_run(value) or "*" * 3 in value or value.startswith(("$", "<", "{", "[", "%s", "%{")):
        return False
    return value.lower() not in _PASSWORD_WORDS


_PASSWORD_WORDS = frozenset(
    ("password", "passwd", "pass", "pwd", "secret", "user", "username", "token", "pw", "yourpassword", "mypassword", "xxx", "credentials")
)


def is_phrase(candidate: Candidate) -> bool:
    """A wallet's phrase has 12, 15, 18, 21 or 24 words, hardly one of them twice."""
    words = candidate.value.split()
    return len(words) in (12, 15, 18, 21, 24) and len(set(words)) >= len(words) - 2


_KEY_RUN = re.compile(r"[A-Za-z0-9+/]{16}")


def has_key_body(candidate: Candidate) -> bool:
    """A private key has a body, be it cut off: the BEGIN line alone is somebody who writes about keys."""
    _, _, body = candidate.value.partition("KEY")
    run = _KEY_RUN.search(body)
    return run is not None and len(set(run.group())) > 3


_PUTTY_RUN = re.compile(r"[A-Za-z0-9+/]{40}")


def has_putty_body(candidate: Candidate) -> bool:
    """PuTTY's key files have their key in lines of base64."""
    run = _PUTTY_RUN.search(candidate.value)
    return run is not None and len(set(run.group())) > 3


def is_random(candidate: Candidate) -> bool:
    """What follows `Bearer` or an authorization header: no word, no address, with a digit in it."""
    value = candidate.value
    return is_credential_like(value) and any(each.isdigit() for each in value)
