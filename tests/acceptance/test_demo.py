"""``make demo``: the tutorial's main job, from end to end, and nothing left behind."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytest.importorskip("aiosmtpd")
pytest.importorskip("django")
pytestmark = pytest.mark.acceptance

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RUN_DEMO = [sys.executable, str(EXAMPLES / "run_demo.py")]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The demo's files are in a folder of the test's; nothing of it is there, or runs, at the end."""
    yield {**os.environ, "TMPDIR": str(tmp_path), "MYPROJECT_REPORT_SECONDS": "1"}
    assert list(tmp_path.iterdir()) == []
    assert processes_that_use(tmp_path) == []


def test_without_a_terminal_every_job_is_done_and_the_demo_ends(env: dict[str, str]) -> None:
    done = run_demo(env)

    assert done.returncode == 0, done.stdout + done.stderr
    for job in ("send_welcome_email", "generate_user_report", "process_payment"):
        assert job in done.stdout
    assert done.stdout.count("SUCCESS") >= 3
    assert "Everything the visitor asked for was done." in done.stdout


def test_a_job_that_fails_is_an_exit_code_and_the_logs_last_lines(env: dict[str, str]) -> None:
    done = run_demo({**env, "MYPROJECT_REPORT_SECONDS": "-1"})

    assert done.returncode == 1
    assert "These jobs did not succeed: generate_user_report." in done.stdout
    assert "the worker's last lines" in done.stdout
    assert "sleep length must be non-negative" in done.stdout


def test_on_a_terminal_the_site_stays_up_until_ctrl_c(env: dict[str, str], tmp_path: Path) -> None:
    terminal, demos_end = pty.openpty()
    demo = subprocess.Popen(
        RUN_DEMO, env={**env, "COLUMNS": "140"}, stdin=demos_end, stdout=demos_end, stderr=demos_end
    )
    os.close(demos_end)
    said = ""
    while "Ctrl-C ends it" not in said:
        said += os.read(terminal, 4096).decode(errors="replace")
    site = said.partition("http://")[2].partition("/")[0]

    page = urllib.request.urlopen(f"http://{site}/register/", timeout=10).read().decode()
    assert "Create your account" in page
    assert demo.poll() is None
    demo.send_signal(signal.SIGINT)
    # Somebody reads what a terminal shows: a full one would hold the demo up.
    with contextlib.suppress(OSError):
        while os.read(terminal, 4096):
            pass

    assert demo.wait(30) == 0
    os.close(terminal)


def test_a_worker_that_dies_ends_a_demo_that_serves(env: dict[str, str], tmp_path: Path) -> None:
    demo = subprocess.Popen([*RUN_DEMO, "--serve"], env=env, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "Ctrl-C ends it" in line:
            break
    for process in processes_that_use(tmp_path):
        with contextlib.suppress(psutil.NoSuchProcess):  # ended, or a zombie
            if "worker" in process.cmdline():
                process.kill()

    said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "The worker has ended." in said


def test_the_example_sites_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "test"],
        cwd=EXAMPLES / "myproject",
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def run_demo(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        RUN_DEMO, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def processes_that_use(folder: Path) -> list[psutil.Process]:
    """Processes that were told of a database in this folder."""
    found = []
    for process in psutil.process_iter(["environ"]):
        database = (process.info["environ"] or {}).get("MYPROJECT_DATABASE", "")
        if database.startswith(str(folder)):
            found.append(process)
    return found
