"""Lines of the spool: what is written is read, what is cut off is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.spool import Closed, dump_line, parse_line
from tests.proxy.spool_help import ended, started


@pytest.mark.parametrize(
    "line", [started(), started(is_stream=True, model='ü"\n🔑'), ended(), ended(first_token_ms=1.25, cost_nano_usd=2**62), Closed()]
)
def test_a_line_is_read_as_it_was_written(line):
    data = dump_line(line)

    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert parse_line(data) == line
    assert parse_line(data[:-1]) == line


@pytest.mark.parametrize("line", [started(), ended(), Closed()])
def test_a_line_cut_off_anywhere_is_none(line):
    data = dump_line(line)[:-1]

    for length in range(len(data)):
        with pytest.raises(ValueError):
            parse_line(data[:length])


@given(st.binary(max_size=100))
def test_garbage_is_none(garbage):
    with pytest.raises(ValueError):
        parse_line(garbage)


def test_a_line_of_an_older_version_that_lacks_a_later_field_is_refused_and_one_with_more_is_read():
    longer = dump_line(started()).rstrip(b"]\n") + b',"a later field"]'

    assert parse_line(longer).model == "gpt"
    with pytest.raises(ValueError):
        parse_line(b'["started","only an id"]')


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "x"},
        {"request_id": "f1a1fe1a-69af-768b-a4a6-91911a4b706d"},  # of the year 10600
        {"workspace_id": "01a1fe1a69af768ba4a691911a4b706d"},
        {"key_id": ""},
        {"model": "x" * 201},
        {"model": "a\x00b"},
        {"error_code": "x" * 65},
        {"status": 40_000},
        {"status": -1},
        {"input_tokens": 2**31},
        {"output_tokens": -1},
        {"cost_nano_usd": 2**63},
        {"latency_ms": float("nan")},
    ],
)
def test_a_line_that_no_row_can_hold_is_none(changes):
    data = dump_line(ended(**changes))

    with pytest.raises(ValueError):
        parse_line(data)
