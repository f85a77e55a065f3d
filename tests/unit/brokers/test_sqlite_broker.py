"""What is the SQLite broker's own: how it fails, and what it does when a commit's outcome is unknown."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sedano.brokers.settlement import Finish
from sedano.brokers.sqlite.broker import SqliteBroker
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError, ResultStoreError
from sedano.results.group_store import WorkflowChange
from sedano.results.result_write import ResultWrite
from sedano.results.sqlite.store import SqliteResultStore
from sedano.sql.sqlite_location import SqliteLocation
from sedano.sql.statements import load_statements
from sedano.testing.broker_cases.fixtures import drain, ids_of
from sedano.testing.group_store_cases import part
from sedano.testing.messages import publication

LEASE = timedelta(seconds=10)


@pytest.fixture
def location(tmp_path: Path) -> SqliteLocation:
    return SqliteLocation(path=tmp_path / "queue.db")


@pytest.fixture
def broker(location: SqliteLocation) -> Iterator[SqliteBroker]:
    broker = SqliteBroker(location, publish_timeout=timedelta(seconds=0.1))
    yield broker
    broker.close()


@contextmanager
def locked(location: SqliteLocation) -> Iterator[None]:
    """Another process holds the write lock."""
    with closing(sqlite3.connect(location.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_lock_that_is_kept_makes_the_broker_unavailable(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication("a")])

    with locked(location):
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable, match=r"The sqlite broker is unavailable: .*locked"):
            broker.publish([publication("lost")])
        with pytest.raises(BrokerUnavailable):
            broker.publish([publication("lost"), publication("lost as well")])
        assert time.monotonic() - began < 15
        assert [message.task_id for message in broker.admin.peek("celery")] == ["a"]


def test_settlements_are_repeated_after_the_broker_was_unavailable(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication("a"), publication("b")])
    lease = broker.lease("w1@host", duration=LEASE)
    (first,) = lease.claim(["celery"], 1).deliveries
    settling = [Finish(first.tag, follow_ups=(publication("next"),))]
    with locked(location), pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 1, settling)

    claimed = lease.claim(["celery"], 10, settling)

    assert (ids_of(claimed), claimed.lost) == (["b", "next"], [])


def test_claims_that_nobody_was_told_of_are_given_back(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication(name) for name in "abc"])
    lease = broker.lease("w1@host", duration=LEASE)
    (told,) = lease.claim(["celery"], 1).deliveries
    # What a commit leaves that took place although it was reported as failed:
    with closing(sqlite3.connect(location.path, isolation_level=None)) as other:
        other.execute(
            "UPDATE sedano_message SET state = 'claimed', claimed_by = ? WHERE task_id = 'b'",
            (lease.incarnation,),
        )
    with locked(location), pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 1)

    claimed = lease.claim(["celery"], 10)

    assert ids_of(claimed) == ["b", "c"]
    assert lease.holds([told.tag]) == {told.tag}


def test_a_message_that_was_kept_for_the_end_of_its_chord_is_held_on_after_an_outage(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication("a")])
    results = SqliteResultStore(location)
    results.groups.begin_chord("g", 1, expires_at=None)
    lease = broker.lease("w1@host", duration=LEASE, results=results.joint_with(broker.location))
    (kept,) = lease.claim(["celery"], 1).deliveries
    lease.claim([], 0, [Finish(kept.tag, workflow=WorkflowChange(parts=(part("a"),)))])
    broker.publish([publication("b")])
    with locked(location), pytest.raises(BrokerUnavailable):
        lease.claim(["celery"], 1)

    claimed = lease.claim(["celery"], 10)

    assert ids_of(claimed) == ["b"]
    assert lease.holds([kept.tag]) == {kept.tag}
    results.close()


def test_a_file_of_an_older_version_gets_the_tables_that_it_lacks(location: SqliteLocation) -> None:
    older = SqliteResultStore(location)
    older.put([ResultWrite("a", "SUCCESS", b"kept")])
    older.close()
    with closing(sqlite3.connect(location.path, isolation_level=None)) as other:
        for table in ("sedano_group", "sedano_chord", "sedano_chord_part"):
            other.execute(f"DROP TABLE {table}")

    results = SqliteResultStore(location)

    results.groups.begin_chord("g", 1, expires_at=None)
    assert results.groups.add_parts([part("a")]) == [True]
    assert results.get("a") == b"kept"
    results.close()


def test_a_damaged_file_is_a_clear_error(broker: SqliteBroker, location: SqliteLocation) -> None:
    location.path.write_bytes(b"no database" * 1000)

    with pytest.raises(BrokerError, match="damaged, or no SQLite database"):
        broker.publish([publication()])
    results = SqliteResultStore(location)
    with pytest.raises(ResultStoreError, match="damaged, or no SQLite database"):
        results.get("a")


def test_a_missing_directory_is_a_configuration_error(tmp_path: Path) -> None:
    location = SqliteLocation(path=tmp_path / "nowhere" / "queue.db")

    with pytest.raises(ConfigurationError, match="there is no directory"):
        SqliteBroker(location).publish([publication()])
    with pytest.raises(ConfigurationError, match="there is no directory"):
        SqliteResultStore(location).get("a")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions.")
@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_that_cannot_be_written_is_a_configuration_error(exists: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        location = SqliteLocation(path=Path(directory) / "queue.db")
        if exists:
            first = SqliteBroker(location)
            first.publish([publication()])
            first.close()
            location.path.chmod(0o444)
        Path(directory).chmod(0o555)
        try:
            with _without_the_rights_of_root(), pytest.raises(ConfigurationError, match="cannot be"):
                SqliteBroker(location).publish([publication()])
        finally:
            Path(directory).chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit.")
def test_a_disk_that_takes_no_more_makes_the_broker_unavailable_until_it_does(
    broker: SqliteBroker,
) -> None:
    resource = pytest.importorskip("resource")
    published = ["before"]
    broker.publish([publication("before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(BrokerUnavailable):
            while True:
                name = f"task {len(published)}"
                broker.publish([publication(name, body=bytes(10_000))])
                published.append(name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)

    broker.publish([publication("after")])

    assert drain(broker.lease("w1@host", duration=LEASE)) == [*published, "after"]


def test_a_message_that_cannot_be_unpacked_takes_the_way_of_a_malformed_one(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication("a")])
    with closing(sqlite3.connect(location.path, isolation_level=None)) as other:
        other.execute("UPDATE sedano_message SET envelope = ?", (b"\xff no envelope",))

    (delivery,) = broker.lease("w1@host", duration=LEASE).claim(["celery"], 1).deliveries

    assert (delivery.envelope.headers, delivery.envelope.body) == (b"", b"\xff no envelope")


def test_claims_whose_node_has_no_record_are_recovered(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    broker.publish([publication("a")])
    gone = broker.lease("w1@host", duration=LEASE)
    gone.claim(["celery"], 1)
    with closing(sqlite3.connect(location.path, isolation_level=None)) as other:
        other.execute("DELETE FROM sedano_node")
    heir = broker.lease("w2@host", duration=LEASE)

    assert heir.recover_dead() == 1
    assert drain(heir) == ["a"]


PUBLISH_UNTIL_KILLED = """
import sys, threading
from pathlib import Path
from sedano.brokers.opening import open_broker
from sedano.testing.messages import publication

broker = open_broker(f"sqlite:///{sys.argv[1]}")
names = threading.Lock()

def publish(thread):
    number = 0
    while True:
        batch = [f"{thread}-{number}"] if number % 5 else [f"{thread}-{number}", f"{thread}-{number}b"]
        broker.publish([publication(name) for name in batch])
        with names:
            print(*batch, sep="\\n", flush=True)
        number += 1

for thread in range(2):
    threading.Thread(target=publish, args=(thread,)).start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL.")
def test_every_publication_that_returned_survives_a_kill(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    published: list[str] = []
    for _ in range(5):
        command = [sys.executable, "-c", PUBLISH_UNTIL_KILLED, str(location.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as publisher:
            assert publisher.stdout is not None
            lines = [publisher.stdout.readline() for _ in range(300)]
            publisher.kill()
            lines += publisher.stdout.readlines()
        run = f"{len(published)}:"
        whole = [line.strip() for line in lines if line.endswith("\n")]
        present = drain(broker.lease("w1@host", duration=LEASE))
        assert set(whole) <= set(present)
        assert len(present) == len(set(present))
        published += [run + name for name in whole]

    assert len(published) >= 1500
    with closing(sqlite3.connect(location.path)) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)


CLAIM_UNTIL_KILLED = """
import sys
from datetime import timedelta
from sedano.brokers.opening import open_broker
from sedano.brokers.settlement import Finish
from sedano.results.opening import open_result_store
from sedano.results.result_write import ResultWrite
from sedano.testing.messages import publication

url = f"sqlite:///{sys.argv[1]}"
results = open_result_store(url)
broker = open_broker(url)
lease = broker.lease("w1@host", duration=timedelta(seconds=0.05), results=results.joint_with(broker.location))
claimed = lease.claim(["celery"], 7)
while claimed.deliveries:
    settling = [
        Finish(
            d.tag,
            ResultWrite(d.task_id, "SUCCESS", b"done"),
            (publication(f"after {d.task_id}", queue="next"),),
        )
        for d in claimed.deliveries
    ]
    claimed = lease.claim(["celery"], 7, settling)
    print(".", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL.")
def test_result_follow_up_and_removal_survive_a_kill_together_or_not_at_all(
    broker: SqliteBroker, location: SqliteLocation
) -> None:
    names = [f"task {number}" for number in range(3000)]
    broker.publish([publication(name) for name in names])

    for _ in range(4):
        command = [sys.executable, "-c", CLAIM_UNTIL_KILLED, str(location.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            for _ in range(20):
                worker.stdout.readline()
            worker.kill()

    results = SqliteResultStore(location)
    done = set(results.get_many(names))
    results.close()
    left = {message.task_id for message in broker.admin.peek("celery", limit=5000)}
    after = {message.task_id for message in broker.admin.peek("next", limit=5000)}
    assert 0 < len(done) < len(names)
    assert left == set(names) - done
    assert after == {f"after {name}" for name in done}


def test_a_wait_of_an_idle_node_costs_almost_no_processor_time(broker: SqliteBroker) -> None:
    lease = broker.lease("w1@host", duration=LEASE)
    waker = threading.Timer(1.0, lease.wake)
    waker.start()
    began = time.thread_time()

    assert lease.wait(["celery", "mail"], 20)

    assert time.thread_time() - began < 0.05
    waker.join()


@contextmanager
def _without_the_rights_of_root() -> Iterator[None]:
    """Root may write everywhere; this is done as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("statement", ["unpublished", "take_over", "published"])
def test_messages_for_another_broker_are_found_without_reading_the_whole_table(statement: str) -> None:
    database = sqlite3.connect(":memory:")
    for made in load_statements("sedano.sql", "schema.sql").values():
        database.execute(made)
    asked = load_statements("sedano.brokers.sqlite", "ticks.sql")[statement]

    plan = database.execute(
        f"EXPLAIN QUERY PLAN {asked}", {"limit": 1, "now": 0, "task_id": "a", "since": 0}
    ).fetchall()

    assert ["USING INDEX sedano_message_unpublished" in step[3] for step in plan] == [True]
    database.close()
