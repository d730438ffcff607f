"""
Every endpoint that `/api/schema` describes, driven with generated requests, well-formed and not: no failure of ours, no answer of another
shape than described.

The requests are the same in each run (derandomized), and few: this finds what nobody thought of, not what is rare.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.installation import Installation

load_all_checks()
schemathesis.serializer.alias("application/x-ndjson", "application/json")  # a stream of one line

_EXAMPLES_COUNT = 12
_PERMISSIONS = "inference, usage, keys, items_read, items_write, signals_read, signals_write"
_CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
_OPERATIONS_MIN_COUNT = 20
_MUST_EXIST = ("workspace", "limits", "allowed_networks", "allowed_models", "permissions", "expires_at", "previous_response_id", "assignee")
"""Fields of bodies in which hardly anything is right by chance."""
_CHANNEL = "driven"
"""Takes the signals that are generated; the one that is changed and deleted has none."""
_QUERY_MUST_EXIST = ("workspace", "assignee", "after", "before", "channel", "external_id", "symbol", "symbols")


@pytest.fixture(scope="module")
def key(installation: Installation) -> str:
    """A key that may do everything."""
    return installation.apply(f"api_keys: [{{name: driver, workspace: default, permissions: [{_PERMISSIONS}]}}]")["driver"]


@pytest.fixture(scope="module")
def known(installation: Installation, key: str) -> dict[str, Any]:
    """What exists, for requests that would otherwise all be about nothing."""
    other = installation.post("/api/keys", {"name": "to-be-driven"}, key).json
    asked = installation.post("/v1/chat/completions", {"model": "sim-fast", "messages": [{"role": "user", "content": "Hello"}]}, key)
    kept = installation.post("/v1/responses", {"model": "sim-fast", "input": "Hello"}, key).json
    item = installation.post("/api/items", {"title": "to be driven"}, key).json
    empty, _ = (installation.post("/api/signals/channels", {"name": name}, key).json for name in ("empty", _CHANNEL))
    signal = installation.post("/api/signals", {"channel": _CHANNEL, "symbol": "A", "action": "buy"}, key).json
    return {
        "key_id": other["id"],
        "request_id": asked.request_id,
        "response_id": kept["id"],
        "model": "sim-fast",
        "item_id": item["id"],
        "channel": empty["id"],
        "signal_id": signal["id"],
    }


def _make_plain(case: Case, known: dict[str, Any]) -> None:
    """Put in names of what exists, and leave out what must be true of the world."""
    for name in known.keys() & (case.path_parameters or {}).keys():
        case.path_parameters[name] = known[name]
    if isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if name not in _MUST_EXIST}
        if "model" in case.body:
            case.body["model"] = known["model"]
        if case.operation.path == "/api/items/bulk" and isinstance(case.body.get("items"), list):
            case.body["items"] = [_make_plain_item(row, known, case.method.upper()) for row in case.body["items"][:1]]
        if case.operation.path in {"/api/signals", "/api/signals/stream"}:
            case.body = _make_plain_signal(case.body)
        if case.operation.path == "/api/signals/bulk" and isinstance(case.body.get("signals"), list):
            case.body["signals"] = [_make_plain_signal(row) for row in case.body["signals"][:1]]
    if isinstance(case.query, dict):
        case.query = {name: value for name, value in case.query.items() if name not in _QUERY_MUST_EXIST}
    if case.headers:
        case.headers.pop("If-Match", None)


def _make_plain_item(row: Any, known: dict[str, Any], method: str) -> Any:
    if not isinstance(row, dict):
        return row
    kept = {name: value for name, value in row.items() if name not in {"assignee", "version"}}
    return kept | {"id": known["item_id"]} if method == "PATCH" else kept


def _make_plain_signal(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if name != "timestamp"} | {"channel": _CHANNEL}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_generated_request_makes_us_fail(installation: Installation, key: str, known: dict[str, Any], mode: GenerationMode):
    schema = schemathesis.openapi.from_url(f"{installation.base_url}/api/schema")
    operations = [found.ok() for found in schema.get_all_operations()]
    operations.sort(key=lambda operation: "revoke" in operation.path or operation.method == "delete")  # what ends something comes last
    assert len(operations) >= _OPERATIONS_MIN_COUNT

    statuses: dict[str, set[int]] = {}
    with requests.Session() as session:
        for operation in operations:
            statuses[operation.label] = _drive(operation, mode, session, key, known)

    if mode is GenerationMode.POSITIVE:
        assert not [label for label, seen in statuses.items() if min(seen) >= 400], statuses


def _drive(operation: Any, mode: GenerationMode, session: requests.Session, key: str, known: dict[str, Any]) -> set[int]:
    seen: set[int] = set()

    @settings(
        max_examples=_EXAMPLES_COUNT,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_plain=st.sampled_from((True, True, False)))
    def drive(case: Case, is_plain: bool) -> None:
        if is_plain:
            _make_plain(case, known)
        headers = {"authorization": f"Bearer {key}"}
        response = case.call_and_validate(session=session, headers=headers, checks=_CHECKS, timeout=30)
        seen.add(200 if _is_filtered(response) else response.status_code)

    drive()
    return seen


def _is_filtered(response: Any) -> bool:
    """Whether a request was understood and a guardrail refused it: what is generated may look like anything."""
    return response.status_code == 400 and '"content_filter"' in response.text
