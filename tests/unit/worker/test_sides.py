"""Slots beside the main thread: what children's threads and event loops are given, and what becomes of it."""

import signal
from collections.abc import Callable, Iterator

import pytest

from sedano.brokers.settlement import Finish, Requeue
from sedano.execution.ending import TimedOut
from sedano.execution.executed import Executed
from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.worker import frames
from sedano.worker.child_link import Stage
from sedano.worker.crew import GIVE_BACK_AFTER
from sedano.worker.frames import Report
from sedano.worker.time_limits import SIDE_GRACE
from tests.unit.worker.conftest import job
from tests.unit.worker.test_crew import FakeChild, Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def set_scene() -> Iterator[MakeScene]:
    scenes: list[Scene] = []

    def make(**changes: object) -> Scene:
        scenes.append(Scene(**changes))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.close()


def threaded(first: int, last: int, **fields: object) -> list[Job]:
    return [job(n, slot="threads", **fields) for n in range(first, last + 1)]


def running(scene: Scene, kind: SlotKind = "threads") -> list[list[int]]:
    return [sorted(c.sides[kind].running) for c in scene.crew.children if kind in c.sides]


def report(scene: Scene, child: FakeChild, *jobs: Job, outgrown: bool = False) -> None:
    executed = [Executed(j.delivery.tag, Finish(j.delivery.tag), 0.01) for j in jobs]
    child.sides["threads"].send(frames.encode(Report(executed, outgrown)))
    scene.crew.hear_side(child.link, "threads", child.link.sides["threads"].read())


def test_threads_get_as_many_jobs_as_there_are_threads(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4})

    scene.give(*threaded(1, 6))

    assert running(scene) == [[1, 2, 3, 4]]
    assert len(scene.crew.backlogs["threads"]) == 2
    assert scene.wanted("threads") == 0
    assert scene.crew.running_tags() == {1, 2, 3, 4}


def test_a_thread_that_is_free_again_is_wanted_for(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4})
    jobs = threaded(1, 4)
    scene.give(*jobs)

    report(scene, scene.zygote.children[0], jobs[1])

    assert scene.settled == [Finish(2)]
    assert scene.wanted("threads") == 1


def test_jobs_that_come_together_travel_together(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4})

    scene.give(*threaded(1, 3))

    message = scene.zygote.children[0].sides["threads"].receive()
    assert message is not None
    assert [j.delivery.tag for j in frames.decode_frame(message).jobs] == [1, 2, 3]


def test_each_kind_of_slot_has_children_of_its_own(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"prefork": 2, "threads": 4, "asyncio": 5})

    scene.give(job(1), *threaded(2, 3), job(4, "nap", slot="asyncio"))

    assert [child.post.name for child in scene.crew.children] == ["prefork", "prefork", "threads", "asyncio"]
    assert scene.in_flight() == [[1], [], [], []]
    assert running(scene) == [[2, 3]]
    assert running(scene, "asyncio") == [[4]]
    assert scene.crew.wanted(scene.now) == {"prefork": 1, "threads": 2, "asyncio": 4}


def test_functions_for_processes_wait_for_those_and_not_for_threads(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"prefork": 1, "threads": 4})

    scene.give(job(1), job(2))

    assert scene.in_flight() == [[1], []]
    assert running(scene) == [[]]
    scene.now += GIVE_BACK_AFTER * 1.01
    scene.crew.tick(scene.now)
    assert scene.settled == [Requeue(2, begun=False)]


def test_all_that_ran_in_the_threads_of_a_dead_child_are_suspects(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4})
    scene.give(*threaded(1, 3))

    scene.crew.bury(scene.crew.children[0], -signal.SIGSEGV, 0, scene.now)

    assert [(s.tag, s.crashed) for s in scene.settled if isinstance(s, Requeue)] == [
        (1, True),
        (2, True),
        (3, True),
    ]


def test_a_thread_that_outlives_its_hard_limit_costs_the_child_but_not_its_other_tasks(
    set_scene: MakeScene,
) -> None:
    scene = set_scene(pools={"threads": 4})
    scene.give(*threaded(1, 1, time_limit=5.0), *threaded(2, 3))

    scene.now += 5.0 + SIDE_GRACE - 0.1
    assert scene.crew.tick(scene.now) == pytest.approx(100.0 + 5.0 + SIDE_GRACE)
    assert scene.zygote.kills == []
    scene.now += 0.1
    scene.crew.tick(scene.now)
    scene.crew.bury(scene.crew.children[0], -9, 0, scene.now)

    assert scene.zygote.kills == [(1000, signal.SIGKILL)]
    assert scene.settled == [Requeue(2), Requeue(3)]
    (told,) = scene.crew.backlogs["threads"].take_all()
    assert told.ending == TimedOut(5.0)


def test_coroutines_beside_a_function_that_overran_run_again(set_scene: MakeScene) -> None:
    scene = set_scene(concurrency=1)
    scene.give(job(1, time_limit=5.0), job(2, "nap", slot="asyncio"))
    scene.zygote.children[0].permits.take()

    scene.now += 5.0
    scene.crew.tick(scene.now)
    scene.crew.bury(scene.crew.children[0], -9, 0, scene.now)

    assert scene.settled == [Requeue(2)]


def test_a_child_of_threads_gets_no_more_than_its_number_of_tasks(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4}, max_tasks_per_child=3)
    jobs = threaded(1, 6)

    scene.give(*jobs)
    old = scene.zygote.children[0]
    report(scene, old, jobs[0])
    scene.welcome()
    scene.crew.place(scene.now)

    # Two still run in the old child: the new one has room for two until they end.
    assert old.link.stage is Stage.RETIRING
    assert running(scene) == [[2, 3], [4, 5]]
    report(scene, old, *jobs[1:3])
    scene.crew.place(scene.now)
    with pytest.raises(EOFError):
        old.permits.take()
    assert running(scene)[1] == [4, 5, 6]


def test_a_child_that_has_outgrown_its_memory_is_replaced(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 4})
    (one,) = jobs = threaded(1, 1)
    scene.give(*jobs)
    old = scene.zygote.children[0]

    report(scene, old, one, outgrown=True)
    scene.welcome()

    assert old.link.stage is Stage.RETIRING
    assert len(scene.zygote.children) == 2


def test_draining_gives_back_what_waits_and_lets_threads_finish(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 2})
    jobs = threaded(1, 3)
    scene.give(*jobs)
    child = scene.zygote.children[0]

    scene.crew.drain()
    assert scene.settled == [Requeue(3, begun=False)]
    assert child.permits.take() is None
    report(scene, child, *jobs[:2])

    with pytest.raises(EOFError):
        child.permits.take()
    assert scene.crew.wanted(scene.now) == {}


def test_a_lost_lease_ends_threads_and_settles_nothing(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"threads": 2})
    scene.give(*threaded(1, 3))

    scene.crew.forget_everything()
    scene.crew.bury(scene.crew.children[0], -9, 0, scene.now)

    assert scene.settled == []
    assert scene.zygote.kills == [(1000, signal.SIGKILL)]


def test_only_the_children_that_are_missing_are_forked(set_scene: MakeScene) -> None:
    scene = set_scene(pools={"prefork": 2, "threads": 2})

    scene.crew.bury(scene.crew.children[2], -9, 0, scene.now)
    assert not scene.crew.roster.is_complete
    scene.crew.roster.staff(scene.zygote, scene.now)

    assert [child.post.name for child in scene.crew.children] == ["prefork", "prefork", "threads"]
