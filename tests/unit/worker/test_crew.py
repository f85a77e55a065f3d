"""Who of the children does what: placing, recalling, limiting, replacing. No process is forked: the tests
hold the children's ends of the channels."""

import signal
from collections.abc import Callable, Iterator

import pytest

from sedano.brokers.settlement import Finish, Record, Requeue, Settlement
from sedano.execution.ending import TimedOut
from sedano.execution.executed import Executed
from sedano.execution.job import Job
from sedano.execution.slot_kind import SlotKind
from sedano.testing.clock import ManualClock
from sedano.worker import frames
from sedano.worker.channel import Channel
from sedano.worker.child_link import ChildLink, Stage
from sedano.worker.crew import GIVE_BACK_AFTER, RECALL_AFTER, Crew
from sedano.worker.endings import Endings
from sedano.worker.frames import Frame, Hello, Report
from sedano.worker.permits import PermitReader
from sedano.worker.roster import LONGEST_START
from sedano.worker.verdict_results import VerdictResults
from tests.unit.worker.conftest import job, plan, traits


class FakeChild:
    """The other end of a ``ChildLink``, as a child would hold it."""

    def __init__(self, link: ChildLink) -> None:
        self.link = link
        self.channel = Channel(link.childs_end.dup())
        self.sides = {kind: Channel(side.childs_end.dup()) for kind, side in link.sides.items()}
        self.permits = PermitReader(link.permits.reader)

    def say_hello(self) -> None:
        self.channel.send(frames.encode(Hello(self.link.pid or 0)))

    def next_frame(self) -> Frame:
        message = self.channel.receive()
        assert message is not None
        return frames.decode_frame(message)

    def report(self, *jobs: Job, runtime: float = 0.0001) -> None:
        executed = [Executed(j.delivery.tag, Finish(j.delivery.tag), runtime) for j in jobs]
        self.channel.send(frames.encode(Report(executed)))


class Handful:
    """Forks nothing: hands out the other ends, and notes the signals that were asked for."""

    def __init__(self) -> None:
        self.children: list[FakeChild] = []
        self.kills: list[tuple[int, int]] = []

    def fork(self, child: ChildLink) -> None:
        child.pid = 1000 + child.number
        self.children.append(FakeChild(child))
        child.forget_childs_ends()

    def kill(self, pid: int, number: int) -> None:
        self.kills.append((pid, number))


class Scene:
    """A crew with its children ready, and what it settled."""

    def __init__(self, **changes: object) -> None:
        made = plan(**changes)
        clock = ManualClock()
        self.zygote = Handful()
        self.settled: list[Settlement] = []
        self.crew = Crew(
            made,
            endings=Endings(made, results=VerdictResults(made, clock=clock), clock=clock),
            settle=self.settled.extend,
            watch=lambda child: None,
            unwatch=lambda child: None,
        )
        self.now = 100.0
        self.crew.roster.staff(self.zygote, self.now)
        self.welcome()

    def welcome(self) -> None:
        for child in self.zygote.children:
            if child.link.stage is Stage.STARTING:
                child.say_hello()
                self.hear(child)

    def hear(self, child: FakeChild) -> None:
        self.crew.hear(child.link, child.link.read(), self.now)

    def give(self, *jobs: Job) -> None:
        self.crew.take_in(list(jobs), self.now)
        self.crew.place(self.now)

    def make_short(self, task: str = "short") -> None:
        for _ in range(40):
            self.crew.pace.note(task, 0.0)

    def wanted(self, kind: SlotKind = "prefork") -> int:
        return self.crew.wanted(self.now).get(kind, 0)

    def in_flight(self) -> list[list[int]]:
        return [[j.delivery.tag for j, _ in child.in_flight] for child in self.crew.children]

    def close(self) -> None:
        for child in self.zygote.children:
            child.channel.close()
            for side in child.sides.values():
                side.close()
            child.link.close()


@pytest.fixture
def set_scene() -> Iterator[Callable[..., Scene]]:
    """Makes scenes with other plans; closes them at the end."""
    scenes: list[Scene] = []

    def make(**changes: object) -> Scene:
        scenes.append(Scene(**changes))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.close()


@pytest.fixture
def scene(set_scene: Callable[..., Scene]) -> Scene:
    return set_scene()


def test_only_the_child_that_gets_the_next_job_is_told_to_be_awake(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(concurrency=3)
    busy, first, second = scene.zygote.children
    scene.give(job(1))

    scene.crew.rouse()
    scene.give(job(2))

    assert [j.delivery.tag for j in busy.next_frame().jobs] == [1]
    assert first.channel.receive() == frames.HEADS_UP
    assert [j.delivery.tag for j in first.next_frame().jobs] == [2]
    assert second.link.idle


def test_tasks_of_unknown_duration_travel_alone(scene: Scene) -> None:
    scene.give(*(job(n) for n in range(1, 5)))

    assert scene.in_flight() == [[1], [2]]
    assert len(scene.crew.backlog) == 2


def test_short_tasks_share_a_frame_and_are_spread_over_idle_children(scene: Scene) -> None:
    scene.make_short()

    scene.give(*(job(n) for n in range(1, 9)))

    assert scene.in_flight() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_busy_child_gets_a_second_frame_of_short_tasks(scene: Scene) -> None:
    scene.make_short()
    scene.give(job(1), job(2))

    scene.give(job(3))

    assert sum(len(tags) for tags in scene.in_flight()) == 3


def test_nothing_is_given_to_a_child_that_runs_a_task_of_unknown_duration(scene: Scene) -> None:
    scene.make_short()
    scene.give(job(1, "long"), job(2, "long"))

    scene.give(job(3))

    assert scene.in_flight() == [[1], [2]]


def test_a_frame_that_makes_no_progress_is_recalled_and_goes_to_the_free_child(scene: Scene) -> None:
    scene.make_short()
    scene.give(*(job(n) for n in range(1, 5)))
    first, second = scene.zygote.children
    frame = first.next_frame()
    assert first.permits.take() == frame.number
    second.report(job(3), job(4))
    scene.hear(second)

    scene.now += RECALL_AFTER
    scene.crew.tick(scene.now)
    scene.crew.place(scene.now)

    assert scene.in_flight() == [[1], [2]]
    assert first.permits.take() is None


def test_jobs_that_find_no_slot_go_back_to_the_broker(scene: Scene) -> None:
    scene.give(job(1, "long"), job(2, "long"), job(3), job(4))

    scene.crew.tick(scene.now)
    assert scene.settled == []
    scene.now += GIVE_BACK_AFTER * 1.01
    scene.crew.tick(scene.now)

    assert scene.settled == [Requeue(3, begun=False), Requeue(4, begun=False)]


def test_as_many_are_wanted_as_slots_are_free_and_none_while_all_are_busy(scene: Scene) -> None:
    assert scene.wanted() == 2

    scene.give(job(1, "long"))
    assert scene.wanted() == 1

    scene.give(job(2, "long"))
    assert scene.wanted() == 0


def test_look_ahead_counts_what_is_already_here(scene: Scene) -> None:
    scene.make_short()
    ahead = scene.wanted()

    scene.give(*(job(n) for n in range(1, 21)))

    assert ahead > 20
    assert scene.wanted() == ahead - 20


def test_coroutine_tasks_go_to_the_loops_up_to_their_number(scene: Scene) -> None:
    scene.give(job(1, "long"), job(2, "long"))

    scene.give(*(job(n, "nap", slot="asyncio") for n in range(10, 20)))

    assert [len(child.sides["asyncio"].running) for child in scene.crew.children] == [3, 3]
    assert len(scene.crew.backlogs["asyncio"]) == 4
    assert scene.wanted("asyncio") == 0


def test_a_hard_limit_kills_the_child_when_it_passes(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(tasks={"short": traits()})
    scene.give(job(1, time_limit=5.0))
    scene.zygote.children[0].permits.take()

    deadline = scene.crew.tick(scene.now)
    scene.now += 5.0
    scene.crew.tick(scene.now)

    assert deadline == 105.0
    assert scene.zygote.kills == [(1000, signal.SIGKILL)]
    scene.crew.bury(scene.crew.children[0], -9, 0, scene.now)
    assert scene.settled == []
    scene.crew.place(scene.now)
    told = scene.crew.children[0].running
    assert told is not None
    assert told.ending == TimedOut(5.0)


def test_a_soft_limit_is_signalled_once(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene()
    scene.give(job(1, soft_time_limit=1.0))

    for _ in range(3):
        scene.now += 1.0
        scene.crew.tick(scene.now)

    assert scene.zygote.kills == [(1000, signal.SIGUSR1)]


def test_a_dead_child_leaves_its_unstarted_jobs_to_others_and_is_replaced(scene: Scene) -> None:
    scene.make_short()
    scene.give(*(job(n) for n in range(1, 5)))
    first, second = scene.zygote.children
    first.permits.take()
    second.report(job(3), job(4))
    scene.hear(second)
    scene.settled.clear()

    scene.crew.bury(first.link, -signal.SIGSEGV, 1024, scene.now)
    scene.crew.place(scene.now)
    scene.crew.roster.staff(scene.zygote, scene.now)

    (crashed,) = scene.settled
    assert isinstance(crashed, Requeue)
    assert (crashed.tag, crashed.crashed) == (1, True)
    assert scene.in_flight() == [[2], []]
    assert len(scene.crew.children) == 2


def test_a_child_that_died_between_jobs_has_no_suspect(scene: Scene) -> None:
    scene.make_short()
    scene.give(job(1))
    first = scene.zygote.children[0]

    scene.crew.bury(first.link, -9, 0, scene.now)

    assert scene.settled == []
    assert len(scene.crew.backlog) == 1


def test_the_successor_is_ready_before_the_old_child_leaves(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(concurrency=1, max_tasks_per_child=2)
    old = scene.zygote.children[0]
    for n in (1, 2):
        scene.give(job(n))
        old.next_frame()
        old.permits.take()
        old.report(job(n))
        scene.hear(old)

    scene.give(job(3))
    assert old.link.stage is Stage.WORKING
    assert len(scene.crew.backlog) == 1
    scene.welcome()
    scene.crew.place(scene.now)

    assert old.link.stage is Stage.RETIRING
    assert [child.in_flight[0][0].delivery.tag for child in scene.crew.children if child.in_flight] == [3]
    with pytest.raises(EOFError):
        old.permits.take()


def test_no_child_is_given_more_than_its_number_of_tasks(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(concurrency=1, max_tasks_per_child=3)
    scene.make_short()

    scene.give(*(job(n) for n in range(1, 9)))

    assert scene.in_flight()[0] == [1, 2, 3]


def test_children_that_die_at_birth_are_tried_again_ever_more_slowly(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(concurrency=1)
    waits = []
    scene.zygote.children[0].link.stage = Stage.STARTING
    for _ in range(3):
        scene.crew.bury(scene.crew.children[0], 1, 0, scene.now)
        began = scene.now
        while not scene.crew.children:
            scene.now += 0.25
            scene.crew.roster.staff(scene.zygote, scene.now)
        waits.append(scene.now - began)

    assert waits == [0.5, 1.0, 2.0]


def test_a_child_that_never_says_hello_is_ended(set_scene: Callable[..., Scene]) -> None:
    scene = set_scene(concurrency=1)
    (child,) = scene.crew.children
    child.stage = Stage.STARTING

    scene.crew.tick(child.forked_at + LONGEST_START - 1)
    assert scene.zygote.kills == []
    scene.crew.tick(child.forked_at + LONGEST_START)

    assert scene.zygote.kills == [(1000, signal.SIGKILL)]


def test_large_messages_do_not_share_a_frame(scene: Scene) -> None:
    scene.make_short()
    large = [job(n, args=("x" * 200_000,)) for n in range(1, 5)]

    scene.give(*large)

    assert scene.in_flight() == [[1, 3], [2, 4]] or scene.in_flight() == [[1], [2]]


def test_draining_gives_back_what_has_not_begun_and_lets_idle_children_go(scene: Scene) -> None:
    scene.make_short()
    scene.give(*(job(n) for n in range(1, 4)))
    first, second = scene.zygote.children
    first.permits.take()

    scene.crew.drain()

    assert sorted(s.tag for s in scene.settled if s.tag) == [2, 3]
    assert scene.in_flight() == [[1], []]
    assert scene.wanted() == 0
    with pytest.raises(EOFError):
        second.permits.take()


def test_progress_does_not_put_the_time_limit_off(scene: Scene) -> None:
    scene.give(job(1, time_limit=5.0))
    first = scene.zygote.children[0]
    progress = Executed(1, Record(1), final=False)

    for _ in range(5):
        scene.now += 1.0
        first.channel.send(frames.encode(Report([progress])))
        scene.hear(first)
        scene.crew.tick(scene.now)

    assert scene.settled == [Record(1)] * 5
    assert scene.zygote.kills == [(1000, signal.SIGKILL)]


def test_a_lost_lease_ends_what_runs_and_settles_nothing(scene: Scene) -> None:
    scene.give(job(1), job(2), job(3))

    scene.crew.forget_everything()
    for child in list(scene.crew.children):
        scene.crew.bury(child, -9, 0, scene.now)

    assert scene.settled == []
    assert len(scene.zygote.kills) == 2


def test_what_a_child_reports_while_it_is_being_forgotten_counts_for_nothing(scene: Scene) -> None:
    scene.give(job(1))
    first = scene.zygote.children[0]

    scene.crew.forget_everything()
    first.report(job(1))
    scene.hear(first)

    assert scene.settled == []
