"""A change of the configuration by file: in use by every worker at once, and only what was meant."""

from __future__ import annotations

import pytest

from tests.http_talk import CHAT, PROMPTLY_S, bearer, chat, read, send, wait_for
from tests.installation import Installation


def _answers(installation: Installation, model: str, key: str) -> set[tuple[int, int]]:
    """Ask every worker for a model; return statuses with the revisions that they were decided by."""
    with installation.connections() as connections:
        replies = [read(send(each, "POST", CHAT, chat(model), bearer(key))) for each in connections.values()]
    return {(reply.status, int(reply.headers["x-gateway-revision"])) for reply in replies}


def test_a_new_route_is_served_by_every_worker_at_once(installation: Installation, keys: dict[str, str]) -> None:
    [(status, revision)] = _answers(installation, "brand-new", keys["everything"])
    assert status == 404

    installation.apply("{routes: [{model: brand-new, targets: [{backend: simulator, upstream_model: sim-fast}]}]}")

    wait_for(lambda: _answers(installation, "brand-new", keys["everything"]) == {(200, revision + 1)}, within_s=PROMPTLY_S)


def test_a_route_that_is_switched_off_is_gone_at_once(installation: Installation, keys: dict[str, str]) -> None:
    route = "{routes: [{model: fleeting, is_active: %s, targets: [{backend: simulator, upstream_model: sim-fast}]}]}"
    installation.apply(route % "true")
    wait_for(lambda: {status for status, _ in _answers(installation, "fleeting", keys["everything"])} == {200}, within_s=PROMPTLY_S)

    installation.apply(route % "false")

    wait_for(lambda: {status for status, _ in _answers(installation, "fleeting", keys["everything"])} == {404}, within_s=PROMPTLY_S)


def test_what_export_writes_changes_nothing_when_applied(installation: Installation) -> None:
    exported = installation.manage("export")
    [before] = installation.sql("SELECT max(number) AS number FROM proxy_configurationrevision")

    told = installation.manage("apply", "-", text=exported)

    [after] = installation.sql("SELECT max(number) AS number FROM proxy_configurationrevision")
    assert told.strip() == "Nothing to change."
    assert after == before


def test_a_dry_run_shows_and_changes_nothing(installation: Installation, keys: dict[str, str]) -> None:
    document = "{routes: [{model: only-tried, targets: [{backend: simulator, upstream_model: sim-fast}]}]}"

    told = installation.manage("apply", "-", "--dry-run", text=document)

    assert "+ route only-tried" in told
    assert {status for status, _ in _answers(installation, "only-tried", keys["everything"])} == {404}


def test_a_file_with_a_mistake_changes_nothing_and_says_where(installation: Installation, keys: dict[str, str]) -> None:
    document = """
routes:
  - {model: half-done, targets: [{backend: simulator, upstream_model: sim-fast}]}
  - {model: mistaken, targets: [{backend: simulator, upstream_model: sim-fast, wieght: 2}]}
"""

    with pytest.raises(AssertionError, match=r"wieght"):
        installation.apply(document)

    assert {status for status, _ in _answers(installation, "half-done", keys["everything"])} == {404}


def test_traffic_is_spread_by_weight(installation: Installation, keys: dict[str, str]) -> None:
    installation.apply(
        "{routes: [{model: spread, targets: [{backend: simulator, upstream_model: sim-fast, weight: 1},"
        " {backend: simulator, upstream_model: sim-tools, weight: 1}, {backend: simulator, upstream_model: sim-500, weight: 0}]}]}"
    )
    wait_for(lambda: {status for status, _ in _answers(installation, "spread", keys["everything"])} == {200}, within_s=PROMPTLY_S)

    models = [installation.post(CHAT, chat("spread"), keys["everything"]).json["model"] for _ in range(40)]

    assert set(models) == {"sim-fast", "sim-tools"}  # missing one has a chance of 1 in 500,000,000,000
    assert 5 <= models.count("sim-fast") <= 35


def test_a_key_of_the_command_works_at_once(installation: Installation) -> None:
    key = installation.create_key("--models", "sim-fast,sim-ch*")

    assert {status for status, _ in _answers(installation, "sim-fast", key)} == {200}
    assert {status for status, _ in _answers(installation, "sim-chat", key)} == {200}
    assert {status for status, _ in _answers(installation, "sim-500", key)} == {403}
