"""Programs in a process of their own: in ours, Celery itself may have been imported."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

#: The first lines of a program that has moved to Sedano.
INSTALL: Final = "import sedano\nsedano.install_as_celery()\n"


def run(arguments: Sequence[str], *, cwd: Path, **variables: str) -> str:
    """What a Python program prints; it must end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout.strip()


def told_by(code: str, cwd: Path) -> Any:
    """What a program makes of its variable ``told``."""
    program = textwrap.dedent(code) + "\nimport json; print(json.dumps(told))"
    return json.loads(run(["-c", program], cwd=cwd).splitlines()[-1])
