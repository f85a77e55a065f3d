"""A user's project on disk, and the ``sedano`` command run on it in the calling process."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

from sedano.cli.main import main

TASKS = """
    from sedano import Sedano

    app = Sedano("tasks", broker="sqlite:///queue.db")

    @app.task
    def add(x, y=0):
        return x + y

    @app.task(queue="mail")
    def send(user_id):
        pass
"""


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """Files under a directory; modules that are imported from it are forgotten afterwards."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self.packages: set[str] = set()
        self._capsys = capsys

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip())
        self.packages.add(name.partition("/")[0])
        return file

    def with_tasks(self) -> "Project":
        self.write("tasks.py", TASKS)
        return self

    def run(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = main(arguments)
        captured = self._capsys.readouterr()
        return Ran(code or 0, captured.out, captured.err)
