"""Celery's own tests, as its release has them: downloaded once, never part of this repository."""

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

VERSION: Final = "5.7.0"


class NoSource(Exception):
    """The release cannot be had here."""


def tests_of_celery(cache: Path) -> Path:
    """The folder that has ``t``, their package of tests, and nothing else of Celery.

    Raises:
        NoSource: it is not in the cache, and cannot be downloaded.
    """
    folder = cache / f"celery-{VERSION}"
    if not (folder / "t").is_dir():
        _unpack(_archive(cache), folder)
    return folder


def _archive(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"celery-{VERSION}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "celery"]
        done = subprocess.run(
            [*command, "--dest", str(cache), f"celery=={VERSION}"], capture_output=True, text=True
        )
        if not archive.exists():
            raise NoSource(f"Celery's source cannot be downloaded here:\n{done.stderr}")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    root = f"celery-{VERSION}/"
    partial = folder.with_suffix(".partial")
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.name.startswith(f"{root}t/"):
                member.name = member.name.removeprefix(root)
                tar.extract(member, partial, filter="data")
    partial.rename(folder)
