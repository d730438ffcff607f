"""Checks on single values, shared by models, forms and the apply format."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError

from apikeys.choices import LimitScope, LimitUnit

_WORKSPACE_SCOPES: Final = (LimitScope.WORKSPACE, LimitScope.END_USER, LimitScope.TAG)
STAR_RULE: Final = "`*` matches any ending, so it stands at the end of a name only."


def check_network(value: str) -> None:
    """Errors: ValidationError unless `value` is an address or a network in CIDR notation."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValidationError(f"{value!r} is no network: {error}") from error


def check_window(unit: str, window_s: int, calendar: str, burst: int | None) -> None:
    """Errors: ValidationError unless this is the window of requests in flight (none), one of the calendar, or a rolling one."""
    if unit == LimitUnit.CONCURRENCY:
        _check_alone(window_s, burst, "Requests in flight are counted at every moment")
        if calendar:
            raise ValidationError({"calendar": "Requests in flight are counted at every moment: leave the calendar empty."})
    elif calendar:
        _check_alone(window_s, burst, f"A limit per calendar {calendar} begins anew with the clock")


def _check_alone(window_s: int, burst: int | None, reason: str) -> None:
    if window_s != 1:
        raise ValidationError({"window_s": f"{reason}: leave the rolling window at 1."})
    if burst is not None:
        raise ValidationError({"burst": f"{reason}: only a rolling window has a burst; leave it empty."})


def check_subject(scope: str, tag: str, *, has_workspace: bool) -> None:
    """Errors: ValidationError unless a limit of this scope can name a workspace and a tag as it does."""
    if has_workspace and scope not in _WORKSPACE_SCOPES:
        raise ValidationError({"workspace": "Only a limit of scope workspace, end user or tag can name one."})
    if scope == LimitScope.TAG and not _is_tag(tag):
        raise ValidationError({"tag": "Write `name`, which counts each value apart, or `name=value`; printable ASCII without commas."})
    if scope != LimitScope.TAG and tag:
        raise ValidationError({"tag": "Only a limit of scope tag has one: leave it empty, or change the scope."})


def _is_tag(text: str) -> bool:
    """Commas separate tags, and the spaces around one do not count."""
    name, equals, value = text.partition("=")
    is_written_so = text.isascii() and text.isprintable() and "," not in text and name == name.strip() and value == value.strip()
    return is_written_so and bool(name) and bool(value or not equals)


def check_permissions(permissions: Sequence[str]) -> None:
    """Errors: ValidationError for a key that may do nothing. Which words there are, the field knows."""
    if not permissions:
        raise ValidationError({"permissions": "A key may do at least one thing; to end it, revoke it."})
