"""
Made-up secrets of the right form for every rule of the secrets detector, and what only looks like one.

Rules: seeded, so that a failure can be repeated; nothing here was ever given out by a provider. Values come from the rule's own
expression, and from makers of their own where a checksum or a structure decides.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from re import _constants as signs  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from guardrails.detectors.secret_rules.named import Named
from guardrails.detectors.secret_rules.rule import Rule

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PRINTABLE = [chr(each) for each in range(33, 127)]


@dataclass(frozen=True)
class Sample:
    """`secret` is the part of `text` that must be hidden, empty where nothing is one. `kind` says in what a look-alike differs."""

    rule: str
    kind: str
    text: str
    secret: str = ""


def positive(rule: Rule | Named, seed: int) -> Sample:
    """Return a text that holds a secret of this rule."""
    rng = random.Random(f"{rule.name}/{seed}")
    if isinstance(rule, Named):
        value = _text_of(_value_shape(rule, rng), rng)
        return Sample(rule.name, "positive", rng.choice(_ASSIGNMENTS).format(name=_word(rule, rng), value=value), value)
    if rule.name in MAKERS:
        text, secret = MAKERS[rule.name](rng)
        return Sample(rule.name, "positive", text, secret)
    text, secret = _match_of(rule, rng)
    return Sample(rule.name, "positive", f"{rng.choice(_BEFORE)}{text}{rng.choice(_AFTER) if rule.is_edged else ' '}", secret)


def look_alikes(rule: Rule | Named, seed: int) -> list[Sample]:
    """Return texts that resemble a secret of this rule and are none."""
    rng = random.Random(f"{rule.name}/not/{seed}")
    if isinstance(rule, Named):
        return _named_look_alikes(rule, rng)
    sample = positive(rule, seed)
    first, last = sample.text.split(sample.secret, 1) if sample.secret in sample.text else ("", "")
    prefix = _fixed_start(sample.secret, positive(rule, seed + 1).secret, positive(rule, seed + 2).secret)
    found = [
        Sample(rule.name, "placeholder", first + prefix + "x" * max(8, len(sample.secret) - len(prefix)) + last),
        Sample(rule.name, "variable", first + "${SECRET_VALUE}" + last),
        Sample(rule.name, "truncated", f"The value starts with {first.strip()}{prefix}... and is kept elsewhere."),
    ]
    if rule.is_edged and rule.group == 0:
        # An escape at the left end stands for a space, so the letters around it must not make one.
        found.append(Sample(rule.name, "inside a word", f"ab{sample.secret}cd"))
        if len(prefix) >= 2:
            found.append(Sample(rule.name, "too short", f"{prefix}{sample.secret[len(prefix) : len(prefix) + 4]}"))
    if rule.name in _CHECKED:
        wrong = sample.secret[:-1] + ("a" if sample.secret[-1] != "a" else "b")
        found.append(Sample(rule.name, "checksum", f"{wrong}"))
    return found


_BEFORE = ("", "here: ", "'", '"', "\\n", "value ")
_AFTER = ("", " ", '"', "\n", ", then")
_ASSIGNMENTS = (
    '{name}_api_key = "{value}"',
    "{name}Token: '{value}'",
    "export {name}_SECRET={value}",
    '"{name}_key": "{value}",',
    "<{name}Secret>{value}</{name}Secret>",
    'os.environ["{name}_token"] = "{value}"',
)


def _named_look_alikes(rule: Named, rng: random.Random) -> list[Sample]:
    word = _word(rule, rng)
    title = word.title().replace("_", "")
    texts = {
        "placeholder": f'{word}_api_key = "your_{word}_api_key_goes_here"',
        "variable": f"{word}_token: ${{{word.upper()}_TOKEN}}",
        "stars": f'{word}_secret = "{"*" * 32}"',
        "one letter": f'{word}_secret = "{"x" * 32}"',
        "identifier": f"{word}_client = create{title}ClientFromEnvironmentSettings",
        "path": f'{word}_key_file = "/etc/{word}/secrets/production/key.pem"',
        "address": f"{word}_url = https://api.{word}.com/v1/resources/list?limit=100",
        "prose": f"We use {word} with a secret key that every developer has to request from the platform team first.",
        "digest": f'{word}.tar.gz  integrity "sha512-{_random(rng, BASE62, 86)}=="',
        "version": f"{word}-client==2.14.3 # pinned since 2024-11-05",
    }
    return [Sample(rule.name, kind, text) for kind, text in texts.items()]


def _word(rule: Named, rng: random.Random) -> str:
    """A name of the provider that can be the start of an identifier."""
    words = [re.sub(r"\\(.)", r"\1", re.sub(r".\?|\[.*?\]\?", "_", each)) for each in rule.words.split("|")]
    return rng.choice([word.strip("_-. ").replace(" ", "_") for word in words if "." not in word] or [words[0]])


def _value_shape(rule: Named, rng: random.Random) -> str:
    return rng.choice(_alternatives(rule.shape))


def _alternatives(expression: str) -> list[str]:
    """The expression's alternatives that are not inside brackets."""
    depth, found, at = 0, [""], 0
    while at < len(expression):
        each = expression[at]
        if each == "\\":
            found[-1] += expression[at : at + 2]
            at += 2
            continue
        depth += (each in "([") - (each in ")]")
        if each == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += each
        at += 1
    return found


def _fixed_start(*values: str) -> str:
    """What the values begin with, as far as it is the same in all of them."""
    count = 0
    while all(len(value) > count for value in values) and len({value[count] for value in values}) == 1:
        count += 1
    return values[0][:count]


def _random(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def _match_of(rule: Rule, rng: random.Random) -> tuple[str, str]:
    """Return a match of the rule's expression, and its group."""
    flags = re.IGNORECASE if rule.is_caseless else 0
    for _ in range(50):
        text = _text_of(rule.expression, rng)
        match = re.search(rule.expression, text, flags | re.ASCII)
        if match and len(match.group(rule.group)) >= 8:
            return text, match.group(rule.group)
    raise AssertionError(f"No match of {rule.name} could be made.")


def _text_of(expression: str, rng: random.Random) -> str:
    return _write(parser.parse(expression), rng)


def _write(nodes: Any, rng: random.Random) -> str:
    return "".join(_write_node(operation, argument, rng) for operation, argument in nodes)


def _write_node(operation: Any, argument: Any, rng: random.Random) -> str:
    if operation is signs.LITERAL:
        return chr(argument)
    if operation is signs.IN:
        return rng.choice(_members(argument))
    if operation in (signs.ANY, signs.NOT_LITERAL):
        return rng.choice("abcdefgh")
    if operation in (signs.MAX_REPEAT, signs.MIN_REPEAT):
        least, most, part = argument
        # What is found lazily or may be left out is written rarely, so that texts stay short.
        count = least if operation is signs.MIN_REPEAT else rng.randint(least, min(int(most), least + 12))
        return "".join(_write(part, rng) for _ in range(count))
    if operation is signs.SUBPATTERN:
        return _write(argument[3], rng)
    if operation is signs.BRANCH:
        return _write(rng.choice(argument[1]), rng)
    return ""


_CATEGORIES = {
    signs.CATEGORY_WORD: BASE62 + "_",
    signs.CATEGORY_DIGIT: string.digits,
    signs.CATEGORY_SPACE: " ",
    signs.CATEGORY_NOT_SPACE: BASE62,
}


def _members(argument: Any) -> list[str]:
    members: list[str] = []
    is_negated = False
    for operation, value in argument:
        if operation is signs.NEGATE:
            is_negated = True
        elif operation is signs.LITERAL:
            members.append(chr(value))
        elif operation is signs.RANGE:
            members += map(chr, range(value[0], value[1] + 1))
        elif operation is signs.CATEGORY:
            members += _CATEGORIES[value]
    if is_negated:
        return [each for each in BASE62 if each not in members]
    return members if not any(each.isalnum() for each in members) or len(members) < 12 else [each for each in members if each.isalnum()]


def _github(rng: random.Random) -> tuple[str, str]:
    secret = _random(rng, BASE62, 30)
    token = f"gh{rng.choice('pousr')}_{secret}{_crc(secret)}"
    return f"push with {token}", token


def _gateway(rng: random.Random) -> tuple[str, str]:
    body = f"gw_live_{_random(rng, BASE62, 10)}_{_random(rng, BASE62, 32)}"
    token = f"{body}_{_crc(body)}"
    return f"client = Client(api_base=x, key='{token}')", token


def _crc(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _base58(data: bytes) -> str:
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return digits


def _bitcoin(rng: random.Random) -> tuple[str, str]:
    key = _base58(b"\x80" + rng.randbytes(32) + (b"\x01" if rng.random() < 0.5 else b""))
    return f"sweep {key}", key


def _extended(rng: random.Random) -> tuple[str, str]:
    key = _base58(bytes.fromhex("0488ade4") + rng.randbytes(74))
    return f"derive from {key}", key


def _jwt(rng: random.Random) -> tuple[str, str]:
    header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    token = f"{header}.{_encode(json.dumps({'sub': str(rng.random()), 'iat': 1}).encode())}.{_encode(rng.randbytes(32))}"
    return f"cookie: {token}", token


def _jwe(rng: random.Random) -> tuple[str, str]:
    header = _encode(json.dumps({"alg": "dir", "enc": "A256GCM"}).encode())
    token = f"{header}..{_encode(rng.randbytes(12))}.{_encode(rng.randbytes(60))}.{_encode(rng.randbytes(16))}"
    return f"cookie: {token}", token


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _basic(rng: random.Random) -> tuple[str, str]:
    value = base64.b64encode(f"svc:{_random(rng, BASE62, 12)}".encode()).decode()
    return f"Authorization: Basic {value}", value


def private_key(rng: random.Random, kind: str = "RSA ", length: int = 1600) -> str:
    body = base64.b64encode(rng.randbytes(length * 3 // 4)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def _pem(rng: random.Random) -> tuple[str, str]:
    key = private_key(rng, rng.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA ")))
    return f"deploy with\n{key}\nthanks", key


_WORDS = ["abandon", "ability", "below", "absent", "absorb", "abstract", "cargo", "carpet", "casual", "famous"]
_WORDS += ["fancy", "garden", "garlic", "hockey", "island", "jungle", "kitchen", "lemon"]


def _phrase(opening: str) -> Callable[[random.Random], tuple[str, str]]:
    def make(rng: random.Random) -> tuple[str, str]:
        phrase = " ".join(rng.sample(_WORDS, 12))
        return f"{opening}{phrase}.", phrase

    return make


def _assigned(name: str, alphabet: str = BASE62, count: int = 32) -> Callable[[random.Random], tuple[str, str]]:
    def make(rng: random.Random) -> tuple[str, str]:
        value = _random(rng, alphabet, count - 4) + _random(rng, string.digits, 2) + _random(rng, string.ascii_letters, 2)
        return rng.choice((f'{name} = "{value}"', f'"{name}": "{value}"', f"{name}={value}", f"{name}: '{value}'")), value

    return make


def _spaced(words: str) -> Callable[[random.Random], tuple[str, str]]:
    def make(rng: random.Random) -> tuple[str, str]:
        value = _random(rng, string.digits, 4) + _random(rng, BASE62, 24)
        return f"acme {words} {value}", value

    return make


def _written(before: str, alphabet: str, count: int, after: str = "") -> Callable[[random.Random], tuple[str, str]]:
    def make(rng: random.Random) -> tuple[str, str]:
        value = _random(rng, alphabet, count)
        return before + value + after, value

    return make


MAKERS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "github_token": _github,
    "gateway_key": _gateway,
    "bitcoin_private_key": _bitcoin,
    "extended_private_key": _extended,
    "jwt": _jwt,
    "jwe": _jwe,
    "basic_authorization": _basic,
    "private_key": _pem,
    "recovery_phrase": _phrase("my seed phrase is "),
    "mnemonic_assignment": _phrase("mnemonic = "),
    "bearer_authorization": _written("Authorization: Bearer 7f", BASE62, 40),
    "authorization_header": _written("Authorization: token 4a", BASE62, 40),
    "curl_user": _written("curl -s -u admin:", BASE62, 16, " https://host.test/"),
    "mysql_command_password": _written("mysql -u root -p", BASE62, 14, " shop"),
    "putty_private_key": _written("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: k\nPublic-Lines: 6\n", BASE62, 200, "\n"),
    "assigned_token": _assigned("deploy_token"),
    "assigned_secret": _assigned("app_secret"),
    "assigned_api_key": _assigned("acme_api_key"),
    "assigned_key": _assigned("signing_key"),
    "assigned_credential": _assigned("service_credential"),
    "assigned_auth": _assigned("x_auth"),
    "assigned_access": _assigned("acme_access"),
    "spaced_token": _spaced("TOKEN"),
    "spaced_secret": _spaced("SECRET"),
    "spaced_key": _spaced("key"),
    "spaced_access": _spaced("ACCESS"),
    "assigned_password": _assigned("db_password", count=14),
    "assigned_password_abroad": _assigned("passwort", count=14),
    "assigned_passphrase": _assigned("ssh_passphrase", count=14),
    "assigned_pwd": _assigned("db_pwd", count=14),
    "assigned_pass": _assigned("smtp_pass", count=14),
}
_CHECKED = frozenset(("github_token", "gateway_key", "bitcoin_private_key", "extended_private_key"))
