"""A project in a directory of its own, on which commands are run in this process."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.project import Project

#: What commands read from the environment, or leave in it.
VARIABLES = ("NO_COLOR", "SEDANO_CONFIG_MODULE", "CELERY_SKIP_CHECKS")


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [*os.environ]:
        if name.startswith(("SEDANO_", "CELERY_", "DJANGO_")):
            monkeypatch.delenv(name)
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # noted, so that it is as before when the test is over
        monkeypatch.delenv(name)
    before = set(sys.modules)
    project = Project(tmp_path, capsys)
    yield project
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)) or name in project.packages:
            del sys.modules[name]
