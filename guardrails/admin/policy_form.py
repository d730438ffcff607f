"""The form of a policy's draft: its own fields, its rules and its test cases, checked together before anything is stored."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from common.forms import ConsoleForm, WordsField
from guardrails import domain
from guardrails.admin.rules import TEXT_SCOPES, CaseFormSet, RuleFormSet, documents_of, initial_of
from guardrails.documents import without_defaults
from guardrails.errors import PolicyError
from guardrails.models import Policy, WordList
from guardrails.policy_document import PolicyDocument, Scope


class PolicyForm(ConsoleForm):
    """`document` is what the draft becomes, once the form is valid."""

    workspaces = WordsField(help_text="Slugs, one a line. Empty: every workspace.")
    keys = WordsField(label="API keys", help_text="workspace/name, one a line. Empty: every key.")
    models = WordsField(help_text="As clients name them; `*` at the end matches any ending. Empty: every model.")
    routes = WordsField(label="Paths", help_text="Such as /v1/messages; `*` at the end matches any ending. Empty: every path.")
    is_attached_only = forms.BooleanField(
        label="Only for keys that name it",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Otherwise such keys have it besides.",
    )
    text_scope = forms.ChoiceField(label="Looks at", choices=TEXT_SCOPES, initial="all", widget=UnfoldAdminSelectWidget())
    deadline_ms = forms.IntegerField(
        label="Deadline, ms",
        min_value=1,
        initial=2000,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text="For all rules that ask somebody else, together.",
    )
    message = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="What a blocked caller reads. Empty: our own sentence."
    )
    external_tools = WordsField(help_text="Tools whose arguments leave the house: reversible tokens stay tokens in them. `*` is allowed.")

    class Meta:
        model = Policy
        fields = ("name", "description", "mode")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}
        help_texts = {"mode": "Shadow: inspects, reports what it would have done, and changes nothing. Takes effect when published."}

    def __init__(self, *args: Any, **options: Any) -> None:
        policy: Policy | None = options.get("instance")
        stored = domain.draft_of(policy) if policy is not None and policy.draft else None
        options["initial"] = (_initial_of(stored) if stored else {}) | (options.get("initial") or {})
        super().__init__(*args, **options)
        self._stored = stored
        self.document: PolicyDocument | None = None
        data = self.data if self.is_bound else None
        lists = dict(WordList.objects.values_list("name", "words"))
        rules = [initial_of(rule) for rule in stored.rules] if stored else []
        cases = [msgspec.to_builtins(case) for case in stored.tests] if stored else []
        self.rules = RuleFormSet(data, prefix="rules", initial=rules, form_kwargs={"lists": lists})
        self.cases = CaseFormSet(data, prefix="cases", initial=cases)

    def has_changed(self) -> bool:
        return bool(super().has_changed() or self.rules.has_changed() or self.cases.has_changed())

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound or not hasattr(self, "rules"):
            return
        are_rows_valid = self.rules.is_valid() & self.cases.is_valid()
        if not are_rows_valid:
            self.add_error(None, "A rule or a test case is not right yet; the reason stands there.")
        elif not self.errors:
            self._check()

    def _check(self) -> None:
        document = self._build()
        try:
            domain.check_document(document, is_trying=False)
        except PolicyError as error:
            for problem in error.problems:
                self._place(problem)
            return
        self.document = document

    def _place(self, problem: str) -> None:
        """Show what the engine says of a rule at that rule."""
        for form in self.rules.forms:
            if form.document is not None and problem.startswith(f"Rule {form.title!r}: "):
                form.add_error(None, problem)
        self.add_error(None, problem)

    def _build(self) -> PolicyDocument:
        given = self.cleaned_data
        scope = {name: tuple(given[name]) for name in ("workspaces", "keys", "models", "routes")}
        return PolicyDocument(
            name=self.instance.name if self._stored else given["name"],
            mode=given["mode"],
            scope=Scope(**scope, is_attached_only=given["is_attached_only"]),
            text_scope=given["text_scope"],
            deadline_ms=given["deadline_ms"],
            message=given["message"],
            external_tools=tuple(given["external_tools"]),
            rules=tuple(documents_of(self.rules)),
            tests=tuple(documents_of(self.cases)),
        )


def _initial_of(document: PolicyDocument) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(document)
    scope = {name: list(value) if isinstance(value, list | tuple) else value for name, value in values["scope"].items()}
    own = {name: values[name] for name in ("text_scope", "deadline_ms", "message")}
    return scope | own | {"external_tools": list(values["external_tools"])}


def describe_scope(document: PolicyDocument) -> str:
    """Return whom a policy is for, in words."""
    said = without_defaults(document).get("scope", {})
    nouns = {"workspaces": "workspace", "keys": "key", "models": "model", "routes": "path"}
    parts = [f"{noun} {', '.join(said[name])}" for name, noun in nouns.items() if said.get(name)]
    if said.get("is_attached_only"):
        parts.insert(0, "keys that name it")
    return "; ".join(parts) or "Everywhere"
