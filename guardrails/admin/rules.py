"""
The parts of a policy that come in rows: its rules and its test cases.

Rules: what is wrong with a rule is said at that rule, in the detector's own words; what is empty has the default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.forms import WordsField
from guardrails.detectors.registry import DETECTORS, build_detector
from guardrails.documents import resolve_lists
from guardrails.errors import BadRule
from guardrails.policy_document import PolicyDocument, RuleDocument, TestCase

ROWS_MAX_COUNT: Final = 200

_CHOOSE: Final = ("", "Choose …")
_DETECTORS: Final = [(name, name.replace("_", " ")) for name in DETECTORS]
_PHASES: Final = [("request", "Requests and tool results"), ("response", "Answers and tool calls"), ("both", "Both")]
_ACTIONS: Final = [
    ("log", "Report only"),
    ("redact", "Redact"),
    ("tokenise", "Redact, and turn back in the answer"),
    ("block", "Block"),
    ("retry", "Ask the model again"),
    ("route", "Send to another model"),
    ("allow", "Allow"),
]
_FAIL_MODES: Final = [("closed", "Closed: act as if it had hit"), ("open", "Open: let pass, mark the record")]
_MODES: Final = [("enforce", "Enforce"), ("shadow", "Shadow"), ("off", "Off")]
_SEVERITIES: Final = [(name, name.capitalize()) for name in ("low", "medium", "high", "critical")]
TEXT_SCOPES: Final = [
    ("latest_turn", "The newest turn"),
    ("all", "The whole conversation"),
    ("recent_user_joined", "The newest turn, and the user's recent ones as one text"),
]
DIRECTIONS: Final = [
    ("request", "Request"),
    ("response", "Answer"),
    ("tool_arguments", "Arguments of a tool call"),
    ("tool_results", "Result of a tool"),
]
_EXPECTED: Final = [("allow", "Allow"), ("redact", "Redact"), ("block", "Block")]


def _text(**options: Any) -> forms.CharField:
    return forms.CharField(**{"required": False, "widget": UnfoldAdminTextInputWidget()} | options)


def _choice(choices: Sequence[tuple[str, str]], **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(**{"choices": choices, "widget": UnfoldAdminSelectWidget()} | options)


def _area(rows: int, **options: Any) -> forms.CharField:
    return forms.CharField(**{"required": False, "strip": False, "widget": UnfoldAdminTextareaWidget(attrs={"rows": rows})} | options)


def _ratio(**options: Any) -> forms.FloatField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return forms.FloatField(**{"required": False, "min_value": 0, "max_value": 1, "widget": widget} | options)


class ParametersField(forms.CharField):
    """A JSON object; a dictionary to the program."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "class": "gw-mono"})
        super().__init__(**{"required": False, "widget": widget} | options)

    def prepare_value(self, value: Any) -> Any:
        return (json.dumps(value, indent=2, ensure_ascii=False) if value else "") if isinstance(value, Mapping) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Mapping) or not (value or "").strip():
            return value or {}
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError) as error:
            at = f" in line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
            raise forms.ValidationError(f"This is no JSON{at}.") from error
        if not isinstance(parsed, dict):
            raise forms.ValidationError('Parameters are a JSON object, such as {"include": ["banking"]}.')
        return parsed

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool((initial or {}) != self.to_python(data))
        except forms.ValidationError:
            return True


class RuleForm(forms.Form):
    """One rule. `lists` are the words of all word lists, by name."""

    detector = _choice([_CHOOSE, *_DETECTORS])
    name = _text(help_text="Empty: the detector's.")
    phase = _choice(_PHASES, label="Looks at", initial="request")
    action = _choice(_ACTIONS, initial="log")
    fail_mode = _choice([_CHOOSE, *_FAIL_MODES], label="If it cannot look", error_messages={"required": "Choose what holds then."})
    mode = _choice(_MODES, initial="enforce")
    severity = _choice(_SEVERITIES, initial="medium")
    text_scope = _choice([("", "As the policy"), *TEXT_SCOPES], required=False)
    threshold = _ratio(help_text="Lowest score that counts, 0 to 1. Empty: the detector's.")
    data_threshold = _ratio(help_text="The same for tool results and documents.")
    parameters = ParametersField(help_text="A JSON object.")
    message = _text(help_text="What a blocked caller reads. Empty: the policy's.")
    literals = WordsField(label="Let pass: values", help_text="Exact, one a line.")
    patterns = _area(3, label="Let pass: expressions", help_text="RE2, one a line; each must match a value in full.")
    paths = WordsField(label="Let pass: places", help_text="Such as messages.0.content; * is allowed.")
    route_to = _text(label="Other model", help_text="For the action that sends the request to another model.")
    note = _text(label="Note to the model", help_text="For the action that asks the model again.")
    deadline_ms = forms.IntegerField(
        label="Deadline, ms", required=False, min_value=1, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"})
    )
    sample_ratio = _ratio(label="Part of requests in shadow", help_text="0 to 1. Empty: all.")

    MAIN: Final = ("detector", "name", "phase", "action", "fail_mode", "mode", "severity")
    MORE: Final = (
        *("text_scope", "threshold", "data_threshold", "message", "literals", "patterns", "paths"),
        *("route_to", "note", "deadline_ms", "sample_ratio"),
    )

    def __init__(self, *args: Any, lists: Mapping[str, Sequence[str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lists = lists
        self.document: RuleDocument | None = None

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MAIN]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MORE]

    @property
    def title(self) -> str:
        name, detector = self["name"].value(), self["detector"].value()
        return str(name or detector or "New rule")

    @property
    def summary(self) -> str:
        """What the folded rule shows beside its name."""
        shown = [str(self["detector"].value() or "")] if self["name"].value() else []
        shown += [dict(choices).get(str(self[name].value()), "") for name, choices in (("phase", _PHASES), ("action", _ACTIONS))]
        return " · ".join(filter(None, [*shown, "" if self["mode"].value() == "enforce" else f"mode {self['mode'].value()}"]))

    @property
    def parameter_names(self) -> str:
        """The parameters of the rule's detector with their defaults, empty while none is chosen."""
        detector = str(self["detector"].value() or "")
        return describe_parameters(detector) if detector in DETECTORS and (self.initial or self.is_bound) else ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and self.has_changed() | bool(self.initial):
            self._check(cleaned)
        return cleaned

    def _check(self, cleaned: Mapping[str, Any]) -> None:
        rule = _rule_of(cleaned)
        try:
            resolved = resolve_lists(PolicyDocument(name="checked", rules=(rule,)), self.lists).rules[0]
            build_detector(resolved.detector, resolved.parameters)
        except BadRule as error:
            self.add_error("parameters", str(error))
            return
        self.document = rule


def _rule_of(cleaned: Mapping[str, Any]) -> RuleDocument:
    own = {field.name for field in msgspec.structs.fields(RuleDocument)}
    given = {name: value for name, value in cleaned.items() if name in own and value not in (None, "")}
    patterns = [line for line in cleaned["patterns"].splitlines() if line.strip()]
    exceptions = {"literals": cleaned["literals"], "patterns": patterns, "paths": cleaned["paths"]}
    return msgspec.convert(given | {"exceptions": exceptions}, RuleDocument)


def initial_of(rule: RuleDocument) -> dict[str, Any]:
    """Return a rule as the form shows it."""
    values: dict[str, Any] = msgspec.to_builtins(rule)
    exceptions = values.pop("exceptions")
    literals, paths = list(exceptions["literals"]), list(exceptions["paths"])
    sample_ratio = None if rule.sample_ratio == 1.0 else rule.sample_ratio
    return values | {"literals": literals, "patterns": "\n".join(exceptions["patterns"]), "paths": paths, "sample_ratio": sample_ratio}


def describe_parameters(detector: str) -> str:
    """Return the names of a detector's parameters with their defaults, and its own words about them."""
    try:
        return _describe(detector)
    except BadRule:
        return ""


def _describe(detector: str) -> str:
    import importlib  # a detector's module is loaded only when its rule is shown

    kind = importlib.import_module(f"guardrails.detectors.{detector}").Parameters
    names = [_describe_field(field) for field in msgspec.structs.fields(kind)]
    return ", ".join(names)


def _describe_field(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return f"{field.name} (required)"
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return f"{field.name} = {json.dumps(msgspec.to_builtins(default), ensure_ascii=False)}"


class CaseForm(forms.Form):
    """One test case."""

    text = _area(2, required=True, label="Text")
    direction = _choice(DIRECTIONS, initial="request")
    expect = _choice([_CHOOSE, *_EXPECTED], label="Expected", error_messages={"required": "Choose what the policy must say."})
    rule = _text(label="By rule", help_text="Empty: by the policy as a whole.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.document: TestCase | None = None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            own = {field.name for field in msgspec.structs.fields(TestCase)}
            self.document = msgspec.convert({name: value for name, value in cleaned.items() if name in own}, TestCase)
        return cleaned


RuleFormSet = forms.formset_factory(RuleForm, extra=0, can_delete=True, max_num=ROWS_MAX_COUNT, absolute_max=ROWS_MAX_COUNT)
CaseFormSet = forms.formset_factory(CaseForm, extra=0, can_delete=True, max_num=1000, absolute_max=1000)


def documents_of(rows: Any) -> list[Any]:
    """Return what valid rows say; one that is taken away, and an empty one that nobody filled, count for nothing."""
    kept = [form for form in rows.forms if form not in rows.deleted_forms and (form.has_changed() or form.initial)]
    return [form.document for form in kept if form.document is not None]
