"""Workflows over Redis in one script, in scripts of one slot, and when the server is in trouble."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import pytest

from sedano.brokers.admin import StoredMessage
from sedano.brokers.lease import Lease
from sedano.brokers.publication import Publication
from sedano.brokers.redis import scripts
from sedano.brokers.redis.broker import RedisBroker
from sedano.brokers.settlement import Bury, Finish
from sedano.errors import BrokerUnavailable, ResultStoreError
from sedano.redis.cluster_link import slot_of
from sedano.redis.links import open_link
from sedano.redis.redis_url import RedisLocation
from sedano.results.group_store import ChordEnd, ChordPart, WorkflowChange
from sedano.results.redis.store import RedisResultStore
from sedano.results.result_write import ResultWrite
from sedano.testing.broker_cases.fixtures import begin_lease, drain, ids_of
from sedano.testing.messages import publication
from tests.servers.redis_server import RedisServer

#: POSIX seconds; in a time to live more than any test lasts.
LATER: Final = 4_000_000_000.0


@pytest.fixture
def server(server: RedisServer) -> Iterator[RedisServer]:
    yield server
    server.client.config_set("maxmemory", "0")


@pytest.fixture
def broker(server: RedisServer) -> Iterator[RedisBroker]:
    broker = RedisBroker(RedisLocation.from_url(server.url))
    yield broker
    broker.close()


@pytest.fixture
def results(server: RedisServer) -> Iterator[RedisResultStore]:
    results = RedisResultStore(RedisLocation.from_url(server.url))
    yield results
    results.close()


def part(task_id: str, index: int = 0, group_id: str = "g") -> ChordPart:
    return ChordPart(group_id, task_id, index, f'[1, "{task_id}", "SUCCESS", 1]'.encode(), LATER)


def tells(*parts: ChordPart) -> WorkflowChange:
    return WorkflowChange(parts=parts)


def ends(member: ChordPart) -> WorkflowChange:
    return WorkflowChange(end=ChordEnd(member.group_id, member.member))


def claim(broker: RedisBroker, results: RedisResultStore, *task_ids: str) -> tuple[Lease, Sequence[int]]:
    """Messages of these tasks, held by a lease that stores results as it settles."""
    broker.publish([publication(task_id) for task_id in task_ids])
    lease = begin_lease(broker, results=results)
    return lease, [delivery.tag for delivery in lease.claim(["celery"], len(task_ids)).deliveries]


# -- one script


def test_what_is_no_part_of_a_workflow_costs_no_command_more(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    lease, (removed, stored) = claim(broker, results, "a", "b")
    server.client.config_resetstat()

    success = ResultWrite("b", "SUCCESS", b'{"status": "SUCCESS"}', LATER)
    lease.claim([], 0, [Finish(removed), Finish(stored, success)])

    calls = {name: told["calls"] for name, told in server.client.info("commandstats").items()}
    del calls["cmdstat_config|resetstat"]
    assert calls == {
        "cmdstat_evalsha": 1,
        "cmdstat_sismember": 1,
        "cmdstat_set": 1,
        "cmdstat_publish": 1,
        "cmdstat_hdel": 1,
    }


def test_a_settlement_is_repeated_after_any_time(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    """The server's answer was lost, and it comes back when its chord's claim has run out."""
    lease, (finished, buried) = claim(broker, results, "a", "b")
    for group_id in ("g", "h"):
        results.groups.begin_chord(group_id, 1, expires_at=LATER)
    batch = [
        Finish(finished, None, (publication("next"),), tells(part("a"))),
        Bury(buried, "broken", workflow=tells(part("b", group_id="h"))),
    ]
    lease.claim([], 0, batch)
    assert server.client.delete("celery-taskset-meta-g.c", "celery-taskset-meta-h.c") == 2

    claimed = lease.claim(["celery"], 10, batch)

    assert ids_of(claimed) == ["next"]
    assert list(claimed.completing) == [(finished, "g"), (buried, "h")]
    assert len(broker.admin.dead_letters()) == 1


def test_many_are_revoked_in_few_round_trips(server: RedisServer, broker: RedisBroker) -> None:
    task_ids = [f"task {number}" for number in range(1000)]
    broker.publish([publication(task_id) for task_id in task_ids])
    server.client.config_resetstat()

    assert len(broker.admin.revoke(*task_ids)) == 1000

    calls = {name: told["calls"] for name, told in server.client.info("commandstats").items()}
    assert calls["cmdstat_lrange"] == 3 + 3  # 500 at a time, then nothing; and the lanes of other priorities
    assert calls["cmdstat_lrem"] == 1000


# -- a full memory


def test_when_memory_is_full_a_member_is_not_counted_and_nothing_is_lost(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    lease, (tag,) = claim(broker, results, "a")
    results.groups.begin_chord("g", 1, expires_at=LATER)
    settlement = Finish(tag, None, (publication("next"),), tells(part("a")))
    server.client.config_set("maxmemory", "1")

    with pytest.raises(BrokerUnavailable, match="OOM"):
        lease.claim([], 0, [settlement])
    with pytest.raises(ResultStoreError, match="memory"):
        results.groups.add_parts([part("a")])
    with pytest.raises(ResultStoreError, match="memory"):
        results.groups.begin_chord("g", 1, expires_at=LATER)

    server.client.config_set("maxmemory", "0")
    assert lease.holds([tag]) == {tag}
    assert not results.groups.has_part(part("a"))
    claimed = lease.claim(["celery"], 10, [settlement])
    assert (ids_of(claimed), list(claimed.completing)) == (["next"], [(tag, "g")])


def test_a_body_that_cannot_be_published_leaves_its_chord_as_it_is(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    lease, (tag,) = claim(broker, results, "a")
    results.groups.begin_chord("g", 1, expires_at=LATER)
    lease.claim([], 0, [Finish(tag, workflow=tells(part("a")))])
    end = Finish(tag, None, (publication("body"),), ends(part("a")))
    server.client.config_set("maxmemory", "1")

    with pytest.raises(BrokerUnavailable, match="OOM"):
        lease.claim([], 0, [end])

    server.client.config_set("maxmemory", "0")
    assert len(results.groups.parts("g")) == 1
    assert ids_of(lease.claim(["celery"], 10, [end])) == ["body"]


def test_a_full_server_lets_a_chord_end(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    lease, (tag,) = claim(broker, results, "a")
    for group_id in ("g", "h"):
        results.groups.begin_chord(group_id, 1, expires_at=LATER)
        results.groups.add_parts([part("a", group_id=group_id)])
    server.client.config_set("maxmemory", "1")

    assert not any(lease.claim([], 0, [Finish(tag, workflow=ends(part("a")))]))
    assert results.groups.may_end(ChordEnd("h", "a:0"))
    results.groups.end_chord(ChordEnd("h", "a:0"))

    assert results.groups.parts("g") == results.groups.parts("h") == []
    assert lease.holds([tag]) == set()


def test_when_memory_is_full_a_message_is_not_revoked_for_another(
    server: RedisServer, broker: RedisBroker
) -> None:
    broker.publish([publication("a")])
    server.client.config_set("maxmemory", "1")

    with pytest.raises(BrokerUnavailable, match="OOM"):
        broker.admin.revoke("a", instead=lambda _: publication("a"))

    server.client.config_set("maxmemory", "0")
    assert drain(begin_lease(broker)) == ["a"]


# -- scripts that the server does not know


def test_scripts_of_chords_that_were_forgotten_are_sent_again(
    server: RedisServer, broker: RedisBroker, results: RedisResultStore
) -> None:
    lease, (first, last) = claim(broker, results, "a", "b")
    results.groups.begin_chord("g", 2, expires_at=LATER)

    server.client.script_flush()
    lease.claim([], 0, [Finish(first, workflow=tells(part("a")))])
    server.client.script_flush()
    assert results.groups.add_parts([part("b", 1)]) == [True]
    server.client.script_flush()
    assert results.groups.may_end(ChordEnd("g", "b:1"))
    server.client.script_flush()
    results.groups.extend_chord("g", 0)
    server.client.script_flush()
    results.groups.end_chord(ChordEnd("g", "b:1"))

    assert results.groups.parts("g") == []
    assert lease.holds([last]) == {last}


# -- revocation


def test_a_message_that_a_node_took_in_the_meantime_has_no_substitute(server: RedisServer) -> None:
    link = open_link(RedisLocation.from_url(server.url), timeout=2.0, translate=lambda one: Exception(one))
    server.client.lpush("celery", "other")

    replaced = link.run(scripts.REPLACE, ["celery", "celery"], ("instead", "LREM", -1, "taken"))

    assert replaced == 0
    assert server.client.lrange("celery", 0, -1) == [b"other"]
    link.close()


@pytest.mark.parametrize("state", ["ready", "scheduled", "parked", "inbox"])
def test_a_message_is_revoked_wherever_it_lies(server: RedisServer, broker: RedisBroker, state: str) -> None:
    lease = begin_lease(broker)
    lease.claim(["celery"], 1)
    broker.publish([publication("a", priority=3)])
    lane, own = "celery\x06\x163", "sedano:{celery\x06\x163}:"
    (message,) = server.client.lrange(lane, 0, -1)
    if state != "ready":
        server.client.delete(lane)
    if state == "scheduled":
        server.client.zadd(f"{own}due", {message: LATER})
    elif state == "parked":
        server.client.hset(f"{own}parked", "1:w:1\ntests.add", message)
    elif state == "inbox":
        server.client.lpush(f"{own}inbox:{lease.incarnation}", message)

    assert broker.admin.revoke("a", instead=lambda _: publication("a", priority=3, body=b"revoked"))

    (delivery,) = lease.claim(["celery"], 10).deliveries
    assert (delivery.task_id, delivery.envelope.body) == ("a", b"revoked")
    assert broker.admin.find("a") is not None
    lease.end()


# -- a cluster


@pytest.fixture
def location(nodes: list[RedisServer]) -> RedisLocation:
    return RedisLocation.from_url(f"redis+cluster://127.0.0.1:{nodes[1].port}")


def test_in_a_cluster_all_keys_of_a_chord_share_a_slot_and_chords_are_everywhere(
    nodes: list[RedisServer], location: RedisLocation
) -> None:
    results = RedisResultStore(location, prefix="shop")
    chords = [f"chord {number}" for number in range(30)]
    for group_id in chords:
        results.groups.save(group_id, b"{}", expires_at=LATER)
        results.groups.begin_chord(group_id, 2, expires_at=LATER)
        results.groups.extend_chord(group_id, 1)
    firsts = [part("a", index, group_id) for index in (0, 1) for group_id in chords]
    assert not any(results.groups.add_parts(firsts))

    lasts = [part("b", 2, group_id) for group_id in chords]
    assert all(results.groups.add_parts(lasts))

    assert all(node.client.dbsize() for node in nodes)
    keys = [key for node in nodes for key in node.client.scan_iter()]
    assert (len(keys), len({slot_of(key) for key in keys})) == (6 * len(chords), len(chords))
    assert b"shop_celery-taskset-meta-{chord 7}.j" in keys
    for last in lasts:
        assert len(results.groups.parts(last.group_id)) == 3
        assert results.groups.may_end(ChordEnd(last.group_id, last.member))
        results.groups.end_chord(ChordEnd(last.group_id, last.member))
        assert results.groups.get(last.group_id) == b"{}"
    assert not any(results.groups.parts(group_id) for group_id in chords)
    results.close()


def test_in_a_cluster_the_workflow_is_left_to_the_caller(location: RedisLocation) -> None:
    broker, results = RedisBroker(location), RedisResultStore(location)
    lease, (member, last) = claim(broker, results, "a", "b")
    results.groups.begin_chord("g", 1, expires_at=LATER)
    change = WorkflowChange((ResultWrite("step", "FAILURE", b"x"),), (part("a"),), None, (("g", 1, "more"),))

    claimed = lease.claim(
        [],
        0,
        [
            Finish(member, None, (publication("next", queue="mail"),), change),
            Bury(last, "broken", workflow=ends(part("b"))),
        ],
    )

    assert (claimed.lost, list(claimed.completing)) == ([], [])
    assert lease.holds([member, last]) == set()
    assert results.get("step") is None
    assert not results.groups.has_part(part("a"))
    assert drain(lease, ["mail"]) == ["next"]
    lease.end()
    broker.close()
    results.close()


def test_in_a_cluster_a_node_reads_again_what_it_holds_in_several_slots(location: RedisLocation) -> None:
    broker = RedisBroker(location)
    queues = [f"queue {number}" for number in range(6)]
    broker.publish([publication(queue, queue=queue) for queue in queues])
    lease = begin_lease(broker)
    deliveries = lease.claim(queues, 6).deliveries
    lost = deliveries[0]
    lease.claim([], 0, [Finish(lost.tag)])

    read = lease.reread([delivery.tag for delivery in deliveries])

    assert [(one.tag, one.task_id, one.queue) for one in read] == [
        (one.tag, one.task_id, one.queue) for one in deliveries[1:]
    ]
    lease.end()
    broker.close()


def test_in_a_cluster_a_message_is_revoked_for_another_of_its_queue(location: RedisLocation) -> None:
    broker = RedisBroker(location)
    queues = [f"queue {number}" for number in range(6)]
    broker.publish([publication(queue, queue=queue) for queue in queues])

    def instead(stored: StoredMessage) -> Publication:
        return publication(stored.task_id, queue=stored.queue, body=b"revoked")

    assert broker.admin.revoke(*queues, instead=instead) == set(queues)

    lease = broker.lease("w1@host", duration=timedelta(seconds=10))
    deliveries = lease.claim(queues, 100).deliveries
    assert [(one.task_id, one.queue) for one in sorted(deliveries, key=lambda one: one.queue)] == [
        (queue, queue) for queue in queues
    ]
    assert {one.envelope.body for one in deliveries} == {b"revoked"}
    lease.end()
    broker.close()
