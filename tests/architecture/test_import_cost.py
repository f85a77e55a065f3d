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

#: Seconds. The budget is 0.08 on a calm machine; a busy one may take twice as long.
BUDGET: Final = 0.080
SLACK: Final = 2.0
TRIES: Final = 7

TIMED_IMPORT: Final = """
import time
started = time.perf_counter()
import sedano
print(time.perf_counter() - started)
"""

LOADED_MODULES: Final = """
import sys
import sedano
print("\\n".join(sys.modules))
"""


def _python(code: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return finished.stdout


def test_importing_sedano_takes_no_longer_than_its_budget() -> None:
    # The fastest of several tries: other load on the machine can only make a try slower, never faster.
    fastest = min(float(_python(TIMED_IMPORT)) for _ in range(TRIES))

    assert fastest <= BUDGET * SLACK


def test_importing_sedano_loads_no_driver() -> None:
    loaded = {name.partition(".")[0] for name in _python(LOADED_MODULES).split()}

    assert loaded & NOT_LOADED == set()
