"""When and how often the publisher publishes, and whom it tells."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from sedano import Sedano, signals
from sedano.brokers.publication import Publication
from sedano.errors import BrokerUnavailable
from sedano.message.task_message import TaskMessage
from sedano.tasks.options import TaskOptions
from sedano.tasks.publish_retry import PublishRetry
from sedano.tasks.publisher import Publisher
from sedano.testing.clock import ManualClock

Messages = Callable[..., list[TaskMessage]]


class FailingBroker:
    """A broker that is away for the first few tries."""

    def __init__(self, clock: ManualClock, *, failures: int, each_takes: float = 0.0) -> None:
        self._clock = clock
        self._failures = failures
        self._each_takes = each_takes
        self.tries = 0
        self.taken: list[Publication] = []

    def publish(self, publications: Sequence[Publication]) -> None:
        self.tries += 1
        self._clock.advance(self._each_takes)
        if self.tries <= self._failures:
            raise BrokerUnavailable("failing", f"try {self.tries}")
        self.taken += publications


class Application:
    """As much of an application as a publisher asks for, with a broker of the test's."""

    def __init__(self, app: Sedano, broker: FailingBroker) -> None:
        self.settings = app.settings
        self.clock = app.clock
        self.broker = broker

    def finalize(self) -> None: ...


@pytest.fixture
def publisher_to(app: Sedano, clock: ManualClock) -> Callable[[FailingBroker], Publisher]:
    app.conf.broker_publish_timeout = timedelta(seconds=2)

    def made(broker: FailingBroker) -> Publisher:
        return Publisher(Application(app, broker), sleep=clock.advance)  # type: ignore[arg-type]

    return made


def publish(publisher: Publisher, **options: Any) -> None:
    publisher.publish([publisher.prepare("proj.ping", (), {})], TaskOptions(**options))


def test_publishing_is_tried_again_when_the_broker_is_away(
    publisher_to: Callable[[FailingBroker], Publisher], clock: ManualClock
) -> None:
    broker = FailingBroker(clock, failures=3)
    started = clock.monotonic()

    publish(publisher_to(broker))

    assert (broker.tries, len(broker.taken)) == (4, 1)
    assert clock.monotonic() - started == pytest.approx(0 + 0.2 + 0.4)


def test_after_the_last_try_the_last_error_is_raised(
    publisher_to: Callable[[FailingBroker], Publisher], clock: ManualClock
) -> None:
    broker = FailingBroker(clock, failures=9)

    with pytest.raises(BrokerUnavailable, match="try 4"):
        publish(publisher_to(broker))


def test_no_try_begins_after_the_publish_deadline(
    publisher_to: Callable[[FailingBroker], Publisher], clock: ManualClock
) -> None:
    slow = FailingBroker(clock, failures=9, each_takes=2.0)
    quick = FailingBroker(clock, failures=99, each_takes=0.1)

    with pytest.raises(BrokerUnavailable, match="try 1"):
        publish(publisher_to(slow))
    with pytest.raises(BrokerUnavailable):
        publish(publisher_to(quick), retry_policy={"max_retries": None})

    assert 3 < quick.tries < 10


def test_a_call_may_forbid_trying_again(
    publisher_to: Callable[[FailingBroker], Publisher], clock: ManualClock
) -> None:
    broker = FailingBroker(clock, failures=1)

    with pytest.raises(BrokerUnavailable):
        publish(publisher_to(broker), retry=False)

    assert broker.tries == 1


def test_pauses_grow_to_the_longest() -> None:
    policy = PublishRetry.from_policy(
        {"max_retries": 4, "interval_start": 0.5, "interval_step": 1, "interval_max": 2, "errback": None}
    )

    assert list(policy.pauses()) == [0.5, 1.5, 2, 2]


def test_the_gate_decides_when_messages_are_sent(app: Sedano, messages: Messages) -> None:
    waiting: list[Callable[[], None]] = []
    app.publisher.gate = waiting.append

    @app.task
    def ping() -> None: ...

    result = ping.delay()

    assert messages() == []
    for send in waiting:
        send()
    assert [message.id for message in messages()] == [result.id]


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    heard: list[tuple[str, dict[str, Any]]] = []

    def before(sender: str, headers: dict[str, Any], properties: dict[str, Any], **rest: Any) -> None:
        headers["tenant"] = "acme"
        headers["shadow"] = "pong"
        properties["priority"] = 7
        heard.append(("before", {"sender": sender, **rest}))

    def after(sender: str, headers: dict[str, Any], **rest: Any) -> None:
        heard.append(("after", {"sender": sender, "headers": headers, **rest}))

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after, sender="proj.ping")
    yield heard
    signals.before_task_publish.disconnect(before)
    signals.after_task_publish.disconnect(after, sender="proj.ping")


def test_listeners_see_a_message_before_it_is_sent_and_may_change_it(
    app: Sedano, messages: Messages, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    @app.task(name="proj.ping")
    def ping(x: int) -> None: ...

    ping.apply_async((1,), queue="pings")

    (message,) = messages("pings")
    assert (message.headers, message.shadow, message.priority) == ({"tenant": "acme"}, "pong", 7)
    (before, said), (after, told) = heard
    assert (before, said["sender"], said["routing_key"], said["exchange"]) == (
        "before",
        "proj.ping",
        "pings",
        "",
    )
    args, kwargs, embed = said["body"]
    assert (args, kwargs, embed["chain"]) == ((1,), {}, None)
    assert (after, told["headers"]["tenant"], told["headers"]["id"]) == ("after", "acme", message.id)


def test_listeners_to_other_tasks_hear_nothing(app: Sedano, heard: list[tuple[str, dict[str, Any]]]) -> None:
    app.send_task("proj.other")

    assert [what for what, _ in heard] == ["before"]


def test_everything_runs_at_once_where_the_settings_say_always_eager(app: Sedano, messages: Messages) -> None:
    app.conf.task_always_eager = True
    seen = []

    @app.task(bind=True)
    def note(self: Any, items: Any) -> str:
        seen.append((items, self.request.is_eager, self.request.id))
        return "done"

    result = note.apply_async(((1, 2),), task_id="mine")

    assert (result.get(), result.state, result.id) == ("done", "SUCCESS", "mine")
    # Written and read again: a tuple has become a list, as it would on its way to a worker.
    assert seen == [([1, 2], True, "mine")]
    assert messages() == []


def test_publishing_by_name_warns_that_it_is_not_eager(app: Sedano, messages: Messages) -> None:
    app.conf.task_always_eager = True

    with pytest.warns(RuntimeWarning, match="no effect on send_task"):
        app.send_task("proj.ping")

    assert len(messages()) == 1


@pytest.mark.parametrize(
    ("options", "unconditional"),
    [
        ({}, True),
        ({"priority": 3, "queue": "mail"}, True),
        ({"countdown": 5}, False),
        ({"expires": 60}, False),
        ({"time_limit": 10}, False),
        ({"soft_time_limit": 10}, False),
    ],
)
def test_only_a_call_without_times_and_limits_is_admitted_without_a_look_at_its_headers(
    options: dict[str, Any], unconditional: bool
) -> None:
    app = Sedano("proj", broker="memory://conditions", set_as_current=False)

    publication = app.publisher.prepare("tests.add", (), {}, TaskOptions.from_call(options))

    assert publication.unconditional is unconditional
    app.close()
