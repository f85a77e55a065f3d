"""What became of a scenario, as data that is the same whenever the same has happened.

Ids become names: those the scenario gave, then the tasks that ran, then the rest in the order in which it is
told. Called by the runner when all is quiet.
"""

import re
from collections import defaultdict
from typing import Any, Final

from tests.interop.scenarios.plain import ID, last_line, plain
from tests.interop.scenarios.stage import Stage

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?")
ADDRESS: Final = re.compile(r"0x[0-9a-f]{6,}")

#: Where a task runs; not the same twice.
ELSEWHERE: Final = ("pid", "hostname")

#: What each line of the journal has.
OF_NOTES: Final = ("key", "event", "id", "at", "pid")

Event = dict[str, Any]


def transcript(stage: Stage, events: list[Event]) -> dict[str, Any]:
    """All that is told of a scenario."""
    names: dict[str, str] = {}
    for name, result in stage.watched.items():
        _name_result(names, name, result)
    _name_tasks(names, events)
    _name_groups(names, events)
    for name, result in stage.watched.items():
        _name_parents(names, name, result)
    try:
        results = _results(stage, names)
    except Exception as error:
        results = {"broke": plain(stage.library, error)}
    told = {"facts": stage.facts, "results": results, "tasks": _tasks(names, events)}
    return _with_names(told, names, stage.key)


def _name_result(names: dict[str, str], name: str, result: Any) -> None:
    if result is None or not hasattr(result, "id"):
        return
    if result.id is not None:
        names.setdefault(result.id, name)
    for number, member in enumerate(getattr(result, "results", None) or ()):
        _name_result(names, f"{name}[{number}]", member)


def _name_parents(names: dict[str, str], name: str, result: Any) -> None:
    """What went before and has not run itself."""
    for number, member in enumerate(getattr(result, "results", None) or ()):
        _name_parents(names, names.get(member.id, f"{name}[{number}]"), member)
    parent = getattr(result, "parent", None)
    if parent is not None:
        name = names.get(parent.id, f"{name}.parent")
        _name_result(names, name, parent)
        _name_parents(names, name, parent)


def _name_groups(names: dict[str, str], events: list[Event]) -> None:
    """After the first of their members that has run."""
    first: dict[str, tuple[int, str]] = {}
    for event in events:
        request = event.get("request", {})
        if "group" in request and event["id"] in names:
            found = (request.get("group_index", 0), names[event["id"]])
            first[request["group"]] = min(first.get(request["group"], found), found)
    for group_id, (_, name) in first.items():
        names.setdefault(group_id, f"group of {name}")


def _name_tasks(names: dict[str, str], events: list[Event]) -> None:
    """``add(1, 2)``; where there are several, ``add(1, 2)#2``."""
    labels: dict[str, list[tuple[Any, str]]] = defaultdict(list)
    for event in events:
        task_id = event["id"]
        if event["event"] in ("prerun", "revoked") and task_id not in names:
            request = event.get("request", {})
            label = _label(event, request)
            order = (request.get("group_index", -1), event["at"])
            if all(one != task_id for _, one in labels[label]):
                labels[label].append((order, task_id))
    for label, found in sorted(labels.items()):
        for number, (_, task_id) in enumerate(sorted(found), start=1):
            names[task_id] = label if len(found) == 1 else f"{label}#{number}"


def _label(event: Event, request: dict[str, Any]) -> str:
    args = ", ".join(ID.sub("?", str(one)) for one in request.get("args", ()))
    return f"{event['task'].removeprefix('sc.')}({args})"[:80]


def _tasks(names: dict[str, str], events: list[Event]) -> dict[str, list[Any]]:
    """What happened to each task, in order."""
    told: dict[str, list[Any]] = defaultdict(list)
    members = _members(events)
    roots = _roots(events, members)
    for event in _by_attempt(events):
        _blur(event, members, roots)
        about = {name: value for name, value in event.items() if name not in OF_NOTES}
        if event["event"] != "prerun":
            about.pop("task", None)
        task_id = event["id"]
        told[names.get(task_id, task_id) if task_id else "functions"].append([event["event"], about])
    if "functions" in told:
        told["functions"].sort(key=_without_ids)
    return dict(sorted(told.items()))


def _by_attempt(events: list[Event]) -> list[Event]:
    """In order, but that an attempt is told to its end before the next, which may have begun meanwhile."""
    begun: dict[str, int] = defaultdict(int)
    running: dict[tuple[str, int], int] = {}
    numbered = []
    for event in events:
        task_id, pid = event["id"] or "", event["pid"]
        if event["event"] == "prerun":
            begun[task_id] += 1
            running[task_id, pid] = begun[task_id]
        numbered.append((running.get((task_id, pid), begun[task_id]), event))
    return [event for _, event in sorted(numbered, key=lambda pair: pair[0])]


def _members(events: list[Event]) -> dict[str, str]:
    """Members of chords' headers, and what they stem from where that is not the same, and their groups."""
    found = [event for event in events if {"chord", "group"} <= event.get("request", {}).keys()]
    roots: dict[str, set[str]] = defaultdict(set)
    for event in found:
        roots[event["request"]["group"]].add(event["request"]["root_id"])
    members = {root: group for group, several in roots.items() if len(several) > 1 for root in several}
    return members | {event["id"]: event["request"]["group"] for event in found}


def _roots(events: list[Event], members: dict[str, str]) -> dict[str, str]:
    """The same for what they stem from: of chords in chords the outer one counts, whoever was the last."""
    outer = {}
    for event in events:
        request = event.get("request", {})
        if {"chord", "group"} <= request.keys() and request["root_id"] != event["id"]:
            outer[request["root_id"]] = request["group"]
    return members | {root: group for root, group in outer.items() if root in members}


def _blur(event: Event, members: dict[str, str], roots: dict[str, str]) -> None:
    """The parent of a chord's body is the member that happened to be the last."""
    request = event.get("request", {})
    for field, known in (("parent_id", members), ("root_id", roots)):
        cause = request.get(field)
        if cause in known and cause != event["id"]:
            request[field] = f"one of {known[cause]}"


def _without_ids(event: list[Any]) -> str:
    """What functions that run side by side are sorted by."""
    facts = {name: value for name, value in event[1].items() if not name.startswith("failed")}
    return ID.sub("?", repr((event[0], facts)))


def _results(stage: Stage, names: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, result in stage.watched.items():
        if getattr(result, "id", None) is not None and hasattr(result, "as_tuple"):
            _tell_result(stage, names, told, name, result)
    for task_id, name in sorted(names.items(), key=lambda pair: pair[1]):
        if name not in told and "eagerly" not in stage.name:
            _tell_result(stage, names, told, name, stage.app.AsyncResult(task_id))
    return told


def _tell_result(stage: Stage, names: dict[str, str], told: dict[str, Any], name: str, result: Any) -> None:
    if name in told:
        return
    library = stage.library
    if hasattr(result, "results"):
        members = [names[member.id] for member in result.results if member.id in names]
        told[name] = {
            "members": members,
            "parent": _id(result.parent),
            "ready": result.ready(),
            "successful": result.successful(),
            "failed": result.failed(),
            "completed_count": result.completed_count(),
        }
        for member in result.results:
            _tell_result(stage, names, told, names.get(member.id, member.id), member)
    else:
        fresh = result if type(result).__name__ == "EagerResult" else stage.app.AsyncResult(result.id)
        value = fresh.result
        told[name] = {
            "state": fresh.state,
            "value": plain(library, value),
            "traceback": last_line(library, fresh.traceback),
            "parent": _id(result.parent),
            "children": [_tree(child) for child in fresh.children or ()],
        }
        if fresh is not result:
            told[name] |= {
                "name": fresh.name,
                "args": plain(library, fresh.args),
                "kwargs": plain(library, fresh.kwargs),
                "retries": fresh.retries,
                "queue": fresh.queue,
                "worker": fresh.worker is not None,
                "date_done": fresh.date_done is not None,
            }
        told[name] = {field: one for field, one in told[name].items() if one not in (None, [], {})}
        for number, child in enumerate(fresh.children or ()):
            _name_result(names, f"{name}.children[{number}]", child)
    if result.parent is not None:
        _tell_result(stage, names, told, names.get(result.parent.id, f"{name}.parent"), result.parent)


def _id(result: Any) -> str | None:
    return result.id if result is not None else None


def _tree(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return [_tree(one) for one in result]
    if result is None or isinstance(result, str):
        return result
    if getattr(result, "results", None) is not None and hasattr(result, "id"):
        return {"group": result.id, "members": [_tree(member) for member in result.results]}
    return result.id


def _with_names(told: Any, names: dict[str, str], key: str) -> Any:
    others: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        found = names.get(match[0])
        return found if found is not None else others.setdefault(match[0], f"id{len(others) + 1}")

    def text(value: str) -> str:
        value = MOMENT.sub("(a moment)", value)
        return ADDRESS.sub("0x..", ID.sub(rename, value)).replace(key, "KEY")

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            return {text(name): walk(one) for name, one in value.items() if name not in ELSEWHERE}
        if isinstance(value, list | tuple):
            return [walk(one) for one in value]
        return value

    return walk(told)
