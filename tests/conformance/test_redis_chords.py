"""Chords over Redis are Celery's, key by key: what one library counts, the other completes."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from celery import Celery, chord
from celery.app.task import Context
from celery.signals import after_task_publish

from sedano.brokers.redis.broker import RedisBroker
from sedano.redis.redis_url import RedisLocation
from sedano.results.group_store import ChordEnd, ChordPart
from sedano.results.opening import open_result_store
from sedano.results.redis.store import RedisResultStore
from sedano.results.store import ResultStore
from sedano.testing.broker_cases.fixtures import begin_lease
from tests.servers.redis_server import RedisServer

#: POSIX seconds; in a time to live more than any that Celery gives.
LATER: Final = 4_000_000_000.0
ONE_DAY: Final = 86_400


@pytest.fixture
def results(server: RedisServer) -> Iterator[ResultStore]:
    results = RedisResultStore(RedisLocation.from_url(server.url))
    yield results
    results.close()


def total(numbers: list[int]) -> int:
    return sum(numbers)


def member(number: int) -> int:
    return number


class CelerysWorker:
    """What Celery's worker does at the end of a chord's member, and Celery's client before."""

    def __init__(self, url: str, **options: Any) -> None:
        self.app = Celery("shop", broker=url, backend=url, set_as_current=False)
        self.app.conf.result_backend_transport_options = options
        self.body = self.app.task(name="shop.total", shared=False)(total)
        self.member = self.app.task(name="shop.member", shared=False)(member)
        self.app.finalize()

    def begin_chord(self, group_id: str, size: int) -> None:
        self.app.backend.set_chord_size(group_id, size)

    def tell(self, group_id: str, task_id: str, index: int | None, result: object) -> None:
        request = Context(id=task_id, group=group_id, group_index=index, chord=dict(self.body.s()))
        self.app.backend.on_chord_part_return(request, "SUCCESS", result)

    def document(self, task_id: str, result: object) -> bytes:
        written: str = self.app.backend.encode([1, task_id, "SUCCESS", result])
        return written.encode()

    def part(self, group_id: str, task_id: str, index: int | None, result: object) -> ChordPart:
        """The same end, for our store."""
        return ChordPart(group_id, task_id, index, self.document(task_id, result), LATER)

    def close(self) -> None:
        # What it has published it waits for, until its results are collected as garbage.
        self.app.backend.result_consumer.stop()
        self.app.backend.result_consumer.subscribed_to.clear()
        self.app.backend.client.connection_pool.disconnect()
        self.app.close()


@pytest.fixture
def celery(server: RedisServer) -> Iterator[CelerysWorker]:
    worker = CelerysWorker(server.url)
    yield worker
    worker.close()


def bodies(server: RedisServer) -> list[Any]:
    """What the bodies that were published are called with."""
    lease = begin_lease(RedisBroker(RedisLocation.from_url(server.url)))
    deliveries = lease.claim(["celery"], 100).deliveries
    return [json.loads(one.envelope.body)[0][0] for one in deliveries if one.task == "shop.total"]


def state_of(server: RedisServer, group_id: str) -> Mapping[str, Any]:
    """Everything that is kept of a chord: by the ends of the keys' names."""
    prefix, client = f"celery-taskset-meta-{group_id}", server.client
    read: Mapping[bytes, Any] = {
        b"string": client.get,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
    }
    return {
        key.decode().removeprefix(prefix): read[client.type(key)](key)
        for key in client.scan_iter(f"{prefix}*")
    }


def seconds_left(server: RedisServer, group_id: str) -> Mapping[str, int]:
    prefix, client = f"celery-taskset-meta-{group_id}", server.client
    return {key.decode().removeprefix(prefix): client.ttl(key) for key in client.scan_iter(f"{prefix}*")}


# -- the same keys


@pytest.mark.parametrize("ordered", [True, False])
def test_of_the_same_members_both_keep_the_same(server: RedisServer, ordered: bool) -> None:
    celery = CelerysWorker(server.url, result_chord_ordered=ordered)
    ours = open_result_store(server.url, options={"result_chord_ordered": ordered})
    members = [("a", 1, 10), ("b", 0, {"x": "ñ"}), ("c", None, None)]

    celery.begin_chord("theirs", 4)
    ours.groups.begin_chord("ours", 4, expires_at=LATER)
    celery.app.backend.add_to_chord("theirs", None)
    ours.groups.extend_chord("ours", 1)
    for task_id, index, result in members:
        celery.tell("theirs", task_id, index, result)
        assert ours.groups.add_parts([celery.part("ours", task_id, index, result)]) == [False]

    assert state_of(server, "ours") == state_of(server, "theirs")
    assert set(state_of(server, "ours")) == {".j", ".t", ".s", ".d"}
    assert len(ours.groups.parts("ours")) == 3
    ours.close()
    celery.close()


def test_of_a_chord_that_has_ended_both_keep_the_same(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    celery.begin_chord("theirs", 1)
    results.groups.begin_chord("ours", 1, expires_at=LATER)
    part = celery.part("ours", "a", 0, 1)

    celery.tell("theirs", "a", 0, 1)
    assert results.groups.add_parts([part]) == [True]
    assert 0 < seconds_left(server, "ours")[".c"] <= 6
    results.groups.end_chord(ChordEnd("ours", part.member))

    assert state_of(server, "ours") == state_of(server, "theirs") == {".c": b"done"}
    for group_id in ("ours", "theirs"):
        assert 290 < seconds_left(server, group_id)[".c"] <= 300


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")
def test_a_group_that_one_saves_is_read_by_the_other(celery: CelerysWorker, results: ResultStore) -> None:
    members = [celery.app.AsyncResult("a"), celery.app.AsyncResult("b")]
    theirs = celery.app.GroupResult("theirs", members)
    theirs.save()

    document = results.groups.get("theirs")
    assert document is not None
    assert json.loads(document) == {"result": [["theirs", None], [[["a", None], None], [["b", None], None]]]}
    results.groups.save("ours", document.replace(b"theirs", b"ours"), expires_at=LATER)

    read = celery.app.GroupResult.restore("ours")
    assert [one.id for one in read.results] == ["a", "b"]


def test_everything_that_is_kept_of_a_chord_has_an_end(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    soon = time.time() + 1000
    results.groups.extend_chord("extended first", 1)
    results.groups.begin_chord("g", 2, expires_at=soon)
    results.groups.extend_chord("g", 1)
    assert seconds_left(server, "extended first") == {".t": ONE_DAY}
    assert all(0 < seconds <= 1000 for seconds in seconds_left(server, "g").values())

    part = celery.part("g", "a", 0, 1)
    results.groups.add_parts([ChordPart("g", "a", 0, part.document, soon + 1000)])

    left = seconds_left(server, "g")
    assert set(left) == {".j", ".t", ".s", ".d"}
    assert all(1000 < seconds <= 2000 for seconds in left.values())


@pytest.mark.parametrize(("saved_for", "left"), [(500, 1000), (5000, 5000)])
def test_a_saved_group_is_kept_at_least_as_long_as_its_chord(
    server: RedisServer, results: ResultStore, saved_for: int, left: int
) -> None:
    now = time.time()
    results.groups.save("g", b"{}", expires_at=now + saved_for)

    results.groups.add_parts([ChordPart("g", "a", 0, b"[]", now + 1000)])

    assert left - 10 < seconds_left(server, "g")[""] <= left


def test_a_chord_that_has_ended_is_not_extended(server: RedisServer, results: ResultStore) -> None:
    results.groups.begin_chord("g", 1, expires_at=LATER)
    results.groups.add_parts([ChordPart("g", "a", 0, b"[]", LATER)])
    results.groups.end_chord(ChordEnd("g", "a:0"))

    results.groups.extend_chord("g", 1)

    assert set(state_of(server, "g")) == {".c"}


# -- one chord, counted by both


def test_celerys_worker_completes_a_chord_that_we_began(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    results.groups.begin_chord("g", 3, expires_at=LATER)
    first = celery.part("g", "a", 0, 1)
    assert results.groups.add_parts([first, celery.part("g", "c", 2, 3)]) == [False, False]

    celery.tell("g", "b", 1, 2)

    assert bodies(server) == [[1, 2, 3]]
    assert results.groups.has_part(first)
    assert results.groups.add_parts([first]) == [False]
    assert not results.groups.may_end(ChordEnd("g", first.member))


def test_we_complete_a_chord_of_celerys(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    celery.begin_chord("g", 2)
    celery.tell("g", "b", 1, 2)
    last = celery.part("g", "a", 0, 1)

    assert results.groups.add_parts([last]) == [True]
    assert [json.loads(part)[3] for part in results.groups.parts("g")] == [1, 2]
    assert results.groups.may_end(ChordEnd("g", last.member))
    results.groups.end_chord(ChordEnd("g", last.member))

    celery.tell("g", "b", 1, 2)
    celery.tell("g", "a", 0, 1)
    assert bodies(server) == []


@pytest.mark.parametrize("ordered", [True, False])
def test_whoever_counts_first_says_in_which_form_parts_are_kept(server: RedisServer, ordered: bool) -> None:
    celery = CelerysWorker(server.url, result_chord_ordered=ordered)
    ours = open_result_store(server.url, options={"result_chord_ordered": not ordered})
    celery.begin_chord("g", 3)
    celery.tell("g", "a", 0, 1)

    assert ours.groups.add_parts([celery.part("g", "b", 1, 2)]) == [False]
    assert [json.loads(part)[3] for part in ours.groups.parts("g")] == [1, 2]
    celery.tell("g", "c", 2, 3)

    assert bodies(server) == [[1, 2, 3]]
    ours.close()
    celery.close()


@pytest.mark.parametrize("index", [0, None])
def test_a_member_that_ran_at_both_counts_once(
    celery: CelerysWorker, results: ResultStore, index: int | None
) -> None:
    celery.begin_chord("g", 3)

    celery.tell("g", "a", index, 1)
    assert results.groups.has_part(celery.part("g", "a", index, 1))
    results.groups.add_parts([celery.part("g", "a", index, 1), celery.part("g", "b", 1, 2)])
    celery.tell("g", "b", 1, 2)

    assert len(results.groups.parts("g")) == 2


def test_celery_reads_equal_ends_of_two_members_as_two(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    results.groups.begin_chord("g", 3, expires_at=LATER)
    same = [celery.part("g", "a", index, 1) for index in (0, 1)]
    assert results.groups.add_parts(same) == [False, False]

    celery.tell("g", "b", 2, 5)

    assert bodies(server) == [[1, 1, 5]]


def test_a_chord_that_the_other_library_is_ending_is_left_to_it_while_it_may_be_alive(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    results.groups.begin_chord("g", 1, expires_at=LATER)
    part = celery.part("g", "a", 0, 1)
    assert results.groups.add_parts([part]) == [True]

    celery.tell("g", "a", 0, 1)
    assert bodies(server) == []

    server.client.delete("celery-taskset-meta-g.c")
    celery.tell("g", "a", 0, 1)
    assert bodies(server) == [[1]]
    assert not results.groups.may_end(ChordEnd("g", part.member))


def test_members_of_a_chord_of_celerys_client_complete_it_although_its_size_comes_late(
    server: RedisServer, celery: CelerysWorker, results: ResultStore
) -> None:
    """Each has ended before the next is published: the size comes right before the last one."""
    completed: list[bool] = []

    def tell(headers: Mapping[str, Any], **_: object) -> None:
        part = celery.part(headers["group"], headers["id"], headers["group_index"], len(completed))
        completed.extend(results.groups.add_parts([part]))

    after_task_publish.connect(tell, sender="shop.member", weak=False)
    try:
        header = [celery.member.s(number) for number in range(4)]
        chord(header, app=celery.app)(celery.body.s())
    finally:
        after_task_publish.disconnect(tell, sender="shop.member")

    assert completed == [False, False, False, True]
