"""
The pages of docs/reference that say what the code says: settings, metrics, error codes, detectors.

`manage.py reference` writes them; a test compares, so they cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from prometheus_client.metrics import MetricWrapperBase

from gatewaysite.detector_reference import detectors_page
from gatewaysite.env import SETTINGS
from gatewaysite.index_report.page import indexes_page
from proxy import errors, telemetry
from proxy.errors import GatewayError

_NOTE = "<!-- Written by `manage.py reference`; change the code, not this page. -->"


def settings_page() -> str:
    lines = [_NOTE, "# Settings", "", "All are environment variables. Secrets can also be read from the file that `<NAME>_FILE` names.", ""]
    for setting in SETTINGS:
        default = "random, kept in the data folder" if setting.is_secret and not setting.default else _default(setting.default)
        if setting.name.endswith("_URL"):
            default = "embedded"
        if setting.name.endswith("_URLS"):
            default = "none"
        lines += [f"## {setting.name}", "", setting.help, "", f"{setting.kind}; without it: {default}", ""]
    return "\n".join(lines)


def _default(value: object) -> str:
    if value in ("", []):
        return "empty"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def metrics_page() -> str:
    lines = [_NOTE, "# Metrics", "", "`GET /metrics`, in Prometheus' text format, for all workers of a host together.", ""]
    for metric in vars(telemetry).values():
        if isinstance(metric, MetricWrapperBase) and not metric._labelvalues:  # noqa: SLF001  # the library has no public way to ask
            described = next(iter(metric.describe()))
            name = described.name + ("_total" if described.type == "counter" else "")
            labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "none"  # noqa: SLF001  # as above
            lines += [f"## {name}", "", described.documentation, "", f"{described.type}; labels: {labels}", ""]
    return "\n".join(lines)


def _error_classes(parent: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for child in parent.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from _error_classes(child)


def errors_page() -> str:
    lines = [_NOTE, "# Errors", "", errors.__doc__ or "", ""]
    lines[3] = "Every error has OpenAI's shape: `error.message`, `error.type`, `error.param`, `error.code`."
    lines += ["| code | status | type | message | SDKs may retry |", "|---|---|---|---|---|"]
    retry = {True: "yes", False: "no", None: "their own rule"}
    rows = {
        f"| `{error.code}` | {error.http_status} | `{error.type}` | {error.message} | {retry[error.is_retryable]} |"
        for error in _error_classes()
    }
    return "\n".join([*lines, *sorted(rows), ""])


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "errors.md": errors_page,
    "detectors.md": partial(detectors_page, _NOTE),
    "indexes.md": partial(indexes_page, _NOTE),
}
