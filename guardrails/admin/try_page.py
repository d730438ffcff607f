"""
The page on which a policy is tried on a text: what it says, where, why and how fast; and from there a test case.

Rules: nothing that is tried is stored or logged, save as a test case when somebody asks for that. Rules that ask somebody else are named
and not asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from common.admin import describe
from common.errors import DomainError
from guardrails import domain
from guardrails.admin.rules import DIRECTIONS
from guardrails.detection import Subject, TextUnit
from guardrails.errors import PolicyError
from guardrails.inspection import Finding, Inspection, apply_edits
from guardrails.models import Policy
from guardrails.policy_document import PolicyDocument, TestCase
from guardrails.trials import unit_of

TEXT_MAX_CHARACTERS: Final = 100_000
_SPANS_MAX_COUNT: Final = 500
_DRAFT, _PUBLISHED = "draft", "published"
_DECISIONS: Final = {"allow": "success", "redact": "warning", "block": "danger", "retry": "info", "route": "info"}


class TryForm(forms.Form):
    policy = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    direction = forms.ChoiceField(choices=DIRECTIONS, initial="request", widget=UnfoldAdminSelectWidget())
    text = forms.CharField(
        strip=False,
        max_length=TEXT_MAX_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "autofocus": True}),
        help_text="Is inspected here and now, and not kept.",
    )

    def __init__(self, *args: Any, policies: Sequence[Policy], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["policy"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        field.choices = [choice for policy in policies for choice in _choices_of(policy)]


def _choices_of(policy: Policy) -> list[tuple[str, str]]:
    draft = (f"{_DRAFT}:{policy.name}", f"{policy.name}, draft")
    if policy.published is None:
        return [draft]
    return [(f"{_PUBLISHED}:{policy.name}", f"{policy.name}, version {policy.published.number} in force"), draft]


@dataclass(frozen=True, slots=True)
class Tried:
    """What the page shows of one trial."""

    inspection: Inspection
    mode: str
    text: str
    changed_text: str
    elapsed_us: float
    views: tuple[tuple[str, str], ...]
    unasked: tuple[str, ...]

    @property
    def decision_variant(self) -> str:
        return _DECISIONS[self.inspection.decision]

    @property
    def elapsed(self) -> str:
        return f"{self.elapsed_us / 1000:.2f} ms"

    @property
    def marked(self) -> SafeString:
        """The text with what was found in it marked."""
        return mark_spans(self.text, self.inspection.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.inspection.findings


def try_text(source: str, policies: Sequence[Policy], text: str, direction: Any) -> Tried:
    """Return what the named policy says of the text. Errors: PolicyError for one that does not compile or is gone."""
    document = _read(source, policies)
    compiled = domain.compile_enforced(document)
    unit = unit_of(text, direction)
    started = time.perf_counter()
    inspection = compiled.check([unit])
    elapsed_us = (time.perf_counter() - started) * 1e6
    changed = apply_edits(text, inspection.edits.get(0, ()))
    unasked = tuple(rule.name for rule in compiled.slow_rules)
    return Tried(inspection, document.mode, text, changed if changed != text else "", elapsed_us, _views_of(unit), unasked)


def _read(source: str, policies: Sequence[Policy]) -> PolicyDocument:
    kind, _, name = source.partition(":")
    policy = next((each for each in policies if each.name == name), None)
    if policy is None or (kind == _PUBLISHED and policy.published is None):
        raise PolicyError(f"There is no policy {name!r} to try.")
    if kind == _PUBLISHED and policy.published is not None:
        return domain.document_of(policy.published)
    return domain.check_document(domain.draft_of(policy), is_trying=False).document


def _views_of(unit: TextUnit) -> tuple[tuple[str, str], ...]:
    """What rules read besides the text as it stands: folded, decoded."""
    subject = Subject(unit)
    views = [("As a reader sees it", subject.main.text)] if subject.main.text != unit.text else []
    return (*views, *((view.name, view.text) for view in subject.others))


def mark_spans(text: str, findings: Sequence[Finding]) -> SafeString:
    """Return the text with every stretch that a finding covers marked with the names of its rules."""
    spans = [each for each in findings if each.start < each.end][:_SPANS_MAX_COUNT]
    edges = sorted({0, len(text), *(edge for each in spans for edge in (each.start, min(each.end, len(text))))})
    pieces: list[SafeString] = []
    for start, end in pairwise(edges):
        over = [each for each in spans if each.start <= start and end <= each.end]
        if over:
            names = ", ".join(dict.fromkeys(f"{each.rule}: {each.label}" for each in over))
            strongest = "gw-mark-strong" if any(each.action in {"block", "redact", "tokenise"} for each in over) else "gw-mark"
            pieces.append(format_html('<mark class="{}" title="{}">{}</mark>', strongest, names, text[start:end]))
        else:
            pieces.append(format_html("{}", text[start:end]))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def render_try_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    policies = list(Policy.objects.select_related("published"))
    form = TryForm(request.POST or None, policies=policies, initial={"policy": request.GET.get("policy", "")})
    tried: Tried | None = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            tried = try_text(given["policy"], policies, given["text"], given["direction"])
            if "_save_case" in request.POST:
                _save_case(model_admin, request, given, tried)
        except DomainError as error:
            messages.error(request, describe(error))
    request.current_app = model_admin.admin_site.name  # where Django looks for the site's URLs
    about = {"title": "Try a text", "opts": model_admin.opts, "form": form, "tried": tried, "media": model_admin.media}
    may_save = model_admin.has_change_permission(request)
    context = model_admin.admin_site.each_context(request) | about | {"may_save": may_save, "has_policies": bool(policies)}
    return TemplateResponse(request, "admin/guardrails/policy/try.html", context)


def _save_case(model_admin: Any, request: HttpRequest, given: dict[str, Any], tried: Tried) -> None:
    """Add what was tried to the draft's test cases, with the verdict as what is expected. Errors: PolicyError."""
    if not model_admin.has_change_permission(request):
        raise PolicyError("To keep a test case you need the permission to change policies.")
    decision = tried.inspection.decision
    if decision not in {"allow", "redact", "block"}:
        raise PolicyError(f"A test case expects allow, redact or block, and the policy says {decision}.")
    policy = Policy.objects.get(name=given["policy"].partition(":")[2])
    draft = domain.draft_of(policy)
    case = TestCase(text=given["text"], expect=decision, direction=given["direction"])
    if case in draft.tests:
        messages.info(request, "The draft has this test case already.")
        return
    domain.change_draft(policy, msgspec.structs.replace(draft, tests=(*draft.tests, case)))
    model_admin.log_change(request, policy, "Added a test case.")
    messages.success(request, f"Added to the draft of {policy.name} as a test case that expects {decision}.")
