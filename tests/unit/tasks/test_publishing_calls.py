"""What ``delay`` and ``apply_async`` put into the broker."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from sedano import Sedano, shared_task
from sedano.brokers.admin import StoredMessage
from sedano.errors import ConfigurationError, InvalidArguments, MessageTooLarge, NotSerializable, NotSupported
from sedano.message.task_message import TaskMessage
from sedano.testing.clock import ManualClock

Messages = Callable[..., list[TaskMessage]]
Stored = Callable[..., list[StoredMessage]]


def test_delay_publishes_the_call_under_a_new_id(app: Sedano, messages: Messages) -> None:
    @app.task(name="proj.add")
    def add(x: int, y: int) -> int:
        return x + y

    result = add.delay(1, y=2)

    (message,) = messages()
    assert message.id == result.id
    assert (message.task, list(message.args), message.kwargs) == ("proj.add", [1], {"y": 2})
    assert message.root_id == result.id
    assert message.ignore_result is False


def test_a_call_may_be_given_its_id(app: Sedano, messages: Messages) -> None:
    @app.task
    def ping() -> None: ...

    assert ping.apply_async(task_id="mine").id == "mine"
    assert [message.id for message in messages()] == ["mine"]


def test_a_countdown_becomes_a_due_time(
    app: Sedano, clock: ManualClock, messages: Messages, stored: Stored
) -> None:
    @app.task
    def ping() -> None: ...

    ping.apply_async(countdown=60)

    assert [message.due for message in stored()] == [clock.timestamp() + 60]
    assert messages()[0].eta == (clock.now() + timedelta(seconds=60)).isoformat()


def test_a_countdown_of_zero_is_none(app: Sedano, stored: Stored, messages: Messages) -> None:
    @app.task
    def ping() -> None: ...

    ping.apply_async(countdown=0)

    assert [(message.state, message.due) for message in stored()] == [("ready", None)]
    assert messages()[0].eta is None


@pytest.mark.parametrize(
    "eta",
    [
        datetime(2030, 5, 1, 12, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2030, 5, 1, 10, 0),  # noqa: DTZ001 - without an offset it is UTC
    ],
)
def test_an_eta_is_a_moment_wherever_its_clock_is(app: Sedano, stored: Stored, eta: datetime) -> None:
    @app.task
    def ping() -> None: ...

    ping.apply_async(eta=eta)

    moment = datetime.fromisoformat("2030-05-01T10:00:00+00:00").timestamp()
    assert [message.due for message in stored()] == [moment]


def test_expires_in_seconds_is_written_as_a_moment(
    app: Sedano, clock: ManualClock, messages: Messages
) -> None:
    @app.task(expires=30)
    def ping() -> None: ...

    ping.delay()

    (message,) = messages()
    assert message.expires == (clock.now() + timedelta(seconds=30)).isoformat()
    assert message.expiration == "30000"


def test_what_the_call_says_goes_over_what_the_task_says(app: Sedano, stored: Stored) -> None:
    @app.task(queue="slow", priority=3, time_limit=5)
    def ping() -> None: ...

    ping.delay()
    ping.apply_async(queue="fast", priority=9)

    assert [message.priority for message in stored("slow")] == [3]
    assert [message.priority for message in stored("fast")] == [9]


def test_what_the_task_says_goes_over_the_routes_and_these_over_the_settings(
    app: Sedano, stored: Stored
) -> None:
    app.conf.update(task_routes={"proj.*": {"queue": "routed", "priority": 2}}, task_default_queue="default")

    @app.task(name="proj.routed")
    def routed() -> None: ...

    @app.task(name="proj.own", queue="own")
    def own() -> None: ...

    @app.task(name="other.one")
    def other() -> None: ...

    for task in (routed, own, other):
        task.delay()

    names = {
        queue: [(message.task, message.priority) for message in stored(queue)]
        for queue in ("routed", "own", "default")
    }
    assert names == {
        "routed": [("proj.routed", 2)],
        "own": [("proj.own", 2)],
        "default": [("other.one", 0)],
    }


def test_limits_of_the_task_travel_with_the_message(app: Sedano, messages: Messages) -> None:
    app.conf.task_soft_time_limit = 3

    @app.task(time_limit=5)
    def ping() -> None: ...

    ping.delay()

    (message,) = messages()
    assert (message.time_limit, message.soft_time_limit) == (5, 3)


def test_headers_of_the_users_own_travel_with_the_message(app: Sedano, messages: Messages) -> None:
    @app.task
    def ping() -> None: ...

    ping.apply_async(headers={"tenant": "acme"}, shadow="pong")

    (message,) = messages()
    assert (message.headers, message.shadow) == ({"tenant": "acme"}, "pong")


def test_the_result_of_a_call_that_ignores_it_has_nothing_to_wait_for(app: Sedano) -> None:
    @app.task
    def ping() -> int:
        return 1

    result = ping.apply_async(ignore_result=True)

    assert result.ignored
    assert result.get() is None


@pytest.mark.parametrize(
    ("args", "kwargs", "complaint"),
    [
        ((1,), {}, r"proj\.add\(\.\.\.\) does not fit proj\.add\(x: int, y: int\): .*'y'"),
        ((1, 2, 3), {}, "at most 2, and was given 3"),
        ((1,), {"z": 2}, "'y'|'z'"),
        ((1,), {"x": 2}, "multiple values for argument 'x'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_and_nothing_is_published(
    app: Sedano, stored: Stored, args: tuple[int, ...], kwargs: dict[str, int], complaint: str
) -> None:
    @app.task(name="proj.add")
    def add(x: int, y: int) -> int:
        return x + y

    with pytest.raises(InvalidArguments, match=complaint):
        add.apply_async(args, kwargs)

    assert stored() == []


def test_the_task_itself_is_no_argument_of_a_bound_task(app: Sedano) -> None:
    @app.task(bind=True)
    def whoami(self: object, name: str) -> str:
        return name

    whoami.delay("me")
    with pytest.raises(InvalidArguments):
        whoami.apply_async(("me", "you"))


def test_arguments_are_not_checked_where_the_task_says_so(app: Sedano, stored: Stored) -> None:
    @app.task(typing=False)
    def ping() -> None: ...

    ping.apply_async((1, 2))

    assert len(stored()) == 1


def test_an_argument_that_cannot_be_written_is_named_and_nothing_is_published(
    app: Sedano, stored: Stored
) -> None:
    @app.task
    def greet(user: object) -> None: ...

    with pytest.raises(NotSerializable, match="user"):
        greet.delay(object())

    assert stored() == []


def test_a_message_that_is_too_large_names_its_largest_argument(app: Sedano, stored: Stored) -> None:
    app.conf.task_max_message_size = 2000

    @app.task
    def store(key: str, text: str) -> None: ...

    with pytest.raises(MessageTooLarge, match="text"):
        store.delay("k", "x" * 3000)

    assert stored() == []


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"link": ["sig"]}, ConfigurationError, "link: expected a signature"),
        ({"exchange": "media"}, NotSupported, "exchange.*queue="),
        ({"routing_key": "a.b"}, NotSupported, "routing_key"),
        ({"cuontdown": 1}, ConfigurationError, "did you mean 'countdown'"),
        ({"countdown": "soon"}, ConfigurationError, "countdown: expected a number"),
        ({"priority": "high"}, ConfigurationError, "priority: expected an integer"),
        ({"eta": 5}, ConfigurationError, "eta: expected a datetime"),
        ({"countdown": 5, "eta": datetime(2030, 1, 1)}, ConfigurationError, "one of them"),  # noqa: DTZ001
        ({"queue": 7}, ConfigurationError, "queue: expected a text"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_refused(
    app: Sedano, stored: Stored, options: dict[str, object], error: type[Exception], complaint: str
) -> None:
    @app.task
    def ping() -> None: ...

    with pytest.raises(error, match=f"(?i){complaint}"):
        ping.apply_async(**options)  # type: ignore[arg-type]

    assert stored() == []


def test_options_that_say_nothing_are_let_through(app: Sedano, stored: Stored) -> None:
    @app.task
    def ping() -> None: ...

    ping.apply_async(None, None, link=None, link_error=[], producer=None, queue="q", routing_key="q")  # type: ignore[call-arg]

    assert len(stored("q")) == 1


@pytest.mark.parametrize("args", ["text", 5, {"a": 1}])
def test_positional_arguments_are_a_list(app: Sedano, args: object) -> None:
    @app.task
    def ping(*args: object) -> None: ...

    with pytest.raises(TypeError, match="args: expected a list or a tuple"):
        ping.apply_async(args)


def test_a_task_is_published_by_name_without_being_known(app: Sedano, messages: Messages) -> None:
    result = app.send_task("elsewhere.add", (1, 2), queue="far")

    (message,) = messages("far")
    assert (message.id, message.task, message.ignore_result) == (result.id, "elsewhere.add", None)


def test_a_known_task_published_by_name_has_its_own_options(app: Sedano, stored: Stored) -> None:
    @app.task(name="proj.ping", queue="own")
    def ping() -> None: ...

    app.send_task("proj.ping")

    assert len(stored("own")) == 1


def test_a_shared_task_goes_to_the_application_that_is_current(clock: ManualClock) -> None:
    @shared_task(name="proj.test_shared_goes_to_current")
    def ping() -> None: ...

    with (
        Sedano("first", broker="memory://", clock=clock) as first,
        Sedano("second", broker="memory://", clock=clock) as second,
    ):
        ping.delay()
        first.set_current()
        ping.delay()
        ping.delay()

        assert second.broker.admin.depth("celery").ready == 1
        assert first.broker.admin.depth("celery").ready == 2
        assert ping.name in first.tasks
        assert ping.name in second.tasks


def test_changed_settings_count_from_the_next_call_on(app: Sedano, stored: Stored) -> None:
    @app.task
    def ping() -> None: ...

    ping.delay()
    app.conf.task_default_queue = "new"
    app.conf.task_ignore_result = True
    result = ping.delay()

    assert (len(stored("celery")), len(stored("new"))) == (1, 1)
    assert result.ignored


def test_another_serializer_writes_the_body(app: Sedano, stored: Stored) -> None:
    @app.task(serializer="yaml")
    def ping(x: int) -> None: ...

    ping.delay(1)
    ping.apply_async((1,), serializer="json")

    assert [message.envelope.content_type for message in stored()] == [
        "application/x-yaml",
        "application/json",
    ]
