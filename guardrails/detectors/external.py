"""
Detector `external`: asks somebody else, over HTTP or a model of this gateway.

Kinds: `webhook` (our own form, signed), `judge` (a model through a route of this gateway), `openai_moderation`, `azure_content_safety`.

Rules: an answer that is too long, of another status than 200 or of another shape than agreed is an error, never a pass; the caller
applies the rule's fail mode, its deadline and its breaker. What an answer says in words is not passed on, because it may quote the text.
Connections are opened by the ports of `guardrails.egress`: `bound` gives a detector its own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from common.secret import Secret
from guardrails.detection import Facts, PlacedHit, TextUnit
from guardrails.egress import Egress, Judge
from guardrails.errors import BadRule, CouldNotScan
from guardrails.outside.asking import Ports, Questioner, cut_questions, find_label
from guardrails.outside.judging import ModelJudge
from guardrails.outside.moderation import AZURE_CATEGORIES, AzureContentSafety, OpenAIModeration
from guardrails.outside.webhook import Webhook, signing_key

Kind = Literal["webhook", "judge", "openai_moderation", "azure_content_safety"]

CREDENTIAL_PREFIX = "GUARDRAILS_CREDENTIAL_"
"""How variables of the environment begin that a rule may name. Others hold secrets of the gateway, and a rule can send them anywhere."""

_MOST_QUESTIONS = 16
_VARIABLE = re.compile(rf"{CREDENTIAL_PREFIX}[A-Z0-9_]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_OWN_HEADERS = frozenset(
    [
        *("connection", "content-length", "content-type", "cookie", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"),
        *("ocp-apim-subscription-key", "webhook-id", "webhook-signature", "webhook-timestamp"),
    ]
)
_OPENAI_URL = "https://api.openai.com/v1/moderations"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `url`: where the question goes; a judge has none, and OpenAI's is known. `credential_env`: a variable
    `GUARDRAILS_CREDENTIAL_...` of the gateway's environment that holds the key of a vendor, or the secret that a webhook is signed with;
    with `_FILE` behind it, the file that does. `credential` is the secret itself; only versions of old have it, and no policy is stored
    with it any more. `headers` are sent along, and lie in the policy for all to read.

    `model`: the judge's, as clients name it, or the vendor's. `criteria`: what a judge shall object to. `categories`: those of a vendor
    that count, empty for all. `cut`: the lowest score that is a hit, None for the service's own verdict. `lowest_severity`: the same for
    Azure, 0 to 7. `label` names the hit where the service does not. `timeout_s` bounds one question. `max_characters` bounds the text
    of one question, None for what the service takes; longer texts are asked in parts, at most 16.
    """

    kind: Kind
    url: str = ""
    credential: str = ""
    credential_env: str = ""
    headers: dict[str, str] = {}
    model: str = ""
    criteria: str = ""
    categories: tuple[str, ...] = ()
    blocklists: tuple[str, ...] = ()
    cut: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    lowest_severity: Annotated[int, msgspec.Meta(ge=1, le=7)] = 2
    label: str = "EXTERNAL"
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    max_characters: Annotated[int, msgspec.Meta(ge=1_000, le=1_000_000)] | None = None

    def __repr__(self) -> str:
        return f"Parameters(kind={self.kind!r})"


def check_stored(parameters: Mapping[str, Any]) -> None:
    """
    Refuse what must not be stored with a policy, which many may read and versions keep for ever. Errors: BadRule.

    Versions of old that hold one still compile: `build` takes it.
    """
    if parameters.get("credential"):
        raise BadRule(
            "`credential` would lie in the policy for all to read. Put it into a variable of the gateway's environment that begins with "
            f"{CREDENTIAL_PREFIX}, and name that in `credential_env`."
        )


def build(parameters: Parameters) -> ExternalDetector:
    questioner = _questioner(parameters)
    if parameters.max_characters is not None:
        questioner = dataclasses.replace(questioner, longest=min(parameters.max_characters, questioner.longest))
    return ExternalDetector(questioner, parameters.timeout_s)


def _questioner(parameters: Parameters) -> Webhook | ModelJudge | OpenAIModeration | AzureContentSafety:
    label = find_label(parameters.label, "EXTERNAL")
    cut, categories = parameters.cut, parameters.categories
    if parameters.kind == "judge":
        if not parameters.model or not parameters.criteria.strip():
            raise BadRule("A judge needs `model`, as clients name it, and `criteria`, which say what it shall object to.")
        if parameters.url or parameters.credential or parameters.credential_env:
            raise BadRule("A judge is a model of this gateway: it has no `url` and no credential.")
        return ModelJudge(parameters.model, parameters.criteria, label, cut)
    if parameters.kind == "openai_moderation" and not parameters.url:
        parameters = msgspec.structs.replace(parameters, url=_OPENAI_URL)
    credential = _read_credential(parameters)
    headers = _read_headers(parameters.headers)
    _check_url(parameters, is_secret_sent=bool(headers) or (bool(credential) and parameters.kind != "webhook"))
    if parameters.kind == "webhook":
        try:
            signing_key(credential)
        except ValueError as error:
            raise BadRule(f"The secret of the webhook cannot be used: {error}.") from None
        return Webhook(parameters.url, credential, headers, label, cut)
    if parameters.kind == "openai_moderation":
        return OpenAIModeration(parameters.url, credential, headers, parameters.model or "omni-moderation-latest", label, categories, cut)
    if not credential:
        raise BadRule("Azure Content Safety needs `credential_env`.")
    if unknown := set(categories) - set(AZURE_CATEGORIES):
        raise BadRule(f"Azure Content Safety has no category {min(unknown)!r}. It has: {', '.join(AZURE_CATEGORIES)}.")
    return AzureContentSafety(parameters.url, credential, headers, label, categories, parameters.lowest_severity, parameters.blocklists)


def _read_credential(parameters: Parameters) -> Secret:
    name = parameters.credential_env
    if name and parameters.credential:
        raise BadRule("Give `credential` or `credential_env`, not both.")
    if not name:
        return _checked(parameters.credential, "The credential")
    if not _VARIABLE.fullmatch(name):
        raise BadRule(f"`credential_env` names a variable that begins with {CREDENTIAL_PREFIX}; others are not given to rules.")
    value = os.environ.get(name, "")
    if not value and (file := os.environ.get(f"{name}_FILE")):
        try:
            value = Path(file).read_text().rstrip("\n")
        except (OSError, UnicodeError):
            raise BadRule(f"The file that {name}_FILE names cannot be read.") from None
    if not value:
        raise BadRule(f"The variable {name} is not set where the gateway runs.")
    return _checked(value, f"The value of {name}")


def _checked(value: str, what: str) -> Secret:
    if not _HEADER_VALUE.fullmatch(value):
        raise BadRule(f"{what} holds characters that no header may have.")
    return Secret(value)


def _read_headers(headers: dict[str, str]) -> dict[str, Secret]:
    for name in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise BadRule(f"The header {name!r} cannot be set.")
    return {name.lower(): _checked(value, f"The header {name!r}") for name, value in headers.items()}


def _check_url(parameters: Parameters, *, is_secret_sent: bool) -> None:
    try:
        parts = urlsplit(parameters.url)
        host = parts.hostname
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        raise BadRule("`url` is no URL.") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.fragment or re.search(r"[\s\\]", parameters.url):
        raise BadRule("`url` is an http or https address, without a user name and a fragment.")
    if is_secret_sent and parts.scheme == "http" and host not in _LOOPBACK:
        raise BadRule("`url` must be https, else the credential could be read on its way.")


@dataclass(frozen=True, slots=True)
class ExternalDetector:
    """Asks all its questions at once. Errors of `ask`: CouldNotScan, or what the port raised."""

    questioner: Questioner
    timeout_s: float
    egress: Egress | None = None
    judge: Judge | None = None

    def bound(self, egress: Egress | None, judge: Judge | None) -> ExternalDetector:
        """Return this detector with the ports that it asks through."""
        return dataclasses.replace(self, egress=egress, judge=judge)

    async def ask(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        questioner = self.questioner
        questions = cut_questions(units, questioner.longest, questioner.most_pieces)
        if len(questions) > _MOST_QUESTIONS:
            raise CouldNotScan("the texts are too long for the service")
        ports = Ports(self.egress, self.judge, self.timeout_s)
        if len(questions) == 1:
            return await questioner.ask(questions[0], units, facts, ports)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(questioner.ask(pieces, units, facts, ports)) for pieces in questions]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return list(dict.fromkeys(hit for task in tasks for hit in task.result()))
