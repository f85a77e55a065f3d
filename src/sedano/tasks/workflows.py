"""The messages that start a workflow, from its plan: into the broker, or into a settlement.

Called by signatures (through the application), and by the executor for what follows from a task. A chord is
begun and a group is saved before the first message that belongs to it is sent. Never decides what a workflow
consists of: the plan says it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sedano.brokers.publication import Publication
from sedano.errors import ConfigurationError
from sedano.results import celery_meta
from sedano.results.result_tuple import read_result
from sedano.results.store import ResultStore
from sedano.results.workflow_start import BegunChord, SavedGroup, WorkflowStart
from sedano.tasks.batches import Batches
from sedano.tasks.options import NO_OPTIONS, TaskOptions
from sedano.tasks.request import worker_request

if TYPE_CHECKING:
    from sedano.canvas.plan import Call, Plan
    from sedano.tasks.application import Application
    from sedano.tasks.task import Task


#: Whose workflows are taken here, and by whom.
_taken: "Final[ContextVar[tuple[Application, Callable[[Plan, TaskOptions], None]] | None]]" = ContextVar(
    "sedano_taken_workflows", default=None
)


class _CheckedCall(NamedTuple):
    call: "Call"
    options: TaskOptions
    task: "Task[..., Any] | None"


def publish(app: "Application", plan: "Plan", options: TaskOptions = NO_OPTIONS) -> None:
    """Publish the first messages of a workflow, 500 in one round trip.

    All calls are checked before the first is sent. When a later batch fails, what went before stays
    published: the error's ``published`` has the ids.

    Args:
        app: The application.
        plan: The workflow.
        options: What is said of all its calls: whether to try again, whether to wait for a commit.

    Raises:
        ConfigurationError: the workflow needs a result store, and there is none.
        As ``Task.apply_async``.
    """
    if (taken := _taken.get()) is not None and taken[0] is app:
        taken[1](plan, options)
        return
    store = _store(app, plan)
    calls = [_checked(app, call) for call in plan.calls]
    Batches(app.publisher, options, task=_decisive(calls), before=lambda: _begin(app, plan, store)).publish(
        _prepared(app, calls)
    )
    if options.add_to_parent:
        _list_among_children(plan)


async def apublish(app: "Application", plan: "Plan", options: TaskOptions = NO_OPTIONS) -> None:
    """``publish`` for coroutines."""
    # Imported here: they bring asyncio.
    from sedano.results.async_results import async_results
    from sedano.tasks.async_batches import AsyncBatches

    store = _store(app, plan)
    calls = [_checked(app, call) for call in plan.calls]
    batches = AsyncBatches(
        app,
        options,
        task=_decisive(calls),
        before=lambda: _begin(app, plan, store),
        abefore=None if store is None else lambda: async_results(store).begin(_start(app, plan)),
    )
    await batches.apublish(_prepared(app, calls))
    if options.add_to_parent:
        _list_among_children(plan)


@contextmanager
def hand_to(app: "Application", take: "Callable[[Plan, TaskOptions], None]") -> Iterator[None]:
    """The workflows that are published within, in this context, are handed over, and not published."""
    token = _taken.set((app, take))
    try:
        yield
    finally:
        _taken.reset(token)


def follow_ups(app: "Application", plan: "Plan") -> list[Publication]:
    """The first messages of a workflow that follows from the task that runs here, to be settled with it.

    Its chords are begun and its groups are saved at once: to do that again, after a crash, is harmless.

    Raises:
        As ``publish``.
    """
    store = _store(app, plan)
    calls = [_checked(app, call) for call in plan.calls]
    publications = list(_prepared(app, calls))
    _begin(app, plan, store)
    _list_among_children(plan)
    return publications


def _store(app: "Application", plan: "Plan") -> ResultStore | None:
    """Where the plan's chords and groups are kept; None where it has none."""
    if not plan.chords and not plan.groups:
        return None
    if app.results is None:
        raise ConfigurationError(
            "A chord needs a result store, which counts the members of its header, and results are not kept: "
            "result_backend is 'disabled', or the broker cannot hold results. "
            "Set result_backend, for example to 'sqlite:///results.db'."
        )
    return app.results


def _begin(app: "Application", plan: "Plan", store: ResultStore | None) -> None:
    if store is not None:
        _start(app, plan).tell(store.groups)


def _start(app: "Application", plan: "Plan") -> WorkflowStart:
    settings = app.settings.results
    groups_expire_at = _moment(app, settings.expires)
    chords_expire_at = groups_expire_at
    if settings.chord_expires is not None:
        chords_expire_at = _moment(app, settings.chord_expires)
    return WorkflowStart(
        [
            SavedGroup(
                group_id, celery_meta.encode_group(read_result(written, app), settings), groups_expire_at
            )
            for group_id, written in plan.groups.items()
        ],
        [BegunChord(chord.group_id, chord.size, chords_expire_at) for chord in plan.chords],
    )


def _moment(app: "Application", kept: timedelta | None) -> float | None:
    return None if kept is None else app.clock.timestamp() + kept.total_seconds()


def _checked(app: "Application", call: "Call") -> _CheckedCall:
    task = app.tasks.get(call.task)
    if task is not None and task.typing:
        task.call_signature.check(call.args, call.kwargs)
    return _CheckedCall(call, TaskOptions.from_call(call.options), task)


def _prepared(app: "Application", calls: Sequence[_CheckedCall]) -> Iterator[Publication]:
    publisher = app.publisher
    for call, options, task in calls:
        if task is None or not task.has_own_apply_async:
            yield publisher.prepare(call.task, call.args, call.kwargs, options, task=task)
            continue
        # A class of the user's has the last word on its calls, such as headers that name the tenant.
        with publisher.collect() as publications:
            task.apply_async(call.args, call.kwargs, **{**call.options, "add_to_parent": False})
        yield from publications


def _decisive(calls: Sequence[_CheckedCall]) -> "Task[..., Any] | None":
    """The task that says whether all wait for a commit: one that wants to, if there is one."""
    tasks = [task for _, _, task in calls if task is not None]
    return next((task for task in tasks if task.publish_on_commit), tasks[0] if tasks else None)


def _list_among_children(plan: "Plan") -> None:
    """Note what begins now with the task that runs here, as its child."""
    parent = worker_request()
    if parent is None or plan.started is None:
        return
    if parent.task_object is None or parent.task_object.trail:
        parent.children.append(plan.started)
