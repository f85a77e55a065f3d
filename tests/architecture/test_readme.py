"""The README says the truth: its quick starts run as they stand, its commands and links exist."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.source_tree import ROOT

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")

#: A block that the tests run: a comment that names it, then the fenced block.
MARKED_BLOCK: Final = re.compile(
    r"<!-- quick start: (?P<name>[^>]+) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL
)

DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/*.md")


def _block(name: str) -> str:
    return next(match["text"] for match in MARKED_BLOCK.finditer(README) if match["name"] == name)


def _command(name: str) -> str:
    """The command of a console block, without its prompt."""
    return next(line.removeprefix("$ ") for line in _block(name).splitlines() if line.startswith("$ "))


def _promised_output(name: str) -> list[str]:
    return [line for line in _block(name).splitlines() if not line.startswith("$ ")]


def _environment() -> dict[str, str]:
    """That of a user who has activated the virtual environment, and has no settings of ours in it."""
    foreign = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEDANO_", "CELERY_", "DJANGO_", "PYTHON"))
    }
    return {**foreign, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def _run(command: str, folder: Path) -> str:
    finished = subprocess.run(
        command, shell=True, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@contextmanager
def _running(command: str, folder: Path) -> Iterator[None]:
    """Run the command as another terminal would; what it said is shown if the test fails."""
    # exec: the command takes the shell's place, so that terminate() reaches it.
    worker = subprocess.Popen(
        f"exec {command}",
        shell=True,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield
    finally:
        worker.terminate()
        said, _ = worker.communicate(timeout=60)
        print(said)


@pytest.mark.acceptance
def test_the_quick_start_without_django_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(_block("tasks.py"), encoding="utf-8")

    with _running(_command("worker"), tmp_path):
        printed = _run(_command("call"), tmp_path)

    assert printed.splitlines() == _promised_output("call")
    assert (tmp_path / "sedano.db").exists()


@pytest.mark.acceptance
def test_the_quick_start_with_django_runs_as_it_stands(tmp_path: Path) -> None:
    _run("django-admin startproject mysite . && python manage.py startapp shop", tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(_block("settings.py") + 'INSTALLED_APPS += ["shop"]\n')
    (tmp_path / "shop" / "tasks.py").write_text(_block("shop/tasks.py"), encoding="utf-8")
    call = "from shop.tasks import send_receipt; print(send_receipt.delay(7).get(timeout=10))"

    _run(_command("migrate"), tmp_path)
    with _running(_command("django worker"), tmp_path):
        printed = _run(f'python manage.py shell -v 0 -c "{call}"', tmp_path)

    assert printed.splitlines() == ["the receipt of order 7 is sent"]


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )

    named = {
        target
        for path in _documents()
        for target in re.findall(
            r"(?:^\$ |`)(?:[A-Z_]+=\S+ )?make ([a-z0-9-]+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert named - targets == set()


@pytest.mark.parametrize(
    "path", [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/*.md"))]
)
def test_every_document_is_reached_from_the_readme(path: str) -> None:
    assert f"]({path})" in README


def test_every_relative_link_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in _documents()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert broken == []


def test_every_folder_and_file_that_is_named_exists() -> None:
    named = re.compile(r"`((?:tests|docs|src|examples|benchmarks|scripts)/[\w./-]+)`")

    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in _documents()
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]

    assert missing == []


def _documents() -> list[Path]:
    return sorted(path for pattern in DOCUMENTS for path in ROOT.glob(pattern))
