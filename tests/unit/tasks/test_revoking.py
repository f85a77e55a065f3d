"""Tasks that are forbidden while their messages wait, and how their workflows hear of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sedano import Sedano, Task, chain, chord
from sedano.message.task_message import TaskMessage

Messages = Callable[..., list[TaskMessage]]


@pytest.fixture
def ping(app: Sedano) -> Task[..., Any]:
    @app.task(name="proj.ping")
    def ping(*args: object) -> None: ...

    return ping


def test_the_message_of_a_task_is_deleted(app: Sedano, ping: Task[..., Any], messages: Messages) -> None:
    result = ping.delay()

    assert app.revoke(result.id)
    assert messages() == []


def test_an_id_that_nobody_published_is_not_revoked(app: Sedano) -> None:
    assert not app.revoke("nobody")


def test_a_task_with_callbacks_alone_is_deleted_too(
    app: Sedano, ping: Task[..., Any], messages: Messages
) -> None:
    result = ping.apply_async(link=ping.s(), link_error=ping.s())

    assert app.revoke(result.id)
    assert messages() == []


@pytest.mark.parametrize("serializer", ["json", "pickle", "yaml"])
def test_a_task_that_others_wait_for_tells_them(
    app: Sedano, ping: Task[..., Any], messages: Messages, serializer: str
) -> None:
    result = chain(ping.s(1).set(countdown=60, serializer=serializer), ping.s()).apply_async()

    assert app.revoke(result.parent.id)

    (message,) = messages()
    assert (message.id, message.headers, message.eta) == (result.parent.id, {"revoked": True}, None)
    assert datetime.fromisoformat(message.expires or "") < app.clock.now()
    assert message.chain is not None
    assert app.broker.admin.depth("celery").ready == 1


def test_a_member_of_a_chord_tells_it(app: Sedano, ping: Task[..., Any], messages: Messages) -> None:
    result = chord([ping.s(1), ping.s(2)], ping.s()).apply_async()

    assert app.revoke(result.parent.results[0].id)

    assert sorted(message.headers.get("revoked", False) for message in messages()) == [False, True]
