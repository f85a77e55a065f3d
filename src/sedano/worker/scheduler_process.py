"""A scheduler beside a node: in a process of its own, or in a thread of a node that is one process."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final, Protocol

from sedano import signals
from sedano.worker.channel import Channel

#: How long a node waits for the last turn of its scheduler. Seconds.
LONGEST_END: Final = 5.0


class SchedulerLoop(Protocol):
    """The scheduler, as far as its process is concerned."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


@contextlib.contextmanager
def beside(scheduler: SchedulerLoop | None) -> Iterator[None]:
    """Run the scheduler in a thread while the block runs: for a node that is one process. None: nothing."""
    if scheduler is None:
        yield
        return
    thread = threading.Thread(target=scheduler.run, name="sedano-scheduler", daemon=True)
    signals.beat_embedded_init.send(sender=scheduler)
    thread.start()
    try:
        yield
    finally:
        scheduler.stop()
        thread.join(timeout=LONGEST_END)


def run_beside_node(scheduler: SchedulerLoop, life: Channel) -> None:
    """Run the scheduler until the other end of ``life`` is closed."""

    def watch() -> None:
        while life.receive() is not None:
            pass
        scheduler.stop()

    threading.Thread(target=watch, name="sedano-scheduler-life", daemon=True).start()
    signals.beat_embedded_init.send(sender=scheduler)
    scheduler.run()
