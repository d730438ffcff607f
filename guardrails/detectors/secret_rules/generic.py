"""Secrets that no provider's form gives away: what is assigned to a name that says token, secret, key or password."""

from __future__ import annotations

import re

from guardrails.detectors.secret_rules import checks
from guardrails.detectors.secret_rules.rule import UUID, Rule
from guardrails.patterns import Candidate

_AFTER_NAME = r"[\w.-]{0,24}?"
_CLOSE = r"[\"'`\\\])}>]{0,4}[ \t]{0,12}"
_ASSIGN = r"(?:=>|:=|\?=|\|\||===?|!==?|[=:>]|[,(][ \t]{0,4}[\"'`]|\bis\b|\bwas\b)(?:[ \t]{0,4}(?:string|str|String|&str)[ \t]{0,2}=)?"
_OPEN = r"[ \t\r\n]{0,4}(?:[bruf]?[\"'`\\]{1,4}|[\"'`(\[{<]{0,3})"
_VALUE = r"([\w.+/=~@!#$%^&*?:-]{8,400})"

_GROUPS = "(?:[A-Za-z0-9]{6,12}-){2,4}[A-Za-z0-9]{6,16}"
"""Letters and digits in groups, as on a licence."""

_NAME_STOP = re.compile(
    r"(?:^|[^A-Za-z]|(?<=[a-z])(?=[A-Z]))(?i:public|pub|primary|foreign|partition|sort|cache|idempotency|hot|short_?cut|"
    r"translation|i18n|locale|lookup|"
    r"composite|unique|"
    r"row|column|dict|map|json|object|s3|bucket|registry|group|sub|index|key_?board|mon|don|tur|hoc|joc|whis|tri|cookie|"
    r"hash|csrf_?field|xsrf|author|authen|authority|next|page|prev|previous|continuation|stop|start|end|eos|bos|pad|unk|mask|sep|special|"
    r"max|min|num|total|count|input|output|prompt|completion|reasoning|cached|used|remaining|design|css|theme)[_.\s-]{0,2}$"
)
_SUFFIX_STOP = re.compile(
    r"(?:hash|digest|count|counts|limit|length|len|size|name|names|type|types|file|path|dir|url|uri|endpoint|host|expir\w*|ttl|lifetime|"
    r"version|status|field|column|label|title|header|prefix|suffix|format|pattern|regex|policy|rotation|manager|store|storage|provider|"
    r"class|factory|service|handler|validator|parser|generator|ring|word|words|code|map|set|list|vault|ref|arn|usage|used|budget|per\w*|"
    r"alias|hint|algorithm|alg|fingerprint|thumbprint|mgr\w*|board|frame|note|stone|"
    r"ization|izer|ize|ized|ed|ors?|ority|entication|index|at|date|time|created\w*|"
    r"updated\w*)$",
    re.IGNORECASE,
)
_UUID_NAME = re.compile(r"secret|api[_.-]?(?:key|token)|(?:access|auth|private|bearer|license|personal)[_.-]?(?:key|token)", re.IGNORECASE)
_THING = re.compile(r"(?:request|correlation|trace|event|job|task|run|object|node|user|item|entity|order|message)[_.-]?$", re.IGNORECASE)
_KEYWORD = re.compile(
    r"^(?:pass_?phrase|password|passwd|passwort|kennwort|mot_de_passe|senha|wachtwoord|contrasen?a|haslo|pwd|psw|[_-]pass|token|secret|"
    r"api[_.-]?key|key|credentials?|creds|auth|access|private[_-]?id|client[_-]?id|app[_-]?id|account[_-]?sid|private)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\w.-]*")
_SPECIAL = re.compile(r"[!@#$%^&*?~+/=:.-]")
_TYPE = re.compile(
    r"^(?:string|str|bytes|int|number|boolean|bool|none|null|undefined|required|optional|true|false|secretstr)\b", re.IGNORECASE
)
_CALL = re.compile(
    r"^[\w.]*(?:\(|\[)|^[A-Za-z_][\w.]*=[^=]|^(?:process\.env|os\.environ|os\.getenv|secrets\.|env\.|config\.|"
    r"self\.|this\.|var\.|local\.|data\.|params\.|args\.|request\.|req\.|ctx\.|"
    r"options\.|settings\.|vault:|ssm:|op://|file:)",
    re.IGNORECASE,
)


def _name_of(candidate: Candidate) -> tuple[str, str]:
    """Return what stands before the keyword in its identifier, and the identifier from the keyword on."""
    # From its end on: a search for what ends there would begin at each character.
    left = _NAME.match(candidate.left[::-1])
    head = _NAME.match(candidate.match)
    return left.group()[::-1] if left else "", head.group() if head else ""


def _is_stopped(candidate: Candidate) -> bool:
    left, name = _name_of(candidate)
    if (left and _NAME_STOP.search(left)) or _SUFFIX_STOP.search(_KEYWORD.sub("", name, 1)):
        return True
    value = candidate.value
    return bool(_TYPE.match(value) or _CALL.match(value)) or checks.is_after_digest_name(candidate)


def _is_assigned_secret(candidate: Candidate) -> bool:
    """A token or key: letters and digits mixed, no words, no address, not the tail of something longer."""
    value = candidate.value.strip(".:,;=?!")
    if len(value) < 10 or _is_stopped(candidate) or candidate.right in _GOES_ON:
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if checks.is_uuid(value):
        return _is_uuid_secret(candidate)
    if letters == 0:
        return digits >= 24 and _is_name_strong(candidate)
    if digits < 2 or letters < 2 or "://" in value or value.count(":") > 2:
        return False
    return _is_name_strong(candidate) or (len(value) >= 20 and "/" not in value and "." not in value)


def _is_uuid_secret(candidate: Candidate) -> bool:
    """A UUID is a name far more often than a secret; beside `client_secret` or `acme_api_key` it is one."""
    left, name = _name_of(candidate)
    if _UUID_NAME.search(left[-24:] + name):
        return True
    return len(left) > 2 and name.lower() in ("key", "token") and not _THING.search(left)


def _is_name_strong(candidate: Candidate) -> bool:
    """Bare `key` or `auth` says little; `api_key`, `secret` and `token` say enough."""
    left, name = _name_of(candidate)
    lowered = name.lower()
    return bool(left) or not lowered.startswith(("key", "auth")) or lowered.startswith(("auth_", "authkey", "authtoken"))


_GOES_ON = frozenset("_-+/=~@%(") | frozenset("[")


def _is_assigned_password(candidate: Candidate) -> bool:
    """A password: not a word of a form or a program; a digit or a sign in it."""
    value = candidate.value.rstrip(".,;:")
    if len(value) < 6 or not checks.is_live_password(candidate) or candidate.right in ("(", "["):
        return False
    if _is_stopped(candidate) or checks.is_path(value) or (checks.is_identifier(value) and not any(each.isdigit() for each in value)):
        return False
    has_digit = any(each.isdigit() for each in value)
    return any(each.isalpha() for each in value) and (has_digit or (bool(_SPECIAL.search(value[1:-1])) and len(value) >= 8))


def _is_spaced_secret(candidate: Candidate) -> bool:
    """After a space or a dash there is no sign that something is assigned, so the value must look random by itself."""
    value, right = candidate.value, candidate.right
    if right and (right.isalnum() or right == "_"):
        return False
    digits = sum(each.isdigit() for each in value)
    if checks.is_uuid(value):
        return _is_uuid_secret(candidate) and not _is_stopped(candidate)
    return digits >= (3 if len(value) >= 20 else 5) and len(value) - digits >= 3 and not _is_stopped(candidate)


def _assigned(name: str, keyword: str, trigger: str) -> Rule:
    return Rule(
        name=name,
        label="SECRET",
        expression=f"(?:{keyword}){_AFTER_NAME}{_CLOSE}{_ASSIGN}{_OPEN}{_VALUE}",
        triggers=(rf"(?:{trigger})[\w.-]{{0,24}}[\"'`\\\])}}>]{{0,4}}[ \t]{{0,12}}(?:[=:,>(?|]|is\b|was\b)",),
        group=1,
        is_caseless=True,
        check=_is_assigned_secret,
        least_bits=3.0,
        is_gated=True,
        score=0.7,
        reason="A random-looking value is assigned to a name that says it is secret.",
        is_edged=False,
    )


def _spaced(name: str, keyword: str) -> Rule:
    return Rule(
        name=name,
        label="SECRET",
        expression=rf"(?:{keyword})(?:[ \t_-]{{1,3}}(?:key|token|is|id))?"
        rf"[ \t_.\"'-]{{1,4}}([A-Za-z0-9]{{16,180}}={{0,2}}|{_GROUPS}|{UUID})",
        triggers=(rf"(?:{keyword})[ \t_.\"'-]{{1,4}}(?:key|token|is|id)?[ \t_.\"'-]{{0,4}}[a-z0-9]{{6}}",),
        group=1,
        is_caseless=True,
        check=_is_spaced_secret,
        least_bits=3.0,
        is_gated=True,
        score=0.6,
        reason="A random-looking value follows a word for a secret.",
        is_edged=False,
    )


def _password(name: str, keyword: str) -> Rule:
    return Rule(
        name=name,
        label="PASSWORD",
        expression=f"(?:{keyword}){_AFTER_NAME}{_CLOSE}{_ASSIGN}{_OPEN}([^\\s\"'`<>,;(){{}}]{{6,120}})",
        triggers=(rf"(?:{keyword})[\w.-]{{0,24}}[\"'`\\\])}}>]{{0,4}}[ \t]{{0,12}}(?:[=:,>(?|]|is\b|was\b)",),
        group=1,
        is_caseless=True,
        check=_is_assigned_password,
        least_bits=2.0,
        score=0.7,
        reason="A value is assigned to a name that says it is a password.",
        is_edged=False,
        is_stop_listed=False,
    )


RULES: tuple[Rule, ...] = (
    _assigned("assigned_token", "token", "token"),
    _assigned("assigned_secret", "secret", "secret"),
    _assigned("assigned_api_key", "api[ _.-]?key|apikey", "api[ _.-]?key"),
    _assigned("assigned_key", "key", "key"),
    _assigned("assigned_credential", "credential|creds", "cred(?:ential)?s?"),
    _assigned("assigned_auth", "auth", "auth"),
    _assigned(
        "assigned_access",
        "access|private|client[_-]?id|app[_-]?id|account[_-]?sid",
        "access|private|client.?id|app.?id|account.?sid",
    ),
    _spaced("spaced_token", "token"),
    _spaced("spaced_secret", "secret"),
    _spaced("spaced_key", "key"),
    _spaced("spaced_access", "access|private"),
    _password("assigned_password", "password|passwd"),
    _password("assigned_password_abroad", "passwort|kennwort|mot[ _]de[ _]passe|senha|wachtwoord|contrasen?a|haslo"),
    _password("assigned_passphrase", "passphrase|pass_?phrase"),
    _password("assigned_pwd", "pwd|psw"),
    _password("assigned_pass", "_pass|-pass"),
)
