"""One request's record, wherever it lies: in the spool of this host or in its partition."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

import msgspec
import pytest
from django.db import OperationalError

from common.ids import create_uuid7
from proxy.adapters import request_records
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.request_records import RecordReader, find_record
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.errors import StoreUnavailable
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.spool_help import ended, spool_files, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(tmp_path: Path):
    writer = SpoolWriter(tmp_path, max_bytes=10_000_000)
    writer.start()
    yield writer
    writer.stop()


def _id(line) -> uuid.UUID:
    return uuid.UUID(line.request_id)


def test_a_request_that_ended_a_moment_ago_is_read_without_the_database(tmp_path, writer):
    line = ended(decision=msgspec.Raw(b'{"attempts":[]}'))
    for each in (ended(), line, ended()):
        writer.ended(each)

    with counted_queries() as queries:
        assert find_record(tmp_path, _id(line)) == line
    assert queries == []


def test_a_request_runs_until_its_end_is_written_whichever_file_that_is_in(tmp_path):
    writer = SpoolWriter(tmp_path, max_bytes=400)
    writer.start()
    line = started()
    writer.started(line)
    assert find_record(tmp_path, _id(line)) == line
    for _ in range(4):
        writer.ended(ended())

    assert len(spool_files(tmp_path)) > 1
    assert find_record(tmp_path, _id(line)) == line
    end = ended(line)
    writer.ended(end)
    assert find_record(tmp_path, _id(line)) == end
    writer.stop()


def test_a_shipped_request_is_the_line_that_it_was(tmp_path):
    line = ended(
        tags=("a", "b=c"),
        end_user="u",
        cache="MISS",
        price_effective_at=1_700_000_000.25,
        first_token_ms=1.25,
        decision=msgspec.Raw(b'{"attempts":[1]}'),
    )
    store_records([line])

    with counted_queries() as queries:
        found = find_record(tmp_path, _id(line))

    assert found == line
    assert len(queries) == 1


def test_the_end_in_the_database_counts_more_than_a_start_in_a_file(tmp_path, writer):
    line = started()
    writer.started(line)
    store_records([ended(line)])

    assert find_record(tmp_path, _id(line)) == ended(line)


def test_what_nobody_has_is_none_whatever_the_id(tmp_path, writer):
    writer.ended(ended())

    for unknown in (
        create_uuid7(),
        uuid.uuid4(),
        uuid.UUID(int=0),
        uuid.UUID(int=2**128 - 1),
        uuid.UUID("fffffffffffff7ffbfffffffffffffff"[:32]),
    ):
        assert find_record(tmp_path, unknown) is None
    assert find_record(tmp_path / "none", create_uuid7()) is None


def test_an_id_inside_another_requests_line_is_not_that_request(tmp_path, writer):
    inner = str(create_uuid7())
    writer.ended(ended(tags=(inner,)))

    assert find_record(tmp_path, uuid.UUID(inner)) is None


def test_files_from_before_the_request_are_not_read(tmp_path, writer, monkeypatch):
    writer.ended(ended())
    [old] = spool_files(tmp_path)
    os.utime(old, (1.0, 1.0))
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"read {path}"))

    assert find_record(tmp_path, create_uuid7()) is None


def test_no_more_is_read_than_is_sensible(tmp_path, writer, monkeypatch):
    line = ended()
    writer.ended(line)
    monkeypatch.setattr(request_records, "_READ_MAX_BYTES", 10)

    assert find_record(tmp_path, _id(line)) is None


def test_a_damaged_line_hides_no_other(tmp_path, writer):
    line = ended()
    (tmp_path / "0.spool").write_bytes(b'["ended","' + line.request_id.encode() + b'"\n\xff\n')
    writer.ended(line)

    assert find_record(tmp_path, _id(line)) == line


def test_a_database_that_is_away_is_told_as_such(tmp_path, monkeypatch):
    def fail(request_id):
        raise OperationalError("gone")

    monkeypatch.setattr(request_records, "find_row", fail)
    store = DjangoStore()

    with pytest.raises(StoreUnavailable):
        asyncio.run(RecordReader(tmp_path, store.run).find(create_uuid7()))
    store.close()
