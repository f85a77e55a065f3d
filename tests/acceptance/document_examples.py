"""The examples of a document, with the module of tasks that it shows, here and in a worker.

Used by the tests of documents.
"""

import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from sedano.current import applications
from tests.architecture.source_tree import ROOT

TASKS: Final = re.compile(r"<!-- example: tasks\.py -->\n```python\n(.*?)```", re.DOTALL)
EXAMPLES: Final = re.compile(r"<!-- example -->\n```pycon\n(.*?)```", re.DOTALL)


@contextmanager
def running_tasks(
    document: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModuleType, doctest.DocTest]]:
    """The document's module of tasks, which a worker runs meanwhile, and its examples."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    found = TASKS.search(text)
    assert found is not None
    (folder / "tasks.py").write_text(found[1], encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(folder)
    module = importlib.import_module("tasks")
    worker = subprocess.Popen(
        [sys.executable, "-m", "sedano", "-A", "tasks", "worker", "-c", "2"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        examples = "\n".join(EXAMPLES.findall(text))
        yield module, doctest.DocTestParser().get_doctest(examples, dict(vars(module)), document, None, None)
    finally:
        worker.terminate()
        said, _ = worker.communicate(timeout=60)
        print(said)
        module.app.close()
        applications.set_current(None)
        del sys.modules["tasks"]


def complaints(examples: doctest.DocTest) -> str:
    """What is other than the document says."""
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=printed.append)
    return "".join(printed)
