"""The log: one JSON object a line, in UTC, and no secret in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_HEAD = """
import logging, structlog
from common.secret import Secret
from gatewaysite.logs import logging_config
logging_config(level="INFO")
log = structlog.get_logger("gatewaysite.example")
"""


def _events(code: str) -> list[dict[str, object]]:
    """Return what a process of its own logs: the configuration is for the whole process."""
    done = subprocess.run([sys.executable, "-c", _HEAD + code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_an_event_is_one_json_object_with_time_level_and_logger():
    (event,) = _events("log.info('happened', number=5, text='two\\nlines')")

    assert event | {"ts": ""} == {
        "event": "happened",
        "number": 5,
        "text": "two\nlines",
        "level": "info",
        "logger": "gatewaysite.example",
        "ts": "",
    }
    assert str(event["ts"]).endswith("Z")


def test_the_standard_library_s_events_have_the_same_form():
    (event,) = _events("logging.getLogger('somewhere').warning('said %s', 'this')")

    assert (event["event"], event["level"], event["logger"]) == ("said this", "warning", "somewhere")


def test_a_secret_shows_as_stars_wherever_it_stands():
    events = _events(
        "secret = Secret('hidden'); log.info('one', credential=secret, inner={'a': [secret]}); log.info(f'two {secret}');"
        "logging.getLogger('x').warning('three %s', secret)"
    )

    assert [event["event"] for event in events] == ["one", "two ***", "three ***"]
    assert (events[0]["credential"], events[0]["inner"]) == ("***", {"a": ["***"]})


def test_a_failure_shows_its_way_and_no_values_of_variables():
    (event,) = _events(
        "def fail(key, body):\n    raise ValueError('a bug')\n"
        "try:\n    fail('gw_live_hidden', b'hidden prompt')\nexcept ValueError:\n    log.exception('request_failed', request_id='r1')"
    )

    assert "ValueError: a bug" in str(event["exception"])
    assert "line " in str(event["exception"])
    assert "hidden" not in json.dumps(event)


def test_what_cannot_be_json_is_shown_as_text():
    (event,) = _events("import uuid, datetime, pathlib; log.info('x', a=uuid.UUID(int=1), b=pathlib.Path('/p'), c=b'raw', d={1})")

    assert (event["a"], event["b"], event["c"]) == ("00000000-0000-0000-0000-000000000001", "/p", "b'raw'")


def test_below_the_level_nothing_is_logged():
    assert _events("log.debug('quiet'); logging.getLogger('x').debug('quiet')") == []


def test_access_logs_of_the_server_are_off():
    assert _events("logging.getLogger('uvicorn.access').info('GET /'); logging.getLogger('gunicorn.access').info('GET /')") == []
