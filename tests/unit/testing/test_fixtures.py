"""Runs the tests in ``suite`` in processes of their own, since plugins of pytest are for a whole process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).parent / "suite"
REPOSITORY = SUITE.parents[3]

pytestmark = pytest.mark.skipif(bool(os.environ.get("TESTING_FIXTURES")), reason="the suite runs here")


@pytest.mark.parametrize("part", sorted(path.name for path in SUITE.glob("test_*.py")))
def test_with_the_fixtures(part: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            str(SUITE / part),
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:django",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "TESTING_FIXTURES": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_with_celerys_name_of_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sedano\n\nsedano.install_as_celery()\n\npytest_plugins = ('celery.contrib.pytest',)\n",
        encoding="utf-8",
    )
    (tmp_path / "test_ping.py").write_text(
        "from celery.contrib.testing.tasks import ping\n\n\n"
        "def test_it(celery_app, celery_worker):\n"
        "    assert celery_app.tasks[ping.name].delay().get(timeout=10) == 'pong'\n",
        encoding="utf-8",
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_pytest_loads_nothing_of_ours_by_itself(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\ndef test_it():\n    assert 'sedano' not in sys.modules\n", encoding="utf-8"
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )

    assert done.returncode == 0, done.stdout + done.stderr
