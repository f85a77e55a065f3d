"""docs/canvas.md says the truth: its examples run as they stand, against a real worker."""

import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from sedano.current import applications
from tests.architecture.source_tree import ROOT

DOCUMENT: Final = (ROOT / "docs" / "canvas.md").read_text(encoding="utf-8")
TASKS: Final = re.compile(r"<!-- example: tasks\.py -->\n```python\n(.*?)```", re.DOTALL)
EXAMPLES: Final = re.compile(r"<!-- example -->\n```pycon\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.acceptance


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of tasks, here and in a worker."""
    found = TASKS.search(DOCUMENT)
    assert found is not None
    (tmp_path / "tasks.py").write_text(found[1], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("tasks")
    worker = subprocess.Popen(
        [sys.executable, "-m", "sedano", "-A", "tasks", "worker", "-c", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield module
    finally:
        worker.terminate()
        said, _ = worker.communicate(timeout=60)
        print(said)
        module.app.close()
        applications.set_current(None)
        del sys.modules["tasks"]


def test_the_examples_run_as_they_stand(tasks: ModuleType) -> None:
    text = "\n".join(EXAMPLES.findall(DOCUMENT))
    examples = doctest.DocTestParser().get_doctest(text, dict(vars(tasks)), "canvas.md", None, None)

    printed: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=printed.append)

    assert len(examples.examples) > 15
    assert printed == [], "".join(printed)
