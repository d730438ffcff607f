"""The drill of a long life: workers are replaced after so many requests, again and again, and no caller notices."""

from __future__ import annotations

import pytest

from tests.installation import new_installation
from tests.load import MIXED, Ending, Load, check_account

REQUESTS_COUNT = 1_000

pytestmark = [pytest.mark.drill, pytest.mark.timeout(180)]


def test_replaced_workers_lose_no_request_and_no_record() -> None:
    with new_installation(environ={"GATEWAY_MAX_REQUESTS": "100"}) as installation:
        installation.start()
        installation.apply("{limits: [{name: global, scope: global, amount: 100000, window_s: 1, burst: 100000}]}")
        key, first = installation.create_key(), set(installation.workers())
        load = Load(installation, key, MIXED, callers_count=10, pause_s=0.02, requests_count=REQUESTS_COUNT)
        with load:
            load.join()
        later = set(installation.workers())
        account = check_account(load)

    print(f"\n{REQUESTS_COUNT} requests while workers were replaced\n{account}")
    assert not first & later
    assert load.count(Ending.ANSWERED) == REQUESTS_COUNT, [each for each in load.sent if each.ending is not Ending.ANSWERED]
