"""Blocks of vectors and the entries behind them: right answers, exact bytes, who goes first."""

from __future__ import annotations

import random
import threading
import tracemalloc

import numpy as np
import pytest

from ragcache.semantic.block import Block, quantise, shorten
from ragcache.semantic.store import HALF_LIFE_S, SemanticStore
from tests.ragcache.semantic_help import DIMENSIONS, make_entry, unit_rows

ROWS = unit_rows(400)
A, B = b"a" * 16, b"b" * 16
EMPTY_BYTES = 16_000
"""What a namespace takes with room for its first sixteen rows, and a little more."""


def make_store(limit_bytes: int = 10_000_000, **quotas: int) -> SemanticStore:
    return SemanticStore(limit_bytes, DIMENSIONS, quotas.get)


def put(store: SemanticStore, number: int, namespace: bytes = A, now_s: float = 0.0, **fields: object) -> bool:
    return store.add(namespace, make_entry(f"e{number}", **fields), ROWS[number % len(ROWS)], ROWS[number % len(ROWS)], now_s)


def ids_near(store: SemanticStore, number: int, namespace: bytes = A, now_s: float = 0.0) -> list[str]:
    candidates = store.search(namespace, shorten(ROWS[number]), 0.99)
    return [entry.id for _, _, entry in store.rank(namespace, candidates, ROWS[number], now_s)]


def test_block_finds_what_brute_force_finds_through_additions_and_removals():
    rng = random.Random(1)
    block, known = Block(DIMENSIONS), dict[int, int]()
    for step in range(2_000):
        key = rng.randrange(300)
        if rng.random() < 0.4:
            assert block.remove(key) == (known.pop(key, None) is not None)
        else:
            known[key] = step % len(ROWS)
            block.add(key, ROWS[known[key]], ROWS[known[key]])
        if step % 20 == 0 and known:
            query = shorten(ROWS[rng.randrange(len(ROWS))])
            expected = sorted(((float(shorten(ROWS[row]) @ query), key) for key, row in known.items()), reverse=True)[:20]
            found = block.nearest(query, -1.0)
            assert [each.static_similarity for each in found] == pytest.approx([score for score, _ in expected], abs=1e-5)

    assert len(block) == len(known)


def test_block_keeps_cosines_in_int8():
    block = Block(DIMENSIONS)
    for key, row in enumerate(ROWS[:20]):
        block.add(key, row, row)
    candidates = block.nearest(shorten(ROWS[3]), -1.0)

    similarities = block.similarities(candidates, ROWS[3])

    assert similarities == pytest.approx([float(ROWS[each.key] @ ROWS[3]) for each in candidates], abs=0.005)


def test_a_vector_of_zeros_is_harmless():
    block, zeros = Block(DIMENSIONS), np.zeros(DIMENSIONS, np.float32)
    block.add(1, zeros, zeros)

    assert [each.key for each in block.nearest(shorten(zeros), 0.0)] == [1]
    assert quantise(zeros)[1] == 0


def test_entry_is_found_in_its_namespace_alone():
    store = make_store()
    put(store, 1)

    assert (ids_near(store, 1), ids_near(store, 1, B)) == (["e1"], [])


def test_removed_entry_is_gone_and_cannot_come_back():
    store = make_store()
    put(store, 1)

    assert store.remove("e1")
    assert not store.remove("e1")
    assert not put(store, 1)
    assert ids_near(store, 1) == []


def test_removal_that_comes_first_wins():
    store = make_store()

    store.remove("e1")

    assert not put(store, 1)


def test_entry_of_the_same_id_is_replaced():
    store = make_store()
    put(store, 1)

    store.add(A, make_entry("e1"), ROWS[2], ROWS[2], 0.0)

    assert (ids_near(store, 1), ids_near(store, 2), len(store)) == ([], ["e1"], 1)


def test_candidate_that_moved_or_went_in_between_is_not_ranked():
    store = make_store()
    put(store, 1)
    put(store, 2)
    candidates = store.search(A, shorten(ROWS[2]), 0.99)

    store.remove("e1")  # the row of e2 moves

    assert store.rank(A, candidates, ROWS[2], 0.0) == []


def test_purge_takes_by_author_and_says_how_many():
    store = make_store()
    for number in range(10):
        put(store, number, author="eve" if number % 2 else "bob")

    assert store.purge(lambda namespace, entry: entry.author == "eve") == 5
    assert sorted(entry.author for entry in store.entries(A)) == ["bob"] * 5


def test_expired_entry_is_neither_found_nor_kept():
    store = make_store()
    put(store, 1, expires_at_s=10.0)

    assert (ids_near(store, 1, now_s=9.0), ids_near(store, 1, now_s=10.0)) == (["e1"], [])
    assert (store.expire(10.0), len(store)) == (1, 0)
    assert not put(store, 2, now_s=10.0, expires_at_s=10.0)


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_never_above_the_limit_and_end_at_zero(seed: int):
    rng = random.Random(seed)
    limit = 90_000
    store = make_store(limit, o1=20_000)
    for number in range(600):
        owner = f"o{rng.randrange(3)}"
        put(
            store,
            number,
            rng.choice((A, B)),
            now_s=number,
            owner=owner,
            payload_bytes=rng.randrange(3_000),
            expires_at_s=number + rng.randrange(1, 500),
        )
        if rng.random() < 0.2:
            store.remove(f"e{rng.randrange(number + 1)}")
        assert 0 < store.size_bytes <= limit
        assert store.owner_bytes("o1") <= 20_000

    store.purge(lambda namespace, entry: True)

    assert (store.size_bytes, len(store), store.owner_bytes("o1")) == (0, 0, 0)


def test_what_saved_least_goes_first_and_hits_count():
    store = make_store(EMPTY_BYTES + 15_000)
    put(store, 0, saved_nano_usd=10_000, payload_bytes=4_000)
    put(store, 1, saved_nano_usd=10_000, payload_bytes=4_000)
    put(store, 2, saved_nano_usd=90_000, payload_bytes=4_000)
    store.note_hit("e0", 1.0)

    put(store, 3, saved_nano_usd=90_000, payload_bytes=4_000)

    assert sorted(entry.id for entry in store.entries(A)) == ["e0", "e2", "e3"]


def test_old_hits_fade():
    store = make_store(EMPTY_BYTES + 10_000)
    put(store, 0, payload_bytes=4_000)
    for _ in range(4):
        store.note_hit("e0", 1.0)
    put(store, 1, now_s=10 * HALF_LIFE_S, payload_bytes=4_000)

    put(store, 2, now_s=10 * HALF_LIFE_S, payload_bytes=4_000)

    assert sorted(entry.id for entry in store.entries(A)) == ["e1", "e2"]


def test_expired_goes_before_the_least_worth():
    store = make_store(EMPTY_BYTES + 10_000)
    put(store, 0, saved_nano_usd=10_000, payload_bytes=4_000)
    put(store, 1, saved_nano_usd=9_000_000, payload_bytes=4_000, expires_at_s=5.0)

    put(store, 2, now_s=6.0, payload_bytes=4_000)

    assert sorted(entry.id for entry in store.entries(A)) == ["e0", "e2"]


def test_an_owner_cannot_flush_another():
    store = make_store(100_000)
    for number in range(5):
        put(store, number, A, owner="small", saved_nano_usd=1)
    for number in range(5, 300):
        put(store, number, B, owner="big", saved_nano_usd=10_000_000)

    assert len(list(store.entries(A))) == 5


def test_curated_entries_stay_and_refuse_others_when_they_fill_everything():
    store = make_store(EMPTY_BYTES + 6_000)
    put(store, 0, is_curated=True, payload_bytes=4_000)

    assert not put(store, 1, payload_bytes=4_000, saved_nano_usd=10**12)
    assert [entry.id for entry in store.entries(A)] == ["e0"]


def test_entry_larger_than_the_limit_drives_nobody_out():
    store = make_store(40_000)
    put(store, 0)

    assert not put(store, 1, payload_bytes=50_000)
    assert len(store) == 1


def test_bytes_that_are_counted_are_bytes_that_are_taken():
    store = make_store(10**9)
    count = 3_000
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(count):
        store.add(
            A, make_entry(f"{number:032}", question=f"What are good tips for the self study of subject {number}?"), ROWS[0], ROWS[0], 0.0
        )
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert taken / count < 2_048
    assert 0.8 < store.size_bytes / taken < 1.4


def test_threads_may_search_while_others_write():
    store = make_store(400_000)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(400):
                number = rng.randrange(len(ROWS))
                if rng.random() < 0.5:
                    store.add(A, make_entry(f"{seed}:{number}"), ROWS[number], ROWS[number], 0.0)
                elif rng.random() < 0.3:
                    store.purge(lambda namespace, entry, doomed=f"{seed}:{number}": entry.id == doomed)
                else:
                    assert all(each.endswith(f":{number}") for each in ids_near(store, number))
        except BaseException as error:  # told to the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
