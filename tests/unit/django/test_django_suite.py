"""Runs the tests in ``suite`` in a process that Django is set up in, so that no other test meets it there."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.once import filled_once

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
PARTS = sorted(path.stem for path in (HERE / "suite").glob("test_*.py"))

pytest.importorskip("django")
pytestmark = pytest.mark.skipif(
    os.environ.get("DJANGO_SETTINGS_MODULE") == "shop_settings", reason="the suite runs in this process"
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """For each part of the suite, its tests that did not pass, and why; no part is left out that ran."""
    report = filled_once(tmp_path_factory, "django-suite", _run) / "report.xml"
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        part = next(name for name in case.get("classname", "").split(".") if name in PARTS)
        failures = found.setdefault(part, [])
        failures += [f"{case.get('name')}\n{what.text}" for what in case if what.tag in ("failure", "error")]
    return found


def _run(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", str(HERE / "suite"), "-q", f"--junitxml={folder}/report.xml"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:django"],
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "shop_settings"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr


@pytest.mark.parametrize("part", PARTS)
def test_within_django(outcomes: Mapping[str, list[str]], part: str) -> None:
    assert outcomes[part] == [], "\n\n".join(outcomes[part])
