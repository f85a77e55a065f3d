"""``import sedano`` loads no driver, nothing slow, and nothing that only the command line needs.

How long it takes is measured by ``make bench``.
"""

import subprocess
import sys
from typing import Final

#: Loaded by what needs them, when it needs them.
NOT_LOADED: Final = {
    "amqp",
    "asyncio",
    "celery",
    "click",
    "difflib",
    "django",
    "email",
    "importlib.metadata",
    "kombu",
    "msgpack",
    "psutil",
    "psycopg",
    "redis",
    "rich",
    "sqlite3",
    "yaml",
}

LOADED_MODULES: Final = """
import sys
import sedano
print("\\n".join(sys.modules))
"""


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_sedano_loads_no_driver() -> None:
    loaded = {name.partition(".")[0] for name in _python(LOADED_MODULES).split()}

    assert loaded & NOT_LOADED == set()
