"""Lines of the spool: what is written is read, what is cut off is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.spool import Closed, dump_line, parse_line
from tests.proxy.spool_help import ended, started


@pytest.mark.parametrize(
    "line", [started(), started(is_stream=True, model='ü"\n\x00🔑'), ended(), ended(first_token_ms=1.25, cost_nano_usd=2**62), Closed()]
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
