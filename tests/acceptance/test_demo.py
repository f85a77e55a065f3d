"""``make demo`` without a terminal: the tutorial's main job, from end to end, and nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("aiosmtpd")
pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

DEMO = Path(__file__).resolve().parents[2] / "examples" / "run_demo.py"


def run_demo(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(DEMO), *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_job_of_the_visitor_is_done(tmp_path: Path) -> None:
    done = run_demo(TMPDIR=str(tmp_path), MYPROJECT_REPORT_SECONDS="1")

    assert done.returncode == 0, done.stdout + done.stderr
    for job in ("send_welcome_email", "generate_user_report", "process_payment"):
        assert job in done.stdout
    assert done.stdout.count("SUCCESS") >= 3
    assert "Everything the visitor asked for was done." in done.stdout


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    done = run_demo(TMPDIR=str(tmp_path), MYPROJECT_REPORT_SECONDS="1")

    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    assert [process.info["pid"] for process in processes_that_use(tmp_path)] == []


def test_a_job_that_fails_is_an_exit_code_and_the_logs_last_lines(tmp_path: Path) -> None:
    done = run_demo(TMPDIR=str(tmp_path), MYPROJECT_REPORT_SECONDS="-1")

    assert done.returncode == 1
    assert "These jobs did not succeed: generate_user_report." in done.stdout
    assert "the worker's last lines" in done.stdout
    assert "sleep length must be non-negative" in done.stdout
    assert [process.info["pid"] for process in processes_that_use(tmp_path)] == []


def processes_that_use(folder: Path) -> list[psutil.Process]:
    """Processes that were told of a database in this folder."""
    found = []
    for process in psutil.process_iter(["pid", "environ"]):
        database = (process.info["environ"] or {}).get("MYPROJECT_DATABASE", "")
        if database.startswith(str(folder)):
            found.append(process)
    return found
