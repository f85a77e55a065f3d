"""Values as data that can be compared: what both libraries mean by a result, an error, a request.

Called by what observes tasks, and by the runner.
"""

import importlib
import re
from collections.abc import Mapping
from typing import Any, Final

from tests.interop.scenarios.library import Library

#: Celery's errors can be among their own arguments.
DEEPEST: Final = 12


#: Fields of requests that nobody looks for where there was no message.
OF_MESSAGES: Final = (
    "queue",
    "exchange",
    "priority",
    "correlation_id",
    "lang",
    "timelimit",
    "reply_to",
    "argsrepr",
)

ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

OWN_ERROR: Final = re.compile(r"(?:sedano\.errors|celery\.exceptions|billiard\.exceptions)\.(\w+)")


def is_id(value: Any) -> bool:
    """Whether this names a task, a group, or a client."""
    return value is not None and ID.fullmatch(value) is not None


def plain(library: Library, value: Any, depth: int = 0) -> Any:
    """A value as JSON, the same for both libraries."""
    if depth > DEEPEST:
        return "..."
    match value:
        case None | bool() | int() | float() | str():
            return value
        case BaseException() if type(value).__name__ == "ExceptionWithTraceback":
            return plain(library, value.exc, depth)
        case library.exceptions.Retry():
            when = value.when if isinstance(value.when, int | float | None) else "a moment"
            return {"error": "Retry", "exc": plain(library, value.exc, depth + 1), "when": when}
        case BaseException():
            return {
                "error": library.error_name(type(value)),
                "args": plain(library, list(value.args), depth + 1),
            }
        case Mapping():
            return {str(name): plain(library, one, depth + 1) for name, one in value.items() if name != "k"}
        case list() | tuple():
            return [plain(library, one, depth + 1) for one in value]
        case set() | frozenset():
            return sorted(plain(library, one, depth + 1) for one in value)
    if hasattr(value, "results") and hasattr(value, "id"):
        return {"group": value.id, "members": plain(library, list(value.results), depth + 1)}
    if hasattr(value, "as_tuple"):
        return {"result": value.id}
    return f"<{type(value).__name__}>"


def last_line(library: Library, text: object) -> str | None:
    """The last line of a traceback, with the name that Celery has for the error."""
    lines = str(text).strip().splitlines() if text else []
    if not lines:
        return None
    match = OWN_ERROR.match(lines[-1])
    if match is None:
        return lines[-1]
    name = match[1]
    kind = getattr(importlib.import_module("sedano.errors"), name, None) if "sedano" in match[0] else None
    return f"{library.error_name(kind) if kind else name}{lines[-1][match.end() :]}"


def names(signatures: Any) -> Any:
    """Which tasks are called by these signatures."""
    if not signatures:
        return None
    if isinstance(signatures, Mapping):
        return signatures["task"]
    return [one["task"] for one in signatures]


def request_facts(library: Library, request: Any) -> dict[str, Any]:
    """What a running task may know of its call, less what differs from run to run."""
    info = request.get("delivery_info") or {}
    limits = request.get("timelimit")
    facts = {
        "id": request.get("id"),
        "task": request.get("task"),
        "args": plain(library, request.get("args")),
        "kwargs": plain(library, request.get("kwargs")),
        "retries": request.get("retries"),
        "root_id": request.get("root_id"),
        "parent_id": request.get("parent_id"),
        "group": request.get("group"),
        "group_index": request.get("group_index"),
        "chord": names(request.get("chord")),
        "chain": names(request.get("chain")),
        "callbacks": names(request.get("callbacks")),
        "errbacks": names(request.get("errbacks")),
        "queue": info.get("routing_key"),
        "exchange": info.get("exchange"),
        "priority": info.get("priority"),
        "is_eager": request.get("is_eager"),
        "called_directly": request.get("called_directly"),
        "eta": request.get("eta") is not None,
        "expires": request.get("expires") is not None,
        "timelimit": list(limits) if limits is not None else None,
        "shadow": request.get("shadow"),
        "ignore_result": request.get("ignore_result"),
        "headers": plain(library, request.get("headers")),
        "stamps": plain(library, request.get("stamps")),
        "stamped_headers": sorted(request.get("stamped_headers") or ()),
        "replaced_task_nesting": request.get("replaced_task_nesting"),
        "reply_to": None if is_id(request.get("reply_to")) else request.get("reply_to"),
        "correlation_id": request.get("correlation_id"),
        "argsrepr": re.sub(r"[()\[\], ]", "", request.get("argsrepr") or ""),
        "lang": request.get("lang"),
        "hostname": request.get("hostname") is not None,
        "utc": request.get("utc"),
    }
    if request.get("is_eager"):
        for name in OF_MESSAGES:
            del facts[name]
    return {name: value for name, value in facts.items() if value not in (None, False, [], {})}
