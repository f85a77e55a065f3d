"""Workflows in real workers: every step runs, every chord ends once, whatever dies."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from sedano import chain, chord, group, states
from sedano.exceptions import ChordError, TaskRevokedError
from sedano.worker.appetite import MOST_PER_SLOT
from tests.acceptance.workers import Journal, Worker, is_alive, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

StartWorker = Callable[..., Worker]

#: Bodies that the kill of a child may make run again: those of its last 10 ms.
SECOND_RUNS_PER_KILL = 25
#: What a killed worker of two slots held: what it had claimed, and what it had run and not yet settled.
MOST_TAKEN_OVER = 2 * 2 * MOST_PER_SLOT
TOOK_OVER = re.compile(r"Took over from a dead node: (\d+) messages")
#: What runs while all those are killed.
CHORDS = 300


#: A web process that dies after the first 500 of 1500 members.
DYING_CLIENT = """
import os, signal
from sedano import Sedano, Task, chord

server = os.environ["PROJECT_BROKER"]
app = Sedano("client", broker=server, backend=os.environ.get("PROJECT_RESULTS", server))

class Dying(Task):
    calls = 0
    def apply_async(self, *args, **kwargs):
        Dying.calls += 1
        if Dying.calls == 700:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().apply_async(*args, **kwargs)

member = app.task(base=Dying, name="project.blink")(lambda key: key)
body = app.task(name="project.total")(lambda values: sum(values))
chord([member.s(n) for n in range(1500)], body.s()).apply_async()
"""


@pytest.fixture(params=["sqlite", "redis", "apart"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Results are beside the messages; or in another place, where the two cannot be settled in one step."""
    if request.param == "apart":
        monkeypatch.setenv("PROJECT_RESULTS", f"sqlite:///{tmp_path}/results.db")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    server: RedisServer = request.getfixturevalue("server")
    return server.url


def body_runs(journal: Journal) -> int:
    return journal.counts("start")["total"]


def test_a_chain_of_500_steps_runs_in_order(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()

    result = chain(project.add.s(0, 1), *[project.add.s(1) for _ in range(499)]).apply_async()

    assert result.get(timeout=60) == 500
    assert [key for word, key, _, _ in journal.lines()][1:3] == ["add-1-1", "add-2-1"]


def test_a_group_of_20000_is_published_and_done(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    began = time.monotonic()

    result = group(project.blink.s(n) for n in range(20_000)).apply_async()
    published = time.monotonic() - began

    assert len(result) == 20_000
    wait_until(lambda: len(journal.path.read_bytes()) > 0 and result.completed_count() == 20_000, timeout=120)
    assert result.results[-1].get(timeout=1) == 19_999
    assert published < 30


def test_a_large_group_follows_a_task(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    members = group(project.add.si(n) for n in range(10_000))

    result = chain(project.add.s(1), members, project.count_values.s()).apply_async()

    assert result.get(timeout=120) == 10_000


def test_a_large_group_that_is_never_run_has_failed(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    result = chain(project.fail.s("x"), group(project.add.si(n) for n in range(10_000))).apply_async()

    wait_until(lambda: result.results[-1].state == states.FAILURE, timeout=60)
    assert {member.state for member in result} == {states.FAILURE}


def test_a_large_chord_gives_its_body_all_results_in_order(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()

    result = chord([project.add.s(n) for n in range(3000)], project.total.s()).apply_async()

    assert result.get(timeout=60) == sum(range(3000))
    assert body_runs(journal) == 1


def test_chords_in_chains_in_chords_come_to_their_end(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    add, total = project.add, project.total
    inner = chain(add.s(1, 1), chord([add.s(n) for n in range(5)], total.s()), add.s(100))

    result = chord([inner, inner, add.s(7)], total.s()).apply_async()

    assert result.get(timeout=60) == 2 * (5 * 2 + 10 + 100) + 7


def test_a_member_whose_process_is_killed_runs_again_and_its_chord_ends_once(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()
    members = [project.work.s(n, 0.5) for n in range(4)]

    result = chord(members, project.total.s()).apply_async()
    wait_until(lambda: journal.times("start", 0), what="the first member runs")
    began = journal.pids("start")
    next(p for p in worker.processes() if p.pid in began and is_alive(p)).kill()

    assert result.get(timeout=60) == 6
    assert body_runs(journal) == 1
    assert sum(journal.counts("start").values()) <= 4 + 1 + 2


def test_a_member_that_kills_its_processes_fails_its_chord_once(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    worker = start_worker("-c", "2", "task_max_crashes=1").wait_until_ready()
    body = project.total.s().on_error(project.look_at_error.s())

    result = chord([project.work.s(1), project.kill_own_process.s("x")], body).apply_async()

    wait_until(lambda: result.state == states.FAILURE, what="the chord has failed")
    assert isinstance(result.result, ChordError)
    assert "SIGKILL" in str(result.result)
    assert journal.counts("errback") == {"ChordError": 1}
    assert journal.counts("start") == {"1": 1, "x": 2}
    assert worker.stop() == 0


def test_a_node_that_is_killed_while_it_ends_a_chord_leaves_that_to_another(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    first = start_worker("-c", "2", "worker_lease=2").wait_until_ready()

    result = chord([project.add.s(n) for n in range(10)], project.slowly_begun_total.s()).apply_async()
    wait_until(lambda: journal.counts("joining"), what="the chord is being ended")
    first.kill()
    (directory / "go-on").touch()
    start_worker("-c", "2", "worker_lease=2").wait_until_ready()

    wait_until(lambda: result.state == states.SUCCESS, what="the body has run")
    assert result.result == sum(range(10))
    assert body_runs(journal) == 1
    # No member ran again.
    assert [count for key, count in journal.counts("start").items() if key.startswith("add")] == [1] * 10


def test_a_child_that_is_killed_while_it_ends_a_chord_leaves_that_to_another(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    worker = start_worker("-c", "2").wait_until_ready()

    result = chord([project.add.s(n) for n in range(10)], project.slowly_begun_total.s()).apply_async()
    wait_until(lambda: journal.counts("joining"), what="the chord is being ended")
    (pid,) = journal.pids("joining")
    os.kill(pid, signal.SIGKILL)
    (directory / "go-on").touch()

    assert result.get(timeout=60) == sum(range(10))
    assert body_runs(journal) == 1
    assert [count for key, count in journal.counts("start").items() if key.startswith("add")] == [1] * 10
    assert worker.stop() == 0


def test_a_member_that_is_replayed_after_its_chords_end_runs_and_starts_no_second_body(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    start_worker("-c", "2").wait_until_ready()
    body = project.total.s().on_error(project.look_at_error.s())
    result = chord([project.add.s(1), project.refuse_until_go_on.s(5)], body).apply_async()
    wait_until(lambda: result.state == states.FAILURE, what="the chord has failed")
    admin = project.app.broker.admin
    wait_until(admin.dead_letters, what="the member is among the dead letters")

    (directory / "go-on").touch()
    admin.replay([letter.key for letter in admin.dead_letters()])

    member_id = result.parent[1].id  # a result that has seen a failure does not look again
    wait_until(lambda: project.app.AsyncResult(member_id).successful(), what="the member has run again")
    wait_until(lambda: project.app.broker.admin.queues() == [], what="all is done")
    assert result.state == states.FAILURE
    assert journal.counts("errback") == {"ChordError": 1}
    assert journal.counts("start") == {"add-1-0": 1, "5": 2}


def test_of_a_chord_whose_client_was_killed_while_it_published_no_body_is_run(
    project: ModuleType, journal: Journal, start_worker: StartWorker, directory: Path
) -> None:
    client = subprocess.run([sys.executable, "-c", DYING_CLIENT], cwd=directory, check=False)
    assert client.returncode == -signal.SIGKILL

    worker = start_worker("-c", "2").wait_until_ready()

    wait_until(lambda: len(journal.counts("done")) == 500, what="the members that were published have run")
    result = chord([project.add.s(n) for n in range(5)], project.total.s()).apply_async()
    assert result.get(timeout=60) == sum(range(5))
    assert body_runs(journal) == 1
    assert worker.stop() == 0


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_member_that_never_runs_fails_its_chord_and_the_steps_after_it(
    project: ModuleType, journal: Journal, start_worker: StartWorker, how: str
) -> None:
    first = project.add.s(5).set(expires=-1) if how == "expired" else project.add.s(5)
    steps = chain(first, project.add.s(1))
    body = project.total.s().on_error(project.look_at_error.s())
    result = chord([project.add.s(1), steps], body).apply_async()
    later = result.parent[1]
    if how == "revoked":
        later.parent.revoke()
    start_worker("-c", "2").wait_until_ready()

    wait_until(lambda: result.state == states.FAILURE, what="the body was told")
    assert isinstance(result.result, ChordError)
    assert later.state == states.REVOKED
    assert isinstance(later.result, TaskRevokedError)
    assert journal.counts("errback") == {"ChordError": 1}
    assert journal.counts("start") == {"add-1-0": 1}


def test_a_failing_member_calls_its_errback_and_that_of_the_body_exactly_once(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("-c", "2").wait_until_ready()
    member = project.fail.s("x").on_error(project.hear_of_error.s())
    body = project.total.s().on_error(project.look_at_error.s())

    result = chord([project.add.s(1), member, project.add.s(2)], body).apply_async()

    wait_until(lambda: len(journal.counts("errback")) == 2, what="both errbacks were called")
    wait_until(lambda: result.state == states.FAILURE, what="the body was told")
    assert journal.counts("errback") == {result.parent[1].id: 1, "ChordError": 1}
    assert body_runs(journal) == 0


def test_every_chord_ends_though_workers_and_children_are_killed_again_and_again(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    chords = [
        chain(
            project.add.s(n),
            chord([project.add.s(1), project.work.si(n, 0.05), project.add.s(2)], project.total.s()),
            project.add.s(1000),
        ).apply_async()
        for n in range(CHORDS)
    ]
    chance, kills = random.Random(7), 0
    workers = [start_worker("-c", "2", "worker_lease=1.5").wait_until_ready() for _ in range(2)]
    started = [*workers]

    while (goal := len(journal.lines()) + 100) < 7 * CHORDS:
        wait_until(lambda goal=goal: len(journal.lines()) >= goal, what="progress")
        number = chance.randrange(2)
        if kills % 3 == 0:
            workers[number].kill()
            workers[number] = start_worker("-c", "2", "worker_lease=1.5").wait_until_ready()
            started.append(workers[number])
        else:
            children = [p for p in workers[number].processes() if p.pid in journal.pids("start")]
            for child in children[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        kills += 1

    # n, then n+1, n and n+2, then their sum and a thousand.
    assert [one.get(timeout=60) for one in chords] == [3 * n + 3 + 1000 for n in range(CHORDS)]
    assert kills >= 4
    taken_over = [int(count) for worker in started for count in TOOK_OVER.findall(worker.text())]
    assert body_runs(journal) <= CHORDS + kills * SECOND_RUNS_PER_KILL + sum(taken_over)
    assert max(taken_over) <= MOST_TAKEN_OVER
    assert [worker.stop() for worker in workers] == [0, 0]


def test_a_worker_that_drains_hands_its_chord_to_another(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    first = start_worker("-c", "2").wait_until_ready()

    result = chord([project.work.s(n, 1.0) for n in range(6)], project.total.s()).apply_async()
    wait_until(lambda: len(journal.counts("start")) >= 2, what="members run")
    first.signal(signal.SIGTERM)
    start_worker("-c", "2").wait_until_ready()

    assert first.wait() == 0
    assert result.get(timeout=60) == 15
    assert body_runs(journal) == 1
    assert sum(journal.counts("start").values()) == 7


def test_a_draining_worker_leaves_the_body_to_another(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    first = start_worker("-c", "2").wait_until_ready()

    result = chord([project.work.s(n, 1.5) for n in range(2)], project.total.s()).apply_async()
    wait_until(lambda: len(journal.counts("start")) == 2, what="both members run")
    # Both end while it drains: the last of them completes the chord where no child starts anything more.
    assert first.stop() == 0
    assert journal.counts("done") == {"0": 1, "1": 1}
    start_worker("-c", "2").wait_until_ready()

    assert result.get(timeout=60) == 1
    assert sum(journal.counts("start").values()) == 3


def test_the_solo_pool_runs_workflows_too(
    project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    start_worker("--pool", "solo", PROJECT_WITHOUT_LIMITS="1").wait_until_ready()

    result = (chord([project.add.s(n) for n in range(5)], project.total.s()) | project.add.s(1)).apply_async()

    assert result.get(timeout=60) == 11
