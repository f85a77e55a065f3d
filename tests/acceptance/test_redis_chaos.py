"""Everything dies, again and again, while tasks are published: none is lost, none runs twice without need."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sedano import AsyncResult
from tests.acceptance.chaos import Customers, Outage, Record, needless, runs_of
from tests.acceptance.workers import Journal, Worker, is_alive, wait_until
from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

StartWorker = Callable[..., Worker]

ORDERS = 2000
#: What is killed, in a random order, each after some progress.
TROUBLE = [*["worker"] * 5, *["server"] * 3, *["child"] * 20]
#: Seconds.
FROZEN_FOR = 20.0
#: Within this a worker works again when its server is back: 5 seconds, and as much for a busy machine.
RESUMED = 10.0
#: Tasks that a kill may make run again: with two slots, those running and those not yet reported.
SECOND_RUNS = {"worker": 8, "server": 0, "child": 3, "frozen": 8}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.stop()


@pytest.fixture
def broker_url(server: RedisServer) -> str:
    return server.url


class Havoc:
    """The test's own part: it kills, and sees to it that what was killed is started again."""

    def __init__(
        self,
        server: RedisServer,
        journal: Journal,
        start_worker: StartWorker,
        customers: Customers,
        chance: random.Random,
    ) -> None:
        self._server = server
        self._journal = journal
        self._start_worker = start_worker
        self._customers = customers
        self._chance = chance
        self.record = Record()
        self.workers = [self._start() for _ in range(2)]
        #: From the server's return to the end of the next task, of each outage.
        self.resumed: list[float] = []

    def done(self) -> int:
        """How many runs have come to their end; counted as text, because this is asked all the time."""
        try:
            return self._journal.path.read_bytes().count(b"done ")
        except FileNotFoundError:
            return 0

    def let_work_go_on(self, tasks: int) -> None:
        goal = self.done() + tasks
        wait_until(lambda: self.done() >= goal or self._customers.are_done, what="progress")

    def kill(self, what: str) -> None:
        {"worker": self.kill_worker, "server": self.kill_server, "child": self.kill_child}[what]()

    def kill_worker(self) -> None:
        number = self._chance.randrange(len(self.workers))
        worker = self.workers[number]
        pids = [process.pid for process in worker.processes()]
        self.record.died(pids)
        worker.kill()
        self.workers[number] = self._start()

    def kill_server(self) -> None:
        refused = len(self._customers.refused)
        outage = Outage(time.time())
        self.record.outages.append(outage)
        self._server.kill()
        wait_until(
            lambda: len(self._customers.refused) > refused or self._customers.are_done, what="a refused order"
        )
        self._server.start()
        outage.ended = time.time()
        before = self.done()
        wait_until(lambda: self.done() > before, what="work goes on")
        self.resumed.append(time.time() - outage.ended)

    def kill_child(self) -> None:
        wait_until(self._killed_child, what="a child to kill")

    def _killed_child(self) -> bool:
        began = self._journal.pids("start")
        alive = [
            process
            for worker in self.workers
            for process in worker.processes()
            if process.pid in began and is_alive(process)
        ]
        if alive:
            victim = self._chance.choice(alive)
            self.record.died([victim.pid])
            victim.kill()
        return bool(alive)

    def _start(self) -> Worker:
        return self._start_worker("-c", "2").wait_until_ready()


def test_nothing_is_lost_whatever_dies(
    server: RedisServer, project: ModuleType, journal: Journal, start_worker: StartWorker
) -> None:
    chance = random.Random(11)

    def order(number: int) -> AsyncResult:
        if chance.random() < 0.5:
            return project.blink.delay(number)
        return project.work.delay(number, chance.uniform(0.01, 0.15))

    customers = Customers(order, orders=ORDERS)
    havoc = Havoc(server, journal, start_worker, customers, random.Random(12))
    cold = start_worker("-c", "2", "-n", "cold").wait_until_ready()
    customers.start()
    pids = {process.pid for process in cold.processes()}
    wait_until(lambda: journal.pids("start") & pids, what="the one to be frozen works")

    frozen_at = time.monotonic()
    havoc.record.died(pids)
    cold.signal_group(signal.SIGSTOP)
    for what in random.Random(13).sample(TROUBLE, len(TROUBLE)):
        havoc.let_work_go_on(40)
        havoc.kill(what)
    wait_until(lambda: time.monotonic() >= frozen_at + FROZEN_FOR, what="it was frozen long enough")
    cold.signal_group(signal.SIGCONT)
    wait_until(lambda: "took this one for dead" in cold.text(), what="it knows that it lost")
    wait_until(lambda: customers.are_done, what="everything was ordered")
    results = list(customers.accepted.values())
    wait_until(lambda: all(result.successful() for result in results), what="every result is stored")

    runs = runs_of(journal)
    extra = sum(len(of_one) - 1 for of_one in runs.values())
    print(f"{len(customers.refused)} refused, {extra} second runs, resumed after {havoc.resumed}")
    assert set(customers.accepted) <= set(runs)
    for key, of_one in runs.items():
        # A call that met an outage may have published twice: its first try was carried out, and not answered.
        if not havoc.record.cut_off(*customers.calls[key]):
            assert needless(of_one, havoc.record) == [], havoc.record
    assert extra <= sum(SECOND_RUNS[what] for what in [*TROUBLE, "frozen"])
    assert max(havoc.resumed) < RESUMED
    admin = project.app.broker.admin
    wait_until(lambda: not admin.depth("celery").claimed, what="nothing is claimed")
    wait_until(lambda: len(admin.nodes()) == 3, what="the dead are forgotten")
    assert admin.dead_letters() == []
    assert [worker.stop() for worker in [*havoc.workers, cold]] == [0, 0, 0]
    assert admin.nodes() == []
