"""A result says who asked for it, and so does all that follows from a task: for stores that send results."""

from collections.abc import Iterator
from typing import Any

import pytest

from sedano import Sedano, chain, ids
from sedano.brokers.publication import Publication
from sedano.brokers.settlement import Settlement
from sedano.execution.ending import Expired
from sedano.execution.job import Job
from tests.unit.execution.line import Line

ASKER = "somebody-elsewhere"


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="memory://who-asked", set_as_current=False) as app:
        yield app


@pytest.fixture
def tasks(app: Sedano) -> dict[str, Any]:
    @app.task
    def add(x: int, y: int = 1) -> int:
        return x + y

    @app.task
    def fail(*_: Any) -> None:
        raise ValueError

    @app.task(bind=True)
    def become_add(self: Any, x: int) -> None:
        raise self.replace(add.s(x, 1))

    @app.task(bind=True)
    def go_on(self: Any) -> None:
        self.update_state(state="PROGRESS", meta={})
        raise self.retry(countdown=0)

    @app.task
    def hear(failed_id: str) -> None: ...

    return {name: task for name, task in locals().items() if name != "app"}


@pytest.fixture
def line(app: Sedano, tasks: dict[str, Any]) -> Line:
    return Line(app)


def settled(line: Line) -> list[Settlement]:
    """Everything that is said of the one task that is ready."""
    [job], _ = line.exchange([], 1)
    return line.work(job)


def results(settlements: list[Settlement]) -> list[Any]:
    own = [one.result for one in settlements if getattr(one, "result", None) is not None]
    changes = [one.workflow for one in settlements if getattr(one, "workflow", None) is not None]
    return own + [write for change in changes for write in change.results]


def follow_ups(settlements: list[Settlement]) -> list[Publication]:
    return [one for settlement in settlements for one in getattr(settlement, "follow_ups", ())]


@pytest.mark.parametrize("name", ["add", "fail", "go_on"])
def test_every_result_of_a_task_says_it(line: Line, tasks: dict[str, Any], name: str) -> None:
    tasks[name].apply_async((1,) if name == "add" else (), reply_to=ASKER)

    written = results(settled(line))

    assert written
    assert {write.reply_to for write in written} == {ASKER}


def test_what_ends_without_having_run_says_it(line: Line, tasks: dict[str, Any]) -> None:
    tasks["add"].apply_async((1,), reply_to=ASKER)
    [job], _ = line.exchange([], 1)

    [result] = results(line.work(Job(job.delivery, ending=Expired())))

    assert (result.state, result.reply_to) == ("REVOKED", ASKER)


def test_a_message_that_cannot_be_read_says_it(app: Sedano, line: Line, tasks: dict[str, Any]) -> None:
    with app.publisher.collect() as published:
        tasks["add"].apply_async((1,), reply_to=ASKER)
    [publication] = published
    envelope = type(publication.envelope)(
        headers=publication.envelope.headers, body=b"no JSON", reply_to=ASKER
    )
    app.broker.publish([Publication(publication.task_id, publication.task, "celery", envelope)])

    [result] = results(settled(line))

    assert (result.state, result.reply_to) == ("FAILURE", ASKER)


@pytest.mark.parametrize("kind", ["callback", "chain", "replacement", "retry", "errback"])
def test_what_follows_is_asked_for_by_the_same(line: Line, tasks: dict[str, Any], kind: str) -> None:
    add = tasks["add"]
    match kind:
        case "callback":
            add.apply_async((1,), link=add.s(), reply_to=ASKER)
        case "chain":
            chain(add.s(1), add.s(2)).apply_async(reply_to=ASKER)
        case "replacement":
            tasks["become_add"].apply_async((1,), reply_to=ASKER)
        case "retry":
            tasks["go_on"].apply_async(reply_to=ASKER)
        case "errback":
            tasks["fail"].apply_async(link_error=tasks["hear"].s(), reply_to=ASKER)

    [following] = follow_ups(settled(line))

    assert following.envelope.reply_to == ASKER


def test_steps_that_never_run_tell_it_too(line: Line, tasks: dict[str, Any]) -> None:
    chain(tasks["fail"].s(), tasks["add"].s(1)).apply_async(reply_to=ASKER)

    written = results(settled(line))

    assert [write.reply_to for write in written] == [ASKER, ASKER]


def test_a_call_of_the_tasks_own_is_asked_for_by_its_process(app: Sedano, tasks: dict[str, Any]) -> None:
    with app.publisher.collect() as published:
        chain(tasks["add"].s(1), tasks["add"].s(2)).apply_async()

    assert published[0].envelope.reply_to == ids.reply_address()
