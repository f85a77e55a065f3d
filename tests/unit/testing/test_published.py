"""What a test can say of the messages that wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sedano import Sedano
from sedano.errors import Reject
from sedano.testing import (
    ManualClock,
    assert_not_published,
    assert_published,
    clear_published,
    published,
    run_until_idle,
)


class Anything:
    """As ``unittest.mock.ANY``."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture
def send(app: Sedano) -> Any:
    @app.task(name="shop.send")
    def send(order: int, *, copy: bool = False) -> None:
        if copy:
            raise Reject("no copies")

    return send


def test_a_call_is_shown_with_all_that_was_said_of_it(app: Sedano, send: Any, clock: ManualClock) -> None:
    result = send.apply_async(
        (7,), {"copy": True}, queue="mails", priority=3, countdown=60, expires=90, headers={"tenant": "a"}
    )

    [one] = published(app)

    assert (one.task, one.id, one.args, one.kwargs) == ("shop.send", result.id, (7,), {"copy": True})
    assert (one.queue, one.state, one.priority, one.retries) == ("mails", "scheduled", 3, 0)
    assert one.eta == clock.now() + timedelta(seconds=60)
    assert one.expires == clock.now() + timedelta(seconds=90)
    assert one.headers == {"tenant": "a"}


def test_calls_come_in_the_order_in_which_they_would_run(app: Sedano, send: Any) -> None:
    low, high = (0, 9) if app.broker.features.higher_priority_first else (9, 0)
    for order, priority in ((1, low), (2, high), (3, low)):
        send.apply_async((order,), priority=priority)

    assert [one.args for one in published(app)] == [(2,), (1,), (3,)]


def test_calls_are_found_by_task_arguments_and_queue(app: Sedano, send: Any) -> None:
    send.delay(7)
    send.apply_async((7,), {"copy": True}, queue="mails")
    app.send_task("shop.other", (7,))

    assert len(published(app)) == 3
    assert len(published(app, send)) == len(published(app, "shop.send")) == 2
    assert len(published(app, args=(7,))) == 3
    assert len(published(app, send, kwargs={})) == 1
    assert len(published(app, send, kwargs={"copy": True})) == 1
    assert len(published(app, queue="mails")) == 1
    assert published(app, send, (8,)) == []
    assert published(app, queue="nothing") == []


def test_arguments_are_compared_as_they_come_out_of_a_message(app: Sedano) -> None:
    when = datetime(2028, 1, 1, tzinfo=UTC)
    app.send_task("shop.note", ((1, (2,)), when), {"at": {"x": (3,)}})

    assert_published(app, "shop.note", ((1, (2,)), when), {"at": {"x": (3,)}})
    assert_published(app, "shop.note", [[1, [2]], Anything()], {"at": Anything()})


def test_what_is_published_is_returned(app: Sedano, send: Any) -> None:
    result = send.delay(7)

    assert assert_published(app, send).id == result.id


def test_a_missing_call_is_reported_with_those_that_are_there(app: Sedano, send: Any) -> None:
    send.apply_async((7,), {"copy": True}, queue="mails")

    with pytest.raises(AssertionError) as caught:
        assert_published(app, send, (8,), queue="celery")

    assert str(caught.value).splitlines() == [
        "A call of shop.send with args (8,) in queue 'celery' is not published.",
        "Published are:",
        "  shop.send(7, copy=True)  [queue 'mails', ready]",
    ]


def test_of_scheduled_calls_the_time_is_told(app: Sedano, send: Any) -> None:
    send.apply_async((7,), eta=datetime(2028, 2, 1, 8, 30, tzinfo=UTC))

    with pytest.raises(AssertionError, match=r"scheduled for 2028-02-01 08:30:00\+00:00"):
        assert_published(app, "shop.other")


def test_an_empty_broker_is_called_so(app: Sedano, send: Any) -> None:
    with pytest.raises(AssertionError, match=r"shop.send is not published\.\nNothing is\."):
        assert_published(app, send)


def test_calls_are_counted(app: Sedano, send: Any) -> None:
    send.publish_many([(1,), (2,)])

    assert_published(app, send, count=2)
    with pytest.raises(AssertionError, match=r"is published 2 times\. Expected: 1\."):
        assert_published(app, send, count=1)


def test_a_long_list_is_cut(app: Sedano, send: Any) -> None:
    send.publish_many([(number,) for number in range(30)])

    with pytest.raises(AssertionError, match="and 10 more"):
        assert_published(app, "shop.other")


def test_a_call_that_should_not_be_there_is_shown(app: Sedano, send: Any) -> None:
    assert_not_published(app, send)
    send.delay(7)
    assert_not_published(app, send, (8,))

    with pytest.raises(AssertionError, match=r"A call of any task is published:\n  shop.send\(7\)"):
        assert_not_published(app)


def test_what_has_been_run_is_not_published_any_more(app: Sedano, send: Any) -> None:
    send.delay(7)
    run_until_idle(app)

    assert_not_published(app)


def test_everything_is_cleared(app: Sedano, send: Any) -> None:
    send.delay(7, copy=True)
    run_until_idle(app)
    send.delay(8)
    send.apply_async((9,), queue="mails", countdown=60)

    assert clear_published(app) == 2
    assert published(app) == []
    assert app.broker.admin.dead_letters() == []
