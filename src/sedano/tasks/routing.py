"""Which queue a task goes to, where neither the call nor the task says: ``task_routes``.

Called by the publisher for every call. What an exchange in a route means, ``addresses`` knows.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from sedano.errors import ConfigurationError
from sedano.loading import load_object
from sedano.tasks.addresses import refuse_exchanges
from sedano.tasks.options import NO_OPTIONS, TaskOptions

if TYPE_CHECKING:
    from sedano.tasks.task import Task

#: How many task names' routes are remembered.
MOST_NAMES: Final = 10_000

Pattern: TypeAlias = "str | re.Pattern[str]"


class RouteTable:
    """Task names, globs (``feed.*``) and regular expressions, each with its route; exact names win."""

    def __init__(self, entries: Iterable[tuple[Pattern, Any]], *, exchanges: bool) -> None:
        self._exact: dict[str, TaskOptions] = {}
        self._patterns: list[tuple[re.Pattern[str], TaskOptions]] = []
        for pattern, value in entries:
            route = read_route(value, of=str(pattern), exchanges=exchanges)
            if isinstance(pattern, re.Pattern):
                self._patterns.append((pattern, route))
            elif "*" in pattern or "?" in pattern:
                self._patterns.append((re.compile(fnmatch.translate(pattern)), route))
            else:
                self._exact[pattern] = route

    def route(self, name: str) -> TaskOptions | None:
        """The route of a task; None if no entry matches."""
        if (exact := self._exact.get(name)) is not None:
            return exact
        return next((route for pattern, route in self._patterns if pattern.match(name)), None)


Custom: TypeAlias = Callable[..., Any]


class Router:
    """The routes of one application, asked in order; the first that has an answer wins.

    Args:
        routes: As ``task_routes`` has them.
        exchanges: The broker has exchanges, so that a route may name one.

    >>> Router({"mails.*": {"queue": "mails"}}).route("mails.send", (), {}).queue
    'mails'
    """

    def __init__(self, routes: Any, *, exchanges: bool = False) -> None:
        self._exchanges = exchanges
        self._rules = list(_read_rules(routes, exchanges=exchanges))
        self._remembers = all(isinstance(rule, RouteTable) for rule in self._rules)
        self._known: dict[str, TaskOptions] = {}

    def route(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: TaskOptions = NO_OPTIONS,
        task: "Task[..., Any] | None" = None,
    ) -> TaskOptions:
        """What the routes say of a call; no options at all if none matches."""
        if (known := self._known.get(name)) is not None:
            return known
        route = self._ask(name, args, kwargs, options, task)
        if self._remembers and len(self._known) < MOST_NAMES:
            self._known[name] = route
        return route

    def _ask(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: TaskOptions,
        task: "Task[..., Any] | None",
    ) -> TaskOptions:
        for rule in self._rules:
            if isinstance(rule, RouteTable):
                found = rule.route(name)
            else:
                given = {
                    field: value
                    for field, value in msgspec.structs.asdict(options).items()
                    if value is not None
                }
                answer = rule(name, args, kwargs, given, task=task)
                found = read_route(answer, of=name, exchanges=self._exchanges) if answer is not None else None
            if found is not None:
                return found
        return NO_OPTIONS


def read_route(value: Any, *, of: str, exchanges: bool) -> TaskOptions:
    """A route as users write it: a queue's name, or a dictionary of options."""
    if isinstance(value, str):
        return TaskOptions(queue=value)
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"task_routes: expected a queue's name or a dictionary for {of!r}, got {value!r}"
        )
    try:
        route = TaskOptions.from_call(value)
        if not exchanges:
            refuse_exchanges(route)
        return route
    except ConfigurationError as error:
        raise type(error)(f"task_routes: {of!r}: {error}") from error


def _read_rules(routes: Any, *, exchanges: bool) -> Iterable[RouteTable | Custom]:
    if routes is None:
        return
    if isinstance(routes, Mapping):
        yield RouteTable(routes.items(), exchanges=exchanges)
    elif isinstance(routes, str):
        yield _custom(load_object(routes))
    elif _is_pair(routes):
        yield RouteTable([routes], exchanges=exchanges)
    elif isinstance(routes, list | tuple):
        for rule in routes:
            yield from _read_rules(rule, exchanges=exchanges)
    else:
        yield _custom(routes)


def _is_pair(rule: Any) -> bool:
    return (
        isinstance(rule, list | tuple)
        and len(rule) == 2
        and isinstance(rule[0], str | re.Pattern)
        and isinstance(rule[1], str | Mapping)
        # Two dotted paths of routers would look the same, but for the colon or the missing pattern.
        and not (isinstance(rule[1], str) and ":" in rule[1])
    )


def _custom(router: Any) -> Custom:
    if isinstance(router, type):
        router = router()
    found = getattr(router, "route_for_task", router)
    if not callable(found):
        raise ConfigurationError(
            f"task_routes: expected a dictionary, a function, a dotted path or a list, got {router!r}."
        )
    return _CelerysOldCall(found) if found is not router else found


class _CelerysOldCall:
    """``route_for_task(name, args, kwargs)``: the form of router objects, without options and task."""

    def __init__(self, route_for_task: Callable[..., Any]) -> None:
        self._route_for_task = route_for_task

    def __call__(self, name: str, args: Any, kwargs: Any, options: Any, task: Any = None) -> Any:
        return self._route_for_task(name, args, kwargs)
