"""Plays the scenarios with one library: a worker of it, a client of it, and at the end the transcripts.

Run by the test as a program of its own, for each library and broker: what the two keep in a process must not
meet. ``python -m tests.interop.scenarios.play LIBRARY URL FOLDER [NAME ...]``. Results are where the messages
are; on RabbitMQ they are where ``SCENARIO_RESULTS`` says, and ``ERLANG_NODE`` says which server that is.
"""

import contextlib
import fnmatch
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.interop.scenarios import notes
from tests.servers.erlang_node import ErlangNode

ROOT: Final = Path(__file__).parents[3]
CASES: Final = tuple(sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py")))
APP: Final = "tests.interop.scenarios.worker_app"

#: How each library's worker is started.
WORKERS: Final = {
    "celery": (
        *("-m", "celery", "-A", APP, "worker", "-l", "INFO", "-c", "4", "-Q", "celery,other"),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
    ),
    "sedano": ("-m", "sedano", "-A", APP, "worker", "-l", "INFO", "-c", "4", "-Q", "celery,other"),
}

#: Queues of RabbitMQ whose messages nobody is going to run: dead letters, and what nodes say of themselves.
THERE_FOR_GOOD: Final = '[<<"sedano.dead">>, <<"sedano.log">>]'

#: Seconds. No part of a scenario takes so long but one that waits in vain.
HANGS: Final = 20.0
#: What a scenario gives that is over.
DONE: Final = object()

#: Seconds. A play that takes longer tells what it has.
PATIENCE: Final = 100.0
#: Nothing has happened for so long, and no message is left.
QUIET: Final = 0.25


@contextlib.contextmanager
def worker(library: str, log: Path) -> Iterator[None]:
    """A worker, ready; ended at the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *WORKERS[library]], cwd=ROOT, stdout=file, stderr=file, start_new_session=True
        )
    try:
        pause = threading.Event()
        while b" ready." not in log.read_bytes():
            if process.poll() is not None:
                raise SystemExit(f"the worker ended:\n{log.read_text()}")
            pause.wait(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_quiet(messages: Any, deadline: float) -> bool:
    """Wait until no message is left and nothing more is noted; whether that came to be."""
    pause = threading.Event()
    size, since = -1, time.monotonic()
    while time.monotonic() < deadline:
        now = len(notes.read()) if messages() == 0 else -1
        if now == -1 or now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > QUIET:
            return True
        pause.wait(0.05)
    return False


def messages_of(library: str, app: Any, url: str) -> Any:
    """What tells how many messages there are: waiting, due later, in a worker's hands."""
    queues = ("celery", "other")
    if url.startswith("amqp:"):
        return lambda: _messages_in_rabbitmq(url)
    if library == "sedano":

        def ours() -> int:
            depths = [app.broker.admin.depth(queue) for queue in queues]
            return sum(one.ready + one.scheduled + one.claimed for one in depths)

        return ours
    from redis import Redis

    client = Redis.from_url(url)

    def theirs() -> int:
        lists = [key for queue in queues for key in client.keys(f"{queue}*") if client.type(key) == b"list"]
        return int(sum(client.llen(key) for key in lists) + client.hlen("unacked"))

    return theirs


def _messages_in_rabbitmq(url: str) -> int:
    """The server is asked: our broker could only look at messages by taking them for a moment."""
    vhost = url.rpartition("/")[2]
    counts = f"""
        Count = fun(Q) -> [{{messages, N}}] = rabbit_amqqueue:info(Q, [messages]), N end,
        lists:sum([Count(Q) || Q <- rabbit_amqqueue:list(<<"{vhost}">>),
            not lists:member(element(4, amqqueue:get_name(Q)), {THERE_FOR_GOOD})])
    """
    return int(ErlangNode.of_environment().evaluate(counts))


def play(library: str, url: str, folder: Path, wanted: Sequence[str]) -> dict[str, Any]:
    """Play all scenarios that are wanted, side by side; their transcripts."""
    from tests.interop.scenarios import worker_app
    from tests.interop.scenarios.stage import SCENARIOS, Stage, played
    from tests.interop.scenarios.transcript import transcript

    for case in CASES:
        importlib.import_module(f"tests.interop.scenarios.{case}")
    names = [name for name in SCENARIOS if not wanted or any(fnmatch.fnmatch(name, one) for one in wanted)]
    stages = [Stage(name, worker_app.LIBRARY, worker_app.app) for name in names]
    messages = messages_of(library, worker_app.app, url)
    deadline = time.monotonic() + PATIENCE
    with worker(library, folder / "worker.log"):
        playing = [played(stage) for stage in stages]
        quiet = True
        while playing := [one for one in playing if goes_on(one)]:
            quiet = wait_until_quiet(messages, deadline)
        if not quiet:
            print("never quiet", file=sys.stderr)
        quiet = wait_until_quiet(messages, deadline)
        events = defaultdict(list)
        for event in notes.read():
            events[event["key"]].append(event)
        return {stage.name: transcript(stage, events[stage.key]) for stage in stages}


def goes_on(playing: Iterator[None]) -> bool:
    """Play a scenario until it waits again; whether it does. One that hangs is told to stop."""
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        return next(playing, DONE) is not DONE
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _wake(*_: object) -> None:
    # Not TimeoutError: a client of Redis would take that for its own, and go on.
    raise RuntimeError("this part of the scenario hangs")


def set_up_site(folder: Path) -> None:
    """Make this process, and the worker, one of a Django site with a database in the folder."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.interop.scenarios.site_settings",
        "SCENARIO_DATABASE": str(folder / "db.sqlite3"),
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def main() -> None:
    """Play, and write ``transcripts.json`` into the folder."""
    library, url, folder, *wanted = sys.argv[1:]
    path = Path(folder)
    signal.signal(signal.SIGALRM, _wake)
    os.environ |= {"SCENARIO_LIBRARY": library, "SCENARIO_URL": url, notes.PATH: str(path / "journal")}
    if url.startswith("django:"):
        set_up_site(path)
    told = play(library, url, path, wanted)
    (path / "transcripts.json").write_text(json.dumps(told, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
