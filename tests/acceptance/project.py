"""The application that acceptance tests run in real workers. What its tasks do shows in a journal file."""

import asyncio
import os
import signal
import time
from pathlib import Path

from sedano import Sedano, Task
from sedano.exceptions import Reject

HERE = Path(os.environ["JOURNAL"]).parent

#: Messages and results.
SERVER = os.environ["PROJECT_BROKER"]

app = Sedano("project", broker=SERVER, backend=os.environ.get("PROJECT_RESULTS", SERVER))
app.conf.update(worker_soft_shutdown_timeout=float(os.environ.get("GRACE", "25")))


def note(word: str, key: object) -> None:
    """Append one line to the journal, in one write."""
    line = f"{word} {key} {os.getpid()} {time.time():.6f}\n".encode()
    descriptor = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


@app.task
def work(key: object, seconds: float = 0.0) -> object:
    note("start", key)
    if seconds:
        time.sleep(seconds)
    note("done", key)
    return key


@app.task
def blink(key: object) -> object:
    """So short that many of them travel together."""
    note("start", key)
    note("done", key)
    return key


@app.task(acks_late=False)
def at_most_once(key: object, seconds: float = 0.0) -> None:
    note("start", key)
    time.sleep(seconds)
    note("done", key)


@app.task
def kill_own_process(key: object) -> None:
    note("start", key)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True, max_retries=3)
def fail_twice(self, key: object) -> int:
    note("start", key)
    if self.request.retries < 2:
        raise self.retry(countdown=0.1, exc=ValueError("not yet"))
    return self.request.retries


@app.task
def fail(key: object) -> None:
    note("start", key)
    raise ValueError("no", key)


#: The solo pool refuses to start with tasks that have limits.
LIMITED = not os.environ.get("PROJECT_WITHOUT_LIMITS")


@app.task(time_limit=1.0 if LIMITED else None)
def overrun(key: object) -> None:
    note("start", key)
    time.sleep(600)


@app.task(soft_time_limit=1.0 if LIMITED else None, time_limit=60.0 if LIMITED else None)
def clean_up(key: object) -> str:
    note("start", key)
    try:
        time.sleep(600)
    except BaseException as error:
        note("cleaned", key)
        return type(error).__name__
    return "ran on"


@app.task
async def nap(key: object, seconds: float) -> object:
    note("start", key)
    await asyncio.sleep(seconds)
    note("done", key)
    return key


@app.task(soft_time_limit=0.5 if LIMITED else None)
async def nap_too_long(key: object) -> None:
    note("start", key)
    await asyncio.sleep(600)


@app.task
def where(key: object) -> int:
    note("start", key)
    return os.getpid()


@app.task
def grow(mebibytes: int) -> int:
    note("start", "grow")
    grow.kept = bytearray(mebibytes * 1024 * 1024)
    return os.getpid()


@app.task(bind=True)
def report_progress(self, key: object) -> str:
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
    note("start", key)
    while not (HERE / "go-on").exists():
        time.sleep(0.01)
    return "finished"


@app.task
def add(x: int, y: int = 0) -> int:
    note("start", f"add-{x}-{y}")
    return x + y


@app.task
def total(values: list[int]) -> int:
    note("start", "total")
    return sum(values)


@app.task
def count_values(values: list[int]) -> int:
    return len(values)


@app.task
def look_at_error(request: object, error: BaseException, traceback: str) -> None:
    note("errback", type(error).__name__)


@app.task
def hear_of_error(failed_id: str) -> None:
    note("errback", failed_id)


def wait_for_go_on() -> None:
    while not (HERE / "go-on").exists():
        time.sleep(0.01)


@app.task
def refuse_until_go_on(key: object) -> object:
    note("start", key)
    if not (HERE / "go-on").exists():
        raise Reject("not yet", requeue=False)
    return key


class SlowToTell(Task):
    """What hears that it failed takes long: a worker can be stopped meanwhile."""

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        note("telling", type(exc).__name__)
        wait_for_go_on()


@app.task(base=SlowToTell, time_limit=0.5 if LIMITED else None, acks_on_timeout=False)
def overrun_until_go_on(key: object) -> object:
    note("start", key)
    wait_for_go_on()
    return key


class SlowToBegin(Task):
    """Its calls take long to publish: a process that starts one can be killed meanwhile."""

    def apply_async(self, *args, **kwargs):
        note("joining", self.name)
        wait_for_go_on()
        return super().apply_async(*args, **kwargs)


@app.task(base=SlowToBegin)
def slowly_begun_total(values: list[int]) -> int:
    note("start", "total")
    return sum(values)
