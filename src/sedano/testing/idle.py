"""Runs what a test has published, here and now, until nothing is left that could run.

For users, as ``sedano.testing.run_until_idle``. Nothing is faked: what is run was written, published,
claimed, read, run and settled as in a worker.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sedano.errors import ConfigurationError
from sedano.testing.callers_thread import callers_connections
from sedano.testing.clock import ManualClock
from sedano.testing.current_app import itself, made_current
from sedano.testing.inline_node import InlineNode
from sedano.testing.task_run import TaskRun, recorded

if TYPE_CHECKING:
    from sedano.app import Sedano

#: The applications whose modules of tasks have been imported.
_imported: Final["weakref.WeakSet[Sedano]"] = weakref.WeakSet()


class NeverIdle(AssertionError):
    """More messages were run than a test would publish: something publishes itself again and again."""

    def __init__(self, most: int, runs: Sequence[TaskRun], ready: Sequence[str]) -> None:
        names = ", ".join(f"{name} ({count} times)" for name, count in Counter(_names(runs)).most_common(3))
        waiting = ", ".join(f"{name} ({count})" for name, count in Counter(ready).most_common(3)) or "none"
        super().__init__(
            f"{most} messages have been run, and there are more. Run most often: {names}. "
            f"Ready now: {waiting}. A task that publishes or retries itself without an end, or rejects its "
            "message with requeue=True, never leaves a queue idle. If that many are right, say most=..."
        )


def run_until_idle(
    app: "Sedano",
    *,
    queues: Sequence[str] | None = None,
    advance: timedelta | float | None = None,
    to_end: bool = False,
    raise_errors: bool = True,
    most: int = 10_000,
    between: Callable[[], object] | None = None,
) -> list[TaskRun]:
    """Run every message that is ready, and those that follow from them; says what was run, in that order.

    One task runs at a time, in this thread, by priority and then in the order of publication. What is not due
    yet stays, unless time is let pass: that takes an application with a ``ManualClock``.

    Args:
        app: The application: its broker and its tasks.
        queues: What to consume; None means every queue that holds messages.
        advance: Let so much time pass (``timedelta`` or seconds), and run each message when it is due.
        to_end: Let time pass until nothing waits for its due time any more.
        raise_errors: Raise the first error of a task that failed, when all is done; not what it ``throws``.
        most: The most messages to run.
        between: Called before each message is taken, and when none is ready.

    Raises:
        NeverIdle: ``most`` messages have been run, and there are more.

    >>> from sedano import Sedano
    >>> app = Sedano("docs", broker="memory://", set_as_current=False)
    >>> @app.task(name="docs.add")
    ... def add(x, y):
    ...     return x + y
    >>> result = add.delay(2, 2)
    >>> [(run.task, run.args, run.result) for run in run_until_idle(app)]
    [('docs.add', (2, 2), 4)]
    >>> result.get()
    4
    """
    app = itself(app)
    clock = _manual_clock(app) if advance is not None or to_end else None
    end = None
    if clock is not None and not to_end:
        # Rounded as ETAs are: what is due in an hour, is due when an hour has passed.
        end = (clock.now() + _duration(advance)).timestamp()
    with made_current(app), callers_connections(app), recorded(app.announcer, app.clock) as runs:
        _import_tasks(app)
        with InlineNode(app, queues) as node:
            taken = 0
            while True:
                if between is not None:
                    between()
                if taken >= most and (ready := node.ready()):
                    raise NeverIdle(most, runs, ready)
                if node.run_next():
                    taken += 1
                    _stop_at_interrupt(runs)
                elif clock is None or not _wait_for_next(node, clock, end):
                    break
        if clock is not None and end is not None and clock.timestamp() < end:
            clock.advance_to(end)
    if raise_errors:
        _raise_unexpected(runs)
    return runs


def _import_tasks(app: "Sedano") -> None:
    """As a worker does when it starts."""
    if app not in _imported:
        app.import_modules()
        _imported.add(app)
    app.finalize()


def _manual_clock(app: "Sedano") -> ManualClock:
    if not isinstance(app.clock, ManualClock):
        raise ConfigurationError(
            "advance and to_end let time pass, which takes an application with a ManualClock: ask for the "
            "fixture sedano_clock, or use in_memory(app, clock=ManualClock())."
        )
    return app.clock


def _duration(advance: timedelta | float | None) -> timedelta:
    return advance if isinstance(advance, timedelta) else timedelta(seconds=advance or 0)


def _wait_for_next(node: InlineNode, clock: ManualClock, end: float | None) -> bool:
    """Turn the clock to the next due time, if that comes before the end; whether it did."""
    due = node.next_due(clock.timestamp())
    if due is None or (end is not None and due > end):
        return False
    clock.advance_to(due)
    node.renew()
    return True


def _stop_at_interrupt(runs: list[TaskRun]) -> None:
    """What ends a program (Ctrl-C), or a test (``pytest.fail``), is not a task's failure alone."""
    error = runs[-1].error if runs else None
    if error is not None and not isinstance(error, Exception | SystemExit):
        raise error


def _raise_unexpected(runs: list[TaskRun]) -> None:
    failed = [run for run in runs if run.is_unexpected]
    if not failed:
        return
    error = failed[0].error
    assert error is not None
    error.add_note(
        f"Raised by {failed[0]}, which run_until_idle() ran. To go on all the same: raise_errors=False."
    )
    if len(failed) > 1:
        error.add_note("Failed as well: " + ", ".join(f"{run}: {run.error!r}" for run in failed[1:]))
    raise error


def _names(runs: Sequence[TaskRun]) -> list[str]:
    return [run.task for run in runs]
