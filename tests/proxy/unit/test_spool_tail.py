"""What a spool says of requests that the database may not have: each once, as it ended or as it is held back."""

from __future__ import annotations

import uuid

import pytest

from common.ids import timestamp
from proxy.adapters import spool_tail as module
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.spool_tail import SpoolTail, SpoolTooFull, Use
from tests.proxy.spool_help import ended, spool_files, started


@pytest.fixture
def tail(tmp_path):
    return SpoolTail(tmp_path)


def _writer(folder, max_bytes=1 << 30):
    writer = SpoolWriter(folder, max_bytes)
    writer.start()
    return writer


def _costs(tail):
    tail.refresh()
    return {request_id: use.cost_nano_usd for request_id, use in tail.uses()}


def test_an_empty_folder_and_none_at_all_hold_nothing(tmp_path):
    assert _costs(SpoolTail(tmp_path)) == {}
    assert _costs(SpoolTail(tmp_path / "none")) == {}


def test_a_running_request_holds_what_was_reserved_and_an_ended_one_what_it_used(tmp_path, tail):
    writer = _writer(tmp_path)
    line = started(end_user="eve", tags=("a", "b"), reserved_nano_usd=100, reserved_tokens=50, reserved_input_tokens=20)
    began_s = timestamp(uuid.UUID(line.request_id)).timestamp()
    who = (began_s, line.workspace_id, line.key_id, "gpt", "eve", ("a", "b"))
    writer.started(line)
    tail.refresh()
    running = dict(tail.uses())

    writer.ended(ended(line, input_tokens=7, output_tokens=8, cost_nano_usd=9))
    tail.refresh()

    assert running == {line.request_id: Use(*who, 20, 30, 100)}
    assert dict(tail.uses()) == {line.request_id: Use(*who, 7, 8, 9)}
    writer.stop()


def test_each_request_is_told_once_however_files_are_full(tmp_path, tail):
    writer = _writer(tmp_path, max_bytes=1500)
    long_one = started(reserved_nano_usd=1000)
    writer.started(long_one)
    expected = {long_one.request_id: 1000}
    for number in range(20):
        line = started(reserved_nano_usd=500)
        writer.started(line)
        writer.ended(ended(line, cost_nano_usd=number))
        expected[line.request_id] = number
        assert _costs(tail) == expected

    writer.ended(ended(long_one, cost_nano_usd=5))

    assert len(spool_files(tmp_path)) > 2
    assert _costs(tail) == expected | {long_one.request_id: 5}
    writer.stop()


def test_what_a_dead_worker_left_open_holds_nothing_and_what_it_ended_counts(tmp_path, tail):
    writer = _writer(tmp_path)
    line = started()
    writer.started(line)
    writer.ended(ended(line, cost_nano_usd=3))
    writer.started(started(reserved_nano_usd=100))
    assert sorted(_costs(tail).values()) == [3, 100]

    writer.stop()

    assert _costs(tail) == {line.request_id: 3}


def test_a_file_that_is_gone_was_stored(tmp_path, tail):
    writer = _writer(tmp_path)
    writer.ended(ended())
    writer.started(started(reserved_nano_usd=1))
    assert len(_costs(tail)) == 2

    for path in spool_files(tmp_path):
        path.unlink()

    assert _costs(tail) == {}
    writer.stop()


def test_what_the_database_has_is_dropped_and_read_no_second_time(tmp_path, tail):
    writer = _writer(tmp_path)
    lines = [ended(cost_nano_usd=number) for number in range(3)]
    for line in lines:
        writer.ended(line)
    tail.refresh()
    assert set(tail.ended_ids()) == {line.request_id for line in lines}

    tail.drop({lines[0].request_id, lines[2].request_id, "another host's"})

    assert _costs(tail) == {lines[1].request_id: 1}
    assert tail.waiting_count == 1
    writer.stop()


def test_a_line_is_taken_when_all_of_it_is_there(tmp_path, tail):
    writer = _writer(tmp_path)
    (path,) = spool_files(tmp_path)
    writer.ended(ended(cost_nano_usd=4))
    data = path.read_bytes()
    path.write_bytes(b"")
    for at in range(0, len(data), 50):
        assert _costs(tail) == {}
        with path.open("ab") as file:
            file.write(data[at : at + 50])

    assert list(_costs(tail).values()) == [4]
    writer.stop()


def test_more_than_memory_is_meant_for_is_refused_until_there_is_room(tmp_path, tail, monkeypatch):
    monkeypatch.setattr(module, "_KEPT_MAX_COUNT", 3)
    monkeypatch.setattr("proxy.adapters.spool_reader.BATCH_BYTES", 500)
    writer = _writer(tmp_path)
    for number in range(4):
        writer.ended(ended(cost_nano_usd=number))

    with pytest.raises(SpoolTooFull):
        tail.refresh()
    assert tail.waiting_count <= 3
    tail.drop(tail.ended_ids()[:2])

    assert max(_costs(tail).values()) == 3
    writer.stop()
