"""Runs the tests in ``suite`` in a process that Django is set up in, so that no other test meets it there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
PARTS = sorted((HERE / "suite").glob("test_*.py"))

pytest.importorskip("django")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.stem)
@pytest.mark.skipif(os.environ.get("DJANGO_SETTINGS_MODULE") == "shop_settings", reason="it runs here")
def test_within_django(part: Path) -> None:
    command = [sys.executable, "-m", "pytest", str(part), "-q", "-p", "no:cacheprovider", "-p", "no:django"]

    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "shop_settings"},
        capture_output=True,
        text=True,
        timeout=150,
    )

    assert done.returncode == 0, done.stdout + done.stderr
