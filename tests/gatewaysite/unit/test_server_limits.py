from __future__ import annotations

import dataclasses

import pytest

from gatewaysite.env import SETTINGS
from gatewaysite.server.limits import LimitError, ServerLimits


def test_an_empty_environment_gives_the_defaults_and_one_worker_a_core_up_to_four():
    limits = ServerLimits.from_environ({})

    assert 1 <= limits.worker_count <= 4
    assert dataclasses.replace(limits, worker_count=1) == ServerLimits()


def test_every_limit_comes_from_its_variable():
    limits = ServerLimits.from_environ(
        {
            "GATEWAY_BIND": "0.0.0.0:80, unix:/run/gw.sock",
            "GATEWAY_WORKERS": "3",
            "GATEWAY_WORKER_TIMEOUT_S": "20",
            "GATEWAY_MAX_REQUESTS": "1000",
            "GATEWAY_HEAD_LIMIT_BYTES": "2048",
            "GATEWAY_HEAD_TIMEOUT_S": "1.5",
            "GATEWAY_IDLE_CONNECTION_S": "9",
            "GATEWAY_WRITE_TIMEOUT_S": "7",
            "GATEWAY_DRAIN_S": "12",
            "GATEWAY_DRAIN_DELAY_S": "4",
            "GATEWAY_CANCEL_GRACE_S": "2",
            "GATEWAY_WS_DEFLATE": "true",
            "GATEWAY_WS_MESSAGE_LIMIT_BYTES": "4096",
            "GATEWAY_WS_PING_INTERVAL_S": "11",
            "GATEWAY_WS_PING_TIMEOUT_S": "13",
        }
    )

    assert limits == ServerLimits(
        bind=("0.0.0.0:80", "unix:/run/gw.sock"),
        worker_count=3,
        worker_timeout_s=20,
        max_requests=1000,
        max_requests_jitter=100,
        head_limit_bytes=2048,
        head_timeout_s=1.5,
        idle_connection_s=9,
        write_timeout_s=7.0,
        drain_s=12.0,
        drain_delay_s=4.0,
        cancel_grace_s=2.0,
        ws_deflate=True,
        ws_message_limit_bytes=4096,
        ws_ping_interval_s=11.0,
        ws_ping_timeout_s=13.0,
    )


def test_a_worker_is_killed_only_after_every_step_of_its_stop_had_its_time():
    limits = ServerLimits(drain_delay_s=4, drain_s=12, cancel_grace_s=2, shutdown_s=3)

    assert limits.stop_s == 21


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_WORKERS", "-1"),
        ("GATEWAY_WORKERS", "two"),
        ("GATEWAY_MAX_REQUESTS", "1e3"),
        ("GATEWAY_HEAD_LIMIT_BYTES", "10"),
        ("GATEWAY_HEAD_TIMEOUT_S", "0"),
        ("GATEWAY_WRITE_TIMEOUT_S", "inf"),
        ("GATEWAY_DRAIN_S", "nan"),
        ("GATEWAY_DRAIN_S", "-1"),
        ("GATEWAY_DRAIN_S", "soon"),
        ("GATEWAY_WS_DEFLATE", "maybe"),
    ],
)
def test_an_unusable_value_is_named_with_its_variable(name: str, value: str):
    with pytest.raises(LimitError, match=f"^{name}={value} "):
        ServerLimits.from_environ({name: value})


def test_the_declared_settings_have_the_same_defaults():
    default = ServerLimits()
    ours = {
        "GATEWAY_BIND": ",".join(default.bind),
        "GATEWAY_MAX_REQUESTS": default.max_requests,
        "GATEWAY_HEAD_LIMIT_BYTES": default.head_limit_bytes,
        "GATEWAY_HEAD_TIMEOUT_S": default.head_timeout_s,
        "GATEWAY_IDLE_CONNECTION_S": default.idle_connection_s,
        "GATEWAY_WORKER_TIMEOUT_S": default.worker_timeout_s,
        "GATEWAY_WRITE_TIMEOUT_S": default.write_timeout_s,
        "GATEWAY_DRAIN_S": default.drain_s,
        "GATEWAY_DRAIN_DELAY_S": default.drain_delay_s,
        "GATEWAY_CANCEL_GRACE_S": default.cancel_grace_s,
        "GATEWAY_WS_DEFLATE": default.ws_deflate,
        "GATEWAY_WS_MESSAGE_LIMIT_BYTES": default.ws_message_limit_bytes,
        "GATEWAY_WS_PING_INTERVAL_S": default.ws_ping_interval_s,
        "GATEWAY_WS_PING_TIMEOUT_S": default.ws_ping_timeout_s,
    }
    declared = {setting.name: setting.default for setting in SETTINGS if setting.name in ours}

    assert declared == {name: ours[name] for name in declared}
