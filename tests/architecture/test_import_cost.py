"""``import sedano`` is cheap, and loads no driver and nothing that only the command line needs."""

import subprocess
import sys
from typing import Final

#: Loaded by what needs them, when it needs them.
NOT_LOADED: Final = {
    "amqp",
    "asyncio",
    "celery",
    "click",
    "django",
    "kombu",
    "msgpack",
    "psutil",
    "psycopg",
    "redis",
    "rich",
    "sqlite3",
    "yaml",
}

#: Seconds that ``import sedano`` may take on a machine that imports asyncio in ``YARDSTICK`` seconds.
BUDGET: Final = 0.080
#: What ``import asyncio`` took where the budget was set, with nothing else running.
YARDSTICK: Final = 0.036
#: For what a ratio of two short times is worth.
SLACK: Final = 1.25
TRIES: Final = 9

TIMED_IMPORT: Final = """
import sys, time
started = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - started)
"""

LOADED_MODULES: Final = """
import sys
import sedano
print("\\n".join(sys.modules))
"""


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_sedano_takes_no_longer_than_its_budget() -> None:
    # In turn, and the fastest of each: other load can only make a try slower, never faster.
    tries = [
        (float(_python(TIMED_IMPORT, "sedano")), float(_python(TIMED_IMPORT, "asyncio")))
        for _ in range(TRIES)
    ]
    sedano, asyncio = (min(times) for times in zip(*tries, strict=True))

    slower_machine = max(1.0, asyncio / YARDSTICK)

    assert sedano <= BUDGET * slower_machine * SLACK


def test_importing_sedano_loads_no_driver() -> None:
    loaded = {name.partition(".")[0] for name in _python(LOADED_MODULES).split()}

    assert loaded & NOT_LOADED == set()
