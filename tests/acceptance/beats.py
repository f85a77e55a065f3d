"""Projects with an entry that is due every second, real schedulers for them, and what becomes of its runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import UUID

from sedano.brokers.broker import Broker
from sedano.brokers.opening import open_broker
from sedano.brokers.ticks import EntryState, TickStore
from tests.acceptance.django_shop import Shop
from tests.acceptance.workers import Worker, wait_until

PROJECT = """
import os
from sedano import Sedano

app = Sedano(
    "scheduled", broker=os.environ["PROJECT_BROKER"], backend=os.environ.get("PROJECT_RESULTS")
)
app.conf.broker_publish_timeout = float(os.environ.get("PROJECT_PUBLISH_TIMEOUT", "2"))
every = float(os.environ.get("PROJECT_EVERY", "1"))
app.conf.beat_schedule = {
    f"tick{number or ''}": {"task": "scheduled.tick", "schedule": every}
    for number in range(int(os.environ.get("PROJECT_ENTRIES", "1")))
}


@app.task
def tick():
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write("tick\\n")
"""
OF_PROJECT: Final = ("sedano", "-A", "scheduled", "beat")
OF_SITE: Final = ("django", "sedano", "beat")

#: The same entry in a site's database.
SAVE_ENTRY: Final = """
from sedano.contrib.django.models import PeriodicTask
PeriodicTask.objects.create(name="tick", task="shop.tasks.count_orders", every=1, period="seconds")
"""

#: Schedulers at any time, and how many of them are killed, at equal distances.
SCHEDULERS: Final = 5
KILLS: Final = 5


class Beat(Worker):
    """One ``sedano beat`` in a process group of its own."""

    def __init__(
        self, directory: Path, *, module: tuple[str, ...] = OF_PROJECT, env: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.log = directory / f"beat-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module, "-l", "INFO"],
                cwd=directory,
                env={**os.environ, **(env or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_up(self) -> bool:
        assert self.process.poll() is None, self.text()
        return "sedano beat" in self.text()

    @property
    def waits(self) -> bool:
        """Whether the broker is away, by the last that it said: who still waits does not say it again."""
        said = self.text()
        return said.rfind("Trying again") > said.rfind("Sending due task")

    @property
    def started(self) -> int:
        """How many runs it has started."""
        return self.text().count("Sending due task tick")


@dataclass
class Place:
    """A project whose runs are claimed and published somewhere; its schedulers end with it."""

    folder: Path
    broker: Broker
    claims: TickStore
    env: Mapping[str, str]
    module: tuple[str, ...] = OF_PROJECT
    beats: list[Beat] = field(default_factory=list)

    def start_beat(self) -> Beat:
        self.beats.append(Beat(self.folder, module=self.module, env=self.env))
        return self.beats[-1]

    def state(self) -> EntryState:
        """What schedulers know of the entry."""
        return self.claims.states(["tick"], now=time.time())["tick"]

    def published(self) -> list[str]:
        """The ids of the messages in the queue."""
        return [message.task_id for message in self.broker.admin.peek("celery", limit=1000)]

    def kill_all(self) -> None:
        for beat in self.beats:
            beat.kill()


@contextmanager
def project_at(folder: Path, broker_url: str, results_url: str | None = None, **more: str) -> Iterator[Place]:
    """A project without Django. Where its broker cannot hold the claims, they are beside its results."""
    (folder / "scheduled.py").write_text(PROJECT)
    env = {"PROJECT_BROKER": broker_url, "JOURNAL": str(folder / "journal"), **more}
    if results_url is not None:
        env["PROJECT_RESULTS"] = results_url
    with _opened(folder, broker_url, results_url, env, OF_PROJECT) as place:
        yield place


@contextmanager
def site_in(folder: Path, broker_url: str | None = None) -> Iterator[Place]:
    """A Django site, whose database has the entry, the claims, and the messages if no broker is named."""
    shop = Shop(folder)
    database = f"sqlite:///{folder}/default.sqlite3"
    if broker_url is not None:
        shop.write_settings(
            f"CELERY_BROKER_URL = {broker_url!r}\n"
            "CELERY_RESULT_BACKEND = 'django://default'\n"
            "CELERY_BROKER_PUBLISH_TIMEOUT = 0.5\n"
        )
    shop.python(SAVE_ENTRY)
    with _opened(folder, broker_url or database, database, shop.environment(), OF_SITE) as place:
        yield place


@contextmanager
def _opened(
    folder: Path, broker_url: str, results_url: str | None, env: Mapping[str, str], module: tuple[str, ...]
) -> Iterator[Place]:
    with ExitStack() as stack:
        broker = stack.enter_context(closing(open_broker(broker_url)))
        holder = broker
        if results_url not in (None, broker_url):
            holder = stack.enter_context(closing(open_broker(results_url)))
        assert holder.ticks is not None
        place = Place(folder, broker, holder.ticks, env, module)
        stack.callback(place.kill_all)
        yield place


def published_at(task_id: str) -> float:
    """When an id was made: its first 48 bits are milliseconds."""
    return (UUID(task_id).int >> 80) / 1000


@dataclass(frozen=True)
class Rhythm:
    """How the schedule went while schedulers were killed."""

    begun: float
    ended: float
    #: The entry before its first run, and after the last.
    before: EntryState
    after: EntryState
    #: Of all runs, in the order of their moments.
    ids: list[str]
    #: Exit codes of those that were not killed.
    codes: list[int]

    @property
    def count(self) -> int:
        """Runs that were started between begin and end."""
        return len(self._moments)

    @property
    def longest_gap(self) -> float:
        """Seconds without one."""
        around = [self.begun, *self._moments, self.ended]
        return max(later - earlier for earlier, later in pairwise(around))

    @property
    def _moments(self) -> list[float]:
        found = sorted(published_at(one) for one in set(self.ids))
        return [moment for moment in found if self.begun <= moment <= self.ended]

    def __str__(self) -> str:
        twice = len(self.ids) - len(set(self.ids))
        return f"{self.count} runs, the longest gap {self.longest_gap:.2f} s, {twice} messages twice"


def kill_the_busiest(place: Place, seconds: float) -> Rhythm:
    """Have five schedulers run for so long, and replace the busiest one again and again."""
    before = place.state()
    beats = [place.start_beat() for _ in range(SCHEDULERS)]
    wait_until(lambda: all(beat.is_up for beat in beats), what="all schedulers are up")
    wait_until(lambda: any(beat.started for beat in beats), what="the first run")
    begun = time.time()
    for number in range(1, KILLS + 1):
        wait_until_it_is(begun + seconds * number / (KILLS + 1))
        busiest = max(beats, key=lambda beat: beat.started)
        busiest.kill()
        beats.remove(busiest)
        beats.append(place.start_beat())
    wait_until_it_is(begun + seconds)
    # What one that was killed had claimed, and not published, comes some seconds later.
    wait_until(lambda: not place.claims.unpublished(limit=1), what="all are published")
    codes = [beat.stop() for beat in beats]
    return Rhythm(begun, begun + seconds, before, place.state(), place.published(), codes)


def wait_until_it_is(moment: float) -> None:
    wait_until(lambda: time.time() >= moment, what="the moment comes")
