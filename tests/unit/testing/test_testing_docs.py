"""docs/testing.md says the truth: its examples pass as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLE: Final = re.compile(
    r"<!-- (?P<kind>|django |celery )example: (?P<name>\S+) -->\n```python\n(?P<text>.*?)```", re.DOTALL
)
SHOP: Final = ROOT / "tests" / "unit" / "django" / "project"


def write(kind: str, folder: Path) -> None:
    """The files of one kind of example."""
    for match in EXAMPLE.finditer(DOCUMENT):
        if match["kind"].strip() == kind:
            (folder / match["name"]).write_text(match["text"], encoding="utf-8")


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_examples_pass(tmp_path: Path) -> None:
    write("", tmp_path)

    said = run(["pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"], tmp_path)

    assert "7 passed" in said


def test_those_without_pytest_pass_without_it(tmp_path: Path) -> None:
    write("", tmp_path)

    assert "Ran 2 tests" in run(["unittest", "test_without_pytest"], tmp_path)


def test_those_for_celerys_users_pass(tmp_path: Path) -> None:
    write("celery", tmp_path)
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ("sedano.testing.celery_fixtures",)\n', encoding="utf-8"
    )

    said = run(["pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"], tmp_path)

    assert "1 passed" in said


def test_those_for_django_pass(tmp_path: Path) -> None:
    pytest.importorskip("django")
    write("django", tmp_path)

    said = run(
        ["django", "test"],
        tmp_path,
        DJANGO_SETTINGS_MODULE="shop_settings",
        SHOP_FOLDER=str(tmp_path),
        PYTHONPATH=os.pathsep.join(filter(None, [str(tmp_path), str(SHOP), os.environ.get("PYTHONPATH")])),
    )

    assert "Ran 2 tests" in said


def test_every_fixture_is_named() -> None:
    modules = (ROOT / "src" / "sedano" / "testing").glob("*.py")
    fixtures = {
        name
        for path in modules
        for name in re.findall(
            r"@pytest\.fixture.*\ndef (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert len(fixtures) > 15
    assert {name for name in fixtures if f"`{name}`" not in DOCUMENT} == set()
