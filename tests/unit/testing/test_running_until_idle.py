"""``run_until_idle`` runs what was published as a worker does, here and now."""

import asyncio
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sedano import Sedano, chain, chord, current_app, group, shared_task, signals
from sedano.errors import ConfigurationError, Ignore, Reject
from sedano.testing import ManualClock, NeverIdle, TaskRun, published, run_until_idle


def add_tasks(app: Sedano) -> Any:
    """Tasks that the tests run; as attributes."""

    @app.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(name="divide")
    def divide(x: int, y: int) -> float:
        return x / y

    @app.task(name="divide_expected", throws=(ZeroDivisionError,))
    def divide_expected(x: int, y: int) -> float:
        return x / y

    @app.task(name="stubborn", bind=True, max_retries=2, default_retry_delay=30)
    def stubborn(self: Any, succeed_at: int) -> int:
        if self.request.retries < succeed_at:
            raise self.retry(exc=ConnectionError("not yet"))
        return int(self.request.retries)

    return SimpleNamespace(
        add=add, total=total, divide=divide, divide_expected=divide_expected, stubborn=stubborn
    )


def names(runs: list[TaskRun]) -> list[str]:
    return [run.task for run in runs]


def test_it_says_what_was_run_and_what_became_of_it(app: Sedano, clock: ManualClock) -> None:
    tasks = add_tasks(app)
    result = tasks.add.delay(2, y=3)

    [run] = run_until_idle(app)

    assert (run.task, run.id, run.args, run.kwargs) == ("add", result.id, (2,), {"y": 3})
    assert (run.state, run.result, run.error, run.retries) == ("SUCCESS", 5, None, 0)
    assert (run.queue, run.at) == ("celery", clock.now())
    assert result.get(timeout=0) == 5


def test_nothing_published_is_nothing_run(app: Sedano) -> None:
    assert run_until_idle(app) == []


def test_what_was_run_is_gone(app: Sedano) -> None:
    add_tasks(app).add.delay(1, 2)
    run_until_idle(app)

    assert run_until_idle(app) == []
    assert published(app) == []


def test_arguments_are_what_comes_out_of_a_message(app: Sedano) -> None:
    seen: list[object] = []

    @app.task(name="look")
    def look(value: object) -> None:
        seen.append(value)

    look.delay((1, {"a": (2,)}))
    run_until_idle(app)

    assert seen == [[1, {"a": [2]}]]


def test_what_tasks_publish_is_run_too(app: Sedano) -> None:
    @app.task(name="count_down")
    def count_down(number: int) -> None:
        if number:
            count_down.delay(number - 1)

    count_down.delay(3)

    assert [run.args for run in run_until_idle(app)] == [(3,), (2,), (1,), (0,)]


def test_every_queue_is_consumed_unless_some_are_named(app: Sedano) -> None:
    add = add_tasks(app).add
    add.apply_async((1, 1), queue="mails")
    add.apply_async((2, 2), queue="reports")

    assert [run.queue for run in run_until_idle(app, queues=["reports"])] == ["reports"]
    assert [run.queue for run in run_until_idle(app)] == ["mails"]


def test_what_is_not_due_hides_nothing(app: Sedano) -> None:
    add = add_tasks(app).add
    for queue in ("mails", "reports", "celery"):
        for number in range(3):
            add.apply_async((number, 0), queue=queue, countdown=60)
    add.publish_many([(n, n) for n in range(3)])

    assert len(run_until_idle(app)) == 3


def test_more_urgent_messages_run_first(app: Sedano) -> None:
    add = add_tasks(app).add
    low, high = (0, 5) if app.broker.features.higher_priority_first else (5, 0)
    add.apply_async((1, 1), priority=low)
    add.apply_async((2, 2), priority=high)

    assert [run.result for run in run_until_idle(app)] == [4, 2]


def test_coroutines_are_run(app: Sedano) -> None:
    @app.task(name="wait")
    async def wait() -> str:
        await asyncio.sleep(0)
        return "waited"

    wait.delay()

    assert [run.result for run in run_until_idle(app)] == ["waited"]


def test_coroutines_are_run_from_within_an_event_loop(app: Sedano) -> None:
    @app.task(name="wait")
    async def wait() -> str:
        await asyncio.sleep(0)
        return "waited"

    async def publish_and_run() -> list[TaskRun]:
        wait.delay()
        return run_until_idle(app)

    assert [run.result for run in asyncio.run(publish_and_run())] == ["waited"]


def test_tasks_run_in_the_thread_of_the_test(app: Sedano) -> None:
    seen: list[threading.Thread] = []

    @app.task(name="look")
    def look() -> None:
        seen.append(threading.current_thread())

    look.delay()
    run_until_idle(app)

    assert seen == [threading.current_thread()]


def test_tasks_without_late_acknowledgement_are_run_once(app: Sedano) -> None:
    @app.task(name="once", acks_late=False)
    def once() -> int:
        assert published(app) == []
        return 1

    once.delay()

    assert [run.result for run in run_until_idle(app)] == [1]


def test_the_application_is_the_current_one_meanwhile(memory_app: Sedano) -> None:
    @shared_task(name="testing.whose")
    def whose() -> str | None:
        return current_app.main

    before = current_app._get_current_object()  # type: ignore[attr-defined]
    memory_app.send_task("testing.whose")

    assert [run.result for run in run_until_idle(memory_app)] == ["tested"]
    assert current_app._get_current_object() is before  # type: ignore[attr-defined]


def test_progress_is_stored_while_the_task_runs(app: Sedano) -> None:
    states: list[str] = []

    @app.task(name="progress", bind=True, track_started=True)
    def progress(self: Any) -> None:
        states.append(app.AsyncResult(self.request.id).state)
        self.update_state(state="HALF", meta={})
        states.append(app.AsyncResult(self.request.id).state)

    progress.delay()
    run_until_idle(app)

    assert states == ["STARTED", "HALF"]


# -- workflows


def test_a_chain_is_run_to_its_end(app: Sedano) -> None:
    tasks = add_tasks(app)
    result = chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.s(100), app=app).apply_async()

    runs = run_until_idle(app)

    assert [run.result for run in runs] == [3, 13, 113]
    assert result.get(timeout=0) == 113


def test_the_body_of_a_chord_follows_its_members(app: Sedano) -> None:
    tasks = add_tasks(app)
    result = chord([tasks.add.s(n, n) for n in range(3)], tasks.total.s(), app=app).apply_async()

    assert names(run_until_idle(app)) == ["add", "add", "add", "total"]
    assert result.get(timeout=0) == 6


def test_chords_in_chords_are_run_to_their_ends(app: Sedano) -> None:
    tasks = add_tasks(app)
    inner = chord([tasks.add.s(n, n) for n in range(3)], tasks.total.s(), app=app)
    result = chord(group(inner, tasks.add.s(1, 1), app=app), tasks.total.s(), app=app).apply_async()

    run_until_idle(app)

    assert result.get(timeout=0) == 8


def test_callbacks_and_errbacks_are_run(app: Sedano) -> None:
    tasks, heard = add_tasks(app), []

    @app.task(name="hear")
    def hear(request: Any, error: Exception, traceback: object) -> None:
        heard.append(type(error))

    tasks.add.apply_async((1, 1), link=tasks.add.s(5))
    tasks.divide.apply_async((1, 0), link_error=hear.s())

    assert [run.result for run in run_until_idle(app, raise_errors=False)] == [2, None, 7]
    assert heard == [ZeroDivisionError]


# -- errors


def test_an_error_of_a_task_is_raised_when_all_is_done(app: Sedano) -> None:
    tasks = add_tasks(app)
    failed, succeeded = tasks.divide.delay(1, 0), tasks.add.delay(1, 1)

    with pytest.raises(ZeroDivisionError) as caught:
        run_until_idle(app)

    assert any(f"divide[{failed.id}]" in note for note in caught.value.__notes__)
    assert (failed.state, succeeded.state) == ("FAILURE", "SUCCESS")


def test_the_errors_of_the_other_tasks_are_noted(app: Sedano) -> None:
    tasks = add_tasks(app)
    tasks.divide.delay(1, 0)
    second = tasks.divide.delay("1", 1)

    with pytest.raises(ZeroDivisionError) as caught:
        run_until_idle(app)

    assert any(second.id in note and "TypeError" in note for note in caught.value.__notes__)


def test_errors_that_a_task_throws_are_not_raised(app: Sedano) -> None:
    add_tasks(app).divide_expected.delay(1, 0)

    [run] = run_until_idle(app)

    assert (run.state, type(run.error), run.is_unexpected) == ("FAILURE", ZeroDivisionError, False)


def test_no_error_is_raised_where_none_is_to_be(app: Sedano) -> None:
    add_tasks(app).divide.delay(1, 0)

    [run] = run_until_idle(app, raise_errors=False)

    assert (run.state, run.result, run.is_unexpected) == ("FAILURE", None, True)
    assert isinstance(run.error, ZeroDivisionError)


def test_a_failed_assertion_in_a_task_fails_the_test(app: Sedano) -> None:
    @app.task(name="check")
    def check(value: int) -> None:
        assert value == 1

    check.delay(2)

    with pytest.raises(AssertionError):
        run_until_idle(app)


def test_an_interrupt_ends_the_run_at_once(app: Sedano) -> None:
    @app.task(name="interrupt")
    def interrupt() -> None:
        raise KeyboardInterrupt

    interrupt.delay()
    add_tasks(app).add.delay(1, 1)

    with pytest.raises(KeyboardInterrupt):
        run_until_idle(app)

    assert [one.task for one in published(app)] == ["add"]


def test_a_message_that_cannot_be_read_is_an_error(app: Sedano) -> None:
    add_tasks(app).add.apply_async((1, 1), serializer="yaml")
    app.conf.accept_content = ["json"]

    with pytest.raises(Exception, match="not accepted"):
        run_until_idle(app)


def test_what_tasks_say_of_themselves_is_no_error(app: Sedano) -> None:
    @app.task(name="ignore")
    def ignore() -> None:
        raise Ignore

    @app.task(name="reject")
    def reject() -> None:
        raise Reject("unfit")

    ignore.delay()
    reject.delay()

    assert [run.state for run in run_until_idle(app)] == ["IGNORED", "REJECTED"]
    assert [letter.task for letter in app.broker.admin.dead_letters()] == ["reject"]


def test_unknown_tasks_are_set_aside_until_they_are_known(app: Sedano) -> None:
    app.send_task("stranger", (1,))

    assert run_until_idle(app) == []
    assert [one.state for one in published(app)] == ["parked"]

    app.task(lambda value: value, name="stranger")

    assert [run.result for run in run_until_idle(app)] == [1]


def test_a_task_can_define_the_next(app: Sedano) -> None:
    @app.task(name="first")
    def first() -> None:
        app.task(lambda: "second", name="second").delay()

    first.delay()

    assert [run.result for run in run_until_idle(app)] == [None, "second"]


def test_a_task_without_an_end_is_reported(app: Sedano) -> None:
    @app.task(name="forever")
    def forever() -> None:
        forever.delay()

    forever.delay()

    with pytest.raises(NeverIdle, match=r"25 messages .* forever \(25 times\).*Ready now: forever \(1\)"):
        run_until_idle(app, most=25)


def test_exactly_as_many_messages_as_allowed_may_be_run(app: Sedano) -> None:
    add_tasks(app).add.publish_many([(n, n) for n in range(25)])

    assert len(run_until_idle(app, most=25)) == 25


def test_what_was_not_run_when_it_was_stopped_is_still_there(app: Sedano) -> None:
    add_tasks(app).add.publish_many([(n, n) for n in range(3)])

    with pytest.raises(NeverIdle):
        run_until_idle(app, most=2)

    assert [one.args for one in published(app)] == [(2, 2)]


# -- time


def test_what_is_not_due_stays(app: Sedano) -> None:
    add_tasks(app).add.apply_async((1, 1), countdown=60)

    assert run_until_idle(app) == []
    assert [one.state for one in published(app)] == ["scheduled"]


def test_a_clock_that_has_been_turned_makes_messages_due(app: Sedano, clock: ManualClock) -> None:
    add_tasks(app).add.apply_async((1, 1), countdown=60)
    clock.advance(timedelta(minutes=1))

    assert [run.result for run in run_until_idle(app)] == [2]


def test_time_passes_from_one_due_time_to_the_next(app: Sedano, clock: ManualClock) -> None:
    add, start = add_tasks(app).add, clock.now()
    for seconds in (90, 30, 300):
        add.apply_async((seconds, 0), countdown=seconds)

    runs = run_until_idle(app, advance=timedelta(minutes=2))

    assert [(run.result, run.at) for run in runs] == [
        (30, start + timedelta(seconds=30)),
        (90, start + timedelta(seconds=90)),
    ]
    assert clock.now() == start + timedelta(minutes=2)
    assert [one.args for one in published(app)] == [(300, 0)]


@pytest.mark.parametrize("start", [1_800_000_000.0000007, 1_800_000_000.9999994, 1_795_357_900.1234565])
def test_what_is_due_in_an_hour_is_run_when_an_hour_has_passed(start: float) -> None:
    with Sedano("tested", broker="memory://", set_as_current=False, clock=ManualClock(start)) as app:
        add_tasks(app).add.apply_async((1, 1), countdown=3600)

        assert len(run_until_idle(app, advance=3600)) == 1


def test_time_passes_until_nothing_waits_any_more(app: Sedano, clock: ManualClock) -> None:
    tasks, start = add_tasks(app), clock.now()
    result = tasks.stubborn.delay(2)

    runs = run_until_idle(app, to_end=True)

    assert [(run.state, run.retries) for run in runs] == [("RETRY", 0), ("RETRY", 1), ("SUCCESS", 2)]
    assert isinstance(runs[0].error, ConnectionError)
    assert clock.now() == start + timedelta(minutes=1)
    assert result.get(timeout=0) == 2


def test_the_error_of_a_task_that_has_no_retries_left_is_raised(app: Sedano) -> None:
    add_tasks(app).stubborn.delay(10)

    with pytest.raises(ConnectionError):
        run_until_idle(app, to_end=True)


def test_a_task_that_has_expired_is_not_run(app: Sedano, clock: ManualClock) -> None:
    result = add_tasks(app).add.apply_async((1, 1), expires=60)
    clock.advance(61)

    [run] = run_until_idle(app)

    assert (run.state, run.result, str(run.error)) == ("REVOKED", None, "expired")
    assert result.state == "REVOKED"


def test_paused_queues_wait(app: Sedano) -> None:
    add_tasks(app).add.apply_async((1, 1), countdown=5)
    app.broker.admin.pause("celery")

    assert run_until_idle(app, to_end=True) == []


def test_a_clock_that_nobody_can_turn_is_refused() -> None:
    with (
        Sedano("tested", broker="memory://", set_as_current=False) as app,
        pytest.raises(ConfigurationError, match="ManualClock"),
    ):
        run_until_idle(app, to_end=True)


# -- the rest


def test_signals_are_sent_as_in_a_worker(memory_app: Sedano) -> None:
    heard: list[object] = []

    def hear(task_id: str, state: str, **kwargs: object) -> None:
        heard.append((task_id, state))

    result = add_tasks(memory_app).add.delay(1, 1)
    signals.task_postrun.connect(hear)
    run_until_idle(memory_app)
    signals.task_postrun.disconnect(hear)

    assert heard == [(result.id, "SUCCESS")]


def test_modules_that_the_settings_name_are_imported(memory_app: Sedano) -> None:
    memory_app.conf.imports = ["nowhere_at_all"]

    with pytest.raises(ConfigurationError, match="nowhere_at_all"):
        run_until_idle(memory_app)


def test_what_a_task_runs_eagerly_is_not_listed(memory_app: Sedano) -> None:
    add = add_tasks(memory_app).add

    @memory_app.task(name="outer")
    def outer() -> None:
        add.apply((1, 1))

    outer.delay()

    assert names(run_until_idle(memory_app)) == ["outer"]


def test_something_can_be_done_between_the_tasks(memory_app: Sedano) -> None:
    add, waiting = add_tasks(memory_app).add, [1, 2]

    def publish_next() -> None:
        if waiting:
            add.delay(waiting.pop(0), 0)

    assert [run.result for run in run_until_idle(memory_app, between=publish_next)] == [1, 2]
