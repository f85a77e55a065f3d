"""The journal of a play: what happened in which process, a line of JSON each.

Written by tasks, handlers and signals; read by the runner when everything is quiet.
"""

import json
import os
import re
import time
from pathlib import Path
from typing import Any, Final

#: Environment: the journal's path.
PATH: Final = "SCENARIO_JOURNAL"

#: What scenarios are known by, among the arguments of their tasks.
KEY: Final = re.compile(r"key-[a-z0-9_]+-key")


def key_of(*values: object) -> str | None:
    """The key of the scenario that these arguments belong to."""
    match = KEY.search(repr(values))
    return match[0] if match else None


def note(key: str | None, event: str, task_id: str | None, **data: Any) -> None:
    """Append one line, in one write."""
    line = {"key": key, "event": event, "id": task_id, "at": time.time(), "pid": os.getpid(), **data}
    raw = json.dumps(line, default=repr).encode() + b"\n"
    descriptor = os.open(os.environ[PATH], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, raw)
    finally:
        os.close(descriptor)


def read() -> list[dict[str, Any]]:
    """All that has been noted."""
    path = Path(os.environ[PATH])
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def how_often(key: str | None, event: str) -> int:
    """How often this has been noted of a scenario."""
    return sum(one["key"] == key and one["event"] == event for one in read())
