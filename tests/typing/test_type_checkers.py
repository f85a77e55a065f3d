"""mypy and pyright see through the decorators: right calls pass, wrong ones do not."""

import json
import re
import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
REPOSITORY = Path(__file__).parents[2]


def marked_lines(sample: Path) -> set[int]:
    lines = sample.read_text().splitlines()
    return {number for number, line in enumerate(lines, start=1) if line.endswith("# wrong")}


def run(*program: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *program], cwd=REPOSITORY, capture_output=True, text=True, timeout=170
    )
    return finished.stdout


def complaints_of_mypy(sample: Path) -> dict[int, str]:
    printed = run("mypy", "--strict", "--no-pretty", "--hide-error-context", str(sample))
    assert "Found" in printed or "Success" in printed, printed
    found = re.finditer(rf"{sample.name}:(\d+): error: (.*)", printed)
    return {int(complaint[1]): complaint[2] for complaint in found}


def complaints_of_pyright(sample: Path) -> dict[int, str]:
    report = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, str(sample)))
    assert report["summary"]["filesAnalyzed"] == 1
    return {
        problem["range"]["start"]["line"] + 1: problem["message"]
        for problem in report["generalDiagnostics"]
        if problem["severity"] == "error"
    }


def test_mypy_accepts_right_calls() -> None:
    assert complaints_of_mypy(SAMPLES / "right_calls.py") == {}


def test_mypy_complains_about_wrong_calls_and_no_others() -> None:
    sample = SAMPLES / "wrong_calls.py"

    assert set(complaints_of_mypy(sample)) == marked_lines(sample)


def test_pyright_accepts_right_calls() -> None:
    assert complaints_of_pyright(SAMPLES / "right_calls.py") == {}


def test_pyright_complains_about_wrong_calls_and_no_others() -> None:
    sample = SAMPLES / "wrong_calls.py"

    assert set(complaints_of_pyright(sample)) == marked_lines(sample)
