"""
What a guardrail policy did to the recorded requests, in the console: what to look at before it is promoted, and the button for that.

Rules: reads only; promoting is the policy's own page, with its permission. Whoever may see records and policies may see this.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from guardrails.public import Policy
from proxy.guardrail_counts import PolicyReport, VersionReport
from proxy.guardrail_report import report_policy

SPANS: Final = {
    "1h": ("Past hour", dt.timedelta(hours=1)),
    "24h": ("Past 24 hours", dt.timedelta(hours=24)),
    "7d": ("Past 7 days", dt.timedelta(days=7)),
}
_PERMISSIONS: Final = ("proxy.view_usagerecord", "guardrails.view_policy")


def render_guardrail_report(model_admin: ModelAdmin[Any], request: HttpRequest, name: str) -> HttpResponse:
    """Errors: PermissionDenied; Http404 for a policy that there is not. Cost: as `report_policy`, and the policy."""
    if not request.user.has_perms(_PERMISSIONS):
        raise PermissionDenied
    policy = Policy.objects.select_related("published").filter(name=name).first()
    if policy is None:
        raise Http404
    span = request.GET.get("span", "")
    span = span if span in SPANS else "24h"
    site = model_admin.admin_site
    request.current_app = site.name  # where Django looks for the site's URLs
    mode = policy.published.document.get("mode", "enforce") if policy.published else ""
    about = {
        "title": "What the policy did",
        "subtitle": policy.name,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "policy": policy,
        "mode": mode,
        "may_promote": mode == "shadow" and request.user.has_perm("guardrails.publish_policy"),
        "span": span,
        "spans": [(value, title) for value, (title, _) in SPANS.items()],
    }
    page = "admin/proxy/usagerecord/guardrails.html"
    return TemplateResponse(request, page, site.each_context(request) | about | _report(policy, SPANS[span][1]))


def _report(policy: Policy, span: dt.timedelta) -> dict[str, Any]:
    try:
        report = report_policy(policy, timezone.now() - span)
    except OperationalError:
        return {"report": None}
    return {"report": report, "figures": _figures(report), "versions": [(each, _rates(each)) for each in report.versions]}


def _figures(report: PolicyReport) -> list[tuple[str, int, str]]:
    """Return what the page opens with: what is counted, how often, and its share of the requests."""
    counts, total = report.counts, report.requests_count
    wanted = [
        ("Something noted", counts["noted"]),
        ("Would block (shadow)", counts["would_block"]),
        ("Blocked", counts["blocked"]),
        ("Would redact (shadow)", counts["would_redact"]),
        ("Redacted", counts["redacted"]),
    ]
    return [("Requests it looked at", total, ""), *((what, count, show_share(count, total)) for what, count in wanted)]


def _rates(version: VersionReport) -> list[tuple[int, str]]:
    counts = version.counts
    wanted = (counts["noted"], counts["would_block"], counts["blocked"], counts["would_redact"] + counts["redacted"])
    return [(count, show_share(count, version.requests_count)) for count in wanted]


def show_share(count: int, total: int) -> str:
    """Return a share in percent, "–" of nothing."""
    return f"{count / total:.2%}" if total else "–"
