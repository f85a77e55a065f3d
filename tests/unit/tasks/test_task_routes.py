"""``task_routes`` in all the forms that Celery knows."""

import re
from typing import Any

import pytest

from sedano.errors import ConfigurationError, NotSupported
from sedano.tasks.options import TaskOptions
from sedano.tasks.routing import Router


def queue_of(routes: Any, name: str) -> str | None:
    return Router(routes).route(name, (), {}).queue


def by_callable(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **rest: Any) -> Any:
    return {"queue": "called"} if name == "feed.import" else None


class ByMethod:
    def route_for_task(self, name: str, args: Any = None, kwargs: Any = None) -> Any:
        return "method" if name == "feed.import" else None


@pytest.mark.parametrize(
    "routes",
    [
        {"feed.import": "feeds"},
        {"feed.import": {"queue": "feeds"}},
        {"feed.*": {"queue": "feeds", "routing_key": "feeds"}},
        {re.compile(r"feed\.(import|export)"): {"queue": "feeds"}},
        [("feed.*", "feeds")],
        ([("feed.*", {"queue": "feeds"})],),
        ("feed.*", {"queue": "feeds"}),
        [{"other.*": "others"}, {"feed.*": "feeds"}],
    ],
)
def test_tables_in_any_form_name_a_queue(routes: Any) -> None:
    assert queue_of(routes, "feed.import") == "feeds"
    assert queue_of(routes, "mail.send") is None


def test_an_exact_name_goes_before_a_pattern() -> None:
    routes = {"feed.*": "feeds", "feed.import": "imports"}

    assert queue_of(routes, "feed.import") == "imports"


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        (by_callable, "called"),
        ([{"mail.*": "mails"}, by_callable], "called"),
        (f"{__name__}.by_callable", "called"),
        (f"{__name__}:by_callable", "called"),
        ([f"{__name__}.ByMethod"], "method"),
        (ByMethod(), "method"),
    ],
)
def test_routers_are_asked_about_every_call(routes: Any, expected: str) -> None:
    router = Router(routes)

    for _ in range(2):
        assert router.route("feed.import", (), {}).queue == expected
        assert router.route("feed.export", (), {}).queue is None


def test_a_router_sees_the_call() -> None:
    seen = []

    def note(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **rest: Any) -> None:
        seen.append((name, args, kwargs, options["priority"], task))

    Router([note]).route("feed.import", (1,), {"a": 2}, TaskOptions(priority=3), None)

    assert seen == [("feed.import", (1,), {"a": 2}, 3, None)]


@pytest.mark.parametrize(
    ("routes", "error", "complaint"),
    [
        ({"feed.*": 5}, ConfigurationError, "expected a queue's name or a dictionary for 'feed"),
        ({"feed.*": {"exchange": "media"}}, NotSupported, "task_routes: 'feed.*exchange"),
        ({"feed.*": {"quue": "feeds"}}, ConfigurationError, "Did you mean 'queue'"),
        (5, ConfigurationError, "expected a dictionary, a function"),
    ],
)
def test_a_route_that_cannot_be_followed_is_refused(
    routes: Any, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        Router(routes)
