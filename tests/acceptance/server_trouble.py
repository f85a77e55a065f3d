"""What may happen to a server or to the network before it, whichever server it is, and how workers are asked.

Used by the tests of workers whose Redis or RabbitMQ has trouble.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from tests.acceptance.workers import Journal, Worker, wait_until
from tests.servers.tcp_proxy import TcpProxy

StartWorker = Callable[..., Worker]

#: Within this a worker works again when its server is back: 5 seconds, and as much for a busy machine.
RESUMED: Final = 10.0

#: Has something happen to a server, and to the network before it.
Happening = Callable[[Any, TcpProxy], object]


@dataclass(frozen=True)
class Trouble:
    """How it begins, and how it ends."""

    begin: Happening
    end: Happening


def lose_the_network(server: object, network: TcpProxy) -> None:
    """Connections are reset, and no new ones can be had."""
    network.hold()
    network.cut()


#: What may happen to any server for a while.
TROUBLES: Final[dict[str, Trouble]] = {
    "killed": Trouble(lambda server, _: server.kill(), lambda server, _: server.start()),
    "frozen": Trouble(lambda server, _: server.freeze(), lambda server, _: server.thaw()),
    "behind a black hole": Trouble(lambda _, network: network.hold(), lambda _, network: network.go_on()),
    "cut off": Trouble(lose_the_network, lambda _, network: network.go_on()),
}


def seconds_until_work_goes_on(project: ModuleType, key: str) -> float:
    """Publish a task, and see how long its result takes to come."""
    began = time.monotonic()
    assert project.work.delay(key).get(timeout=60) == key
    took = time.monotonic() - began
    print(f"resumed after {took:.2f} s")
    return took


def outlive_moments(
    project: ModuleType, journal: Journal, start_worker: StartWorker, happen: Callable[[], object]
) -> None:
    """Have something happen to a worker that is busy, and again when it is idle: it goes on."""
    worker = start_worker("-c", "2").wait_until_ready()
    slow = project.work.delay("slow", 0.5)
    wait_until(lambda: journal.counts("start"), what="a task runs")

    happen()
    took = seconds_until_work_goes_on(project, "after")
    assert slow.get(timeout=20) == "slow"
    happen()

    assert max(took, seconds_until_work_goes_on(project, "again")) < RESUMED
    assert worker.stop() == 0
