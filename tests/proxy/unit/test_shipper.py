"""From spool files to storage: every record once, whatever is torn, killed, repeated or away."""

from __future__ import annotations

import contextlib
import random

import pytest

from proxy.adapters import spool_reader as module
from proxy.adapters.shipper import Shipper, spool_depth
from proxy.adapters.spool import SpoolWriter
from proxy.wire.spool import dump_line
from tests.proxy.spool_help import ended, spool_files, started

BIG = 1 << 30


class Storage:
    """What was stored, by id; the first to come stays, as in the database. Fails as often as told."""

    def __init__(self):
        self.rows = {}
        self.calls_count = 0
        self.failures_count = 0

    def __call__(self, lines):
        self.calls_count += 1
        if self.failures_count:
            self.failures_count -= 1
            raise ConnectionError("the database is away")
        for line in lines:
            self.rows.setdefault(line.request_id, line)

    @property
    def outcomes(self):
        return {line.model: line.outcome for line in self.rows.values()}


@pytest.fixture
def storage():
    return Storage()


@pytest.fixture
def shipper(tmp_path, storage):
    return Shipper(tmp_path, storage)


def _writer(folder, max_bytes=BIG):
    writer = SpoolWriter(folder, max_bytes)
    writer.start()
    return writer


def _request(writer, model):
    line = started(model=model)
    writer.started(line)
    writer.ended(ended(line))
    return line


def test_a_live_worker_is_followed(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    assert shipper.ship() == 0
    _request(writer, "one")
    assert shipper.ship() == 1
    open_line = started(model="two")
    writer.started(open_line)
    assert shipper.ship() == 0
    writer.ended(ended(open_line))
    assert shipper.ship() == 1
    assert shipper.ship() == 0

    assert storage.outcomes == {"one": "ok", "two": "ok"}
    assert len(spool_files(tmp_path)) == 1
    writer.stop()


def test_a_closed_file_is_deleted_when_all_of_it_is_stored(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    _request(writer, "one")
    writer.stop()

    assert shipper.ship() == 1
    assert spool_files(tmp_path) == []
    assert shipper.ship() == 0


def test_an_orphan_is_adopted_and_its_open_requests_are_interrupted(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    _request(writer, "answered")
    writer.started(started(model="open"))
    writer.stop()  # with a request open: as good as killed

    assert shipper.ship() == 2

    assert storage.outcomes == {"answered": "ok", "open": "interrupted"}
    (interrupted,) = [line for line in storage.rows.values() if line.model == "open"]
    assert (interrupted.status, interrupted.error_code, interrupted.usage_source) == (500, "interrupted", "none")
    assert spool_files(tmp_path) == []


def test_what_limits_hold_for_a_dead_workers_requests_is_let_go_before_its_file_goes(tmp_path, storage):
    released, answers = [], iter([False, False, True])

    def release(lines):
        assert len(spool_files(tmp_path)) == 1
        assert storage.rows.keys() >= {line.request_id for line in lines}  # stored before: whoever counts anew finds them
        released.append([line.model for line in lines])
        return next(answers)

    writer = _writer(tmp_path)
    _request(writer, "answered")
    writer.started(started(model="open", reserved_nano_usd=5, reserved_tokens=6, tags=("a",), end_user="eve", endpoint="messages"))
    writer.stop()
    shipper = Shipper(tmp_path, storage, release)

    assert [shipper.ship() for _ in range(4)] == [1, 0, 1, 0]

    assert released == [["open"]] * 3
    assert spool_files(tmp_path) == []
    (line,) = [line for line in storage.rows.values() if line.model == "open"]
    assert (line.reserved_nano_usd, line.reserved_tokens, line.cost_nano_usd) == (5, 6, 0)
    assert (line.tags, line.end_user, line.endpoint) == (("a",), "eve", "messages")


def test_a_release_that_cannot_be_done_now_holds_up_no_other_file(tmp_path, storage):
    dead, alive = _writer(tmp_path), _writer(tmp_path)
    dead.started(started(model="open"))
    dead.stop()
    _request(alive, "other")

    Shipper(tmp_path, storage, lambda lines: False).ship()

    assert storage.outcomes == {"open": "interrupted", "other": "ok"}
    alive.stop()


def test_requests_that_were_open_when_a_file_was_full_are_not_interrupted(tmp_path, shipper, storage):
    writer = _writer(tmp_path, max_bytes=1500)
    long_ones = [started(model=f"long {number}") for number in range(3)]
    for line in long_ones:
        writer.started(line)
    for number in range(20):
        _request(writer, f"short {number}")
        shipper.ship()
    for line in long_ones:
        writer.ended(ended(line))
    writer.stop()
    shipper.ship()

    assert len(storage.rows) == 23
    assert set(storage.outcomes.values()) == {"ok"}
    assert spool_files(tmp_path) == []


def test_a_line_that_is_half_there_waits_for_its_other_half(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    (path,) = spool_files(tmp_path)
    line = started(model="slow")
    data = dump_line(line) + dump_line(ended(line))
    for at in range(0, len(data), 11):
        with path.open("ab") as file:
            file.write(data[at : at + 11])
        shipper.ship()

    assert storage.outcomes == {"slow": "ok"}
    writer.stop()


def test_a_torn_line_is_dropped_and_costs_no_other(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    (path,) = spool_files(tmp_path)
    _request(writer, "before")
    with path.open("ab") as file:
        file.write(dump_line(ended(started(model="torn")))[:40] + b"!\n" + b"\xff\xfe garbage\n" + b"\n\n")
    _request(writer, "after")
    writer.stop()

    assert shipper.ship() == 2
    assert storage.outcomes == {"before": "ok", "after": "ok"}


def test_a_torn_line_at_the_end_of_an_orphan_is_dropped(tmp_path, shipper, storage):
    writer = _writer(tmp_path)
    (path,) = spool_files(tmp_path)
    line = started(model="answered?")
    writer.started(line)
    with path.open("ab") as file:
        file.write(dump_line(ended(line))[:-5])
    writer.stop()

    shipper.ship()

    assert storage.outcomes == {"answered?": "interrupted"}
    assert spool_files(tmp_path) == []


def test_a_failing_database_loses_nothing_and_the_next_call_continues(tmp_path, shipper, storage, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 1000)
    writer = _writer(tmp_path)
    for number in range(50):
        _request(writer, str(number))
    writer.started(started(model="open"))
    writer.stop()

    failures = 0
    for failing_call in (0, 1, 3, 0, 0):
        storage.failures_count = 1 if failing_call == 0 else 0
        try:
            shipper.ship()
        except ConnectionError:
            failures += 1

    assert failures >= 1
    assert len(storage.rows) == 51
    assert storage.outcomes["open"] == "interrupted"
    assert spool_files(tmp_path) == []


def test_a_shipper_restarted_at_any_point_stores_everything_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 700)
    choose = random.Random(5)
    for round_number in range(20):
        folder = tmp_path / str(round_number)
        storage, writers = Storage(), [_writer(folder, max_bytes=2000) for _ in range(2)]
        shipper, answered, still_open = Shipper(folder, storage), [], []
        for number in range(40):
            writer = choose.choice(writers)
            line = started(model=str(number))
            writer.started(line)
            if choose.random() < 0.2:
                still_open.append((writer, line))
            else:
                writer.ended(ended(line))
                answered.append(line)
            if choose.random() < 0.3:
                storage.failures_count = choose.choice([0, 0, 1])
                with contextlib.suppress(ConnectionError):
                    shipper.ship()
            if choose.random() < 0.3:
                shipper = Shipper(folder, storage)
        storage.failures_count = 0
        for writer in writers:
            writer.stop()
        shipper.ship()

        assert {line.request_id for line in answered} == {key for key, row in storage.rows.items() if row.outcome == "ok"}
        assert {line.request_id for _, line in still_open} == {key for key, row in storage.rows.items() if row.outcome == "interrupted"}
        assert spool_files(folder) == []


def test_two_shippers_of_one_folder_do_not_disturb_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 700)
    storage = Storage()
    second = Shipper(tmp_path, storage)
    writer = _writer(tmp_path, max_bytes=1500)

    class Meanwhile(Storage):
        """While one stores, the other ships everything and deletes the file."""

        def __call__(self, lines):
            second.ship()
            storage(lines)

    first = Shipper(tmp_path, Meanwhile())
    for number in range(60):
        _request(writer, str(number))
        if number % 7 == 0:
            first.ship()
    writer.stop()
    first.ship()

    assert len(storage.rows) == 60
    assert set(storage.outcomes.values()) == {"ok"}
    assert spool_files(tmp_path) == []


def test_a_file_that_vanishes_is_not_an_error(tmp_path, shipper):
    writer = _writer(tmp_path)
    _request(writer, "one")
    shipper.ship()
    for path in spool_files(tmp_path):
        path.unlink()

    assert shipper.ship() == 0
    writer.stop()


def test_the_folder_is_made_when_there_is_none(tmp_path, storage):
    assert Shipper(tmp_path / "new" / "spool", storage).ship() == 0
    assert (tmp_path / "new" / "spool").is_dir()


def test_other_files_are_left_alone(tmp_path, shipper, storage):
    (tmp_path / "notes.txt").write_text("keep")
    (tmp_path / ".draft").write_bytes(dump_line(ended()))

    assert shipper.ship() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft", "notes.txt"]


def test_spool_depth_tells_how_much_waits_and_since_when(tmp_path):
    assert spool_depth(tmp_path) == (0, 0.0)
    writer = _writer(tmp_path)
    _request(writer, "one")
    (path,) = spool_files(tmp_path)

    assert spool_depth(tmp_path) == (path.stat().st_size, path.stat().st_mtime)
    writer.stop()
