"""
Guardrail policies tried on texts over REST: nothing is forwarded, stored or counted.

Rules: a key tries the policies that hold for it, a person any that is published. What the caller may not try does not exist for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.callers import KeyCaller, admit
from common.rest.queries import StrictSerializer, read_body
from common.rest.views import ApiView
from guardrails.checking import describe_check
from guardrails.detection import Facts
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.errors import BadRule
from guardrails.policy_document import PolicyDocument
from guardrails.public import list_published
from guardrails.trials import unit_of
from proxy.adapters.snapshot_builder import as_hot_policy
from proxy.errors import Overloaded
from proxy.snapshot import PublishedPolicy

_CONSOLE = "guardrails.view_policy"
_TEXTS_MAX_COUNT: Final = 100
_DIRECTIONS: Final = ("request", "response", "tool_arguments", "tool_results")
_COMPILED_MAX_COUNT: Final = 4
"""Beside the worker's own: enough for trying, and small."""

_decoder = msgspec.json.Decoder(PolicyDocument)


_LIST: Final = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": _TEXTS_MAX_COUNT}


@extend_schema_field({"oneOf": [{"type": "string"}, _LIST]})
class TextsField(serializers.Field[Any, Any, Any, Any]):
    """A text or several, which are looked at together."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        texts = (data,) if isinstance(data, str) else tuple(data) if isinstance(data, list) else ()
        if not 0 < len(texts) <= _TEXTS_MAX_COUNT or not all(isinstance(each, str) for each in texts):
            raise serializers.ValidationError(f"Write a text, or a list of 1 to {_TEXTS_MAX_COUNT} texts.")
        return texts

    def to_representation(self, value: Any) -> Any:
        return value


class Check(StrictSerializer):
    text = TextsField(help_text="A text, or a list of texts that are looked at together.")
    policy = serializers.CharField(
        required=False, max_length=63, help_text="A published policy. Without it: those that hold for the caller."
    )
    direction = serializers.ChoiceField(choices=_DIRECTIONS, default="request")
    model = serializers.CharField(required=False, max_length=200, default="", allow_blank=True, help_text="For policies of certain models.")
    route = serializers.CharField(
        required=False, max_length=200, default="/v1/chat/completions", help_text="For policies of certain paths."
    )
    system = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="The operator's instructions, for rules that protect them.",
    )


class CheckOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`guardrail_check`")
    verdict = serializers.ChoiceField(choices=("allow", "redact", "retry", "route", "block"))
    decided_by = serializers.CharField(help_text="The rule that decided, empty for `allow`.")
    message = serializers.CharField(help_text="What a blocked caller reads.")
    is_degraded = serializers.BooleanField(help_text="A rule could not look, and its fail mode let the text pass.")
    policies = serializers.ListField(child=serializers.DictField(), help_text="`name`, `version` and `mode` of what was asked.")
    findings = serializers.ListField(
        child=serializers.DictField(), help_text="Offsets are characters of text `text_index`; values are masked."
    )
    texts = serializers.ListField(
        child=serializers.DictField(), help_text="What would go on of each text, its edits, its normalised views."
    )
    rules = serializers.ListField(
        child=serializers.DictField(),
        help_text="How each rule fared: pass, hit, error, skipped; `is_partial` where it read only parts of a text.",
    )
    unasked_rules = serializers.ListField(child=serializers.CharField(), help_text="Rules that ask somebody else; here they are not.")
    latency_us = serializers.FloatField(help_text="The check alone.")


class GuardrailCheck(ApiView):
    @extend_schema(operation_id="check_guardrails", request=Check, responses=CheckOut)
    def post(self, request: Request) -> Response:
        """Try guardrail policies on texts. Permission: `inference`."""
        caller = admit(request, permission="inference", console=_CONSOLE)
        body = read_body(Check, request)
        policies = _compile(_find_policies(caller, body), str(caller.key_id) if isinstance(caller, KeyCaller) else "")
        units = [unit_of(text, body["direction"]) for text in body["text"]]
        facts = Facts(model=body["model"], system_texts=(body["system"],) if body["system"] else ())
        return Response({"object": "guardrail_check"} | describe_check(policies, units, facts))


def _find_policies(caller: object, body: dict[str, Any]) -> list[PublishedPolicy]:
    """Return the policies to ask, the most specific first. Errors: ValidationError. Cost: two queries."""
    workspace_id, key_id = (str(caller.workspace_id), str(caller.key_id)) if isinstance(caller, KeyCaller) else ("", "")
    published = [as_hot_policy(each) for each in list_published()]
    name = body.get("policy")
    if name is None:
        found = [each for each in published if each.holds_for(workspace_id, key_id, body["model"], body["route"])]
        return sorted(found, key=lambda each: each.specificity_for(key_id), reverse=True)
    for each in published:
        is_free = not isinstance(caller, KeyCaller) or replace(each, models=(), routes=()).holds_for(workspace_id, key_id, "", "")
        if each.name == name and is_free:
            return [each]
    raise ValidationError({"policy": [f"There is no published policy {name[:63]!r}."]})


def _compile(policies: Sequence[PublishedPolicy], key_id: str) -> list[CompiledPolicy]:
    """Return them compiled; of rules with the same name that of the more specific policy holds. Errors: Overloaded."""
    compiled: list[CompiledPolicy] = []
    seen: frozenset[str] = frozenset()  # by policies that are more specific, and not as much so
    beside: frozenset[str] = frozenset()
    specificity = -1
    for each in policies:
        if each.specificity_for(key_id) != specificity:
            specificity = each.specificity_for(key_id)
            seen |= beside
        decoded = _decoder.decode(each.document)
        names = frozenset(rule.name or rule.detector for rule in decoded.rules)
        try:
            compiled.append(_compiled(each.document, each.version, seen & names, settings.GATEWAY_AUTOMATA_FOLDER))
        except BadRule as error:
            raise Overloaded(f"The guardrail policy {each.name!r} is not ready. Tell the gateway's admin.", retry_after_s=5) from error
        beside |= _winning_names(decoded)
    return compiled


def _winning_names(document: PolicyDocument) -> frozenset[str]:
    """Return the rules that take the place of those of the same name: what is merely tried takes nothing away."""
    if document.mode != "enforce":
        return frozenset()
    return frozenset(rule.name or rule.detector for rule in document.rules if rule.mode == "enforce")


@lru_cache(_COMPILED_MAX_COUNT)
def _compiled(document: bytes, version: int, left_out: frozenset[str], folder: Path) -> CompiledPolicy:
    decoded = _decoder.decode(document)
    rules = tuple(rule for rule in decoded.rules if (rule.name or rule.detector) not in left_out)
    return compile_policy(msgspec.structs.replace(decoded, rules=rules), str(version), folder, verdicts_count=0)
