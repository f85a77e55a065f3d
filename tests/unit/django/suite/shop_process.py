"""The shop in a process of its own: for what can only be seen where Django starts."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "project"


class ShopProcess:
    """Runs commands of a site whose files are all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, code: str, *, settings: str = "", setup: bool = True, expect: int = 0) -> str:
        """Run Python code; ``settings`` is added to the shop's. Returns what it printed."""
        self.write_settings(settings)
        prelude = "import django; django.setup()\n" if setup else ""
        return self.command([sys.executable, "-W", "error", "-c", prelude + code], expect=expect)

    def write_settings(self, settings: str) -> None:
        """Add these to the shop's, in every process that is started from now on."""
        (self.folder / "more_settings.py").write_text(f"from shop_settings import *\n{settings}\n")

    def python(self, code: str) -> str:
        """Run Python code with the settings that are there; returns what it printed."""
        return self.command([sys.executable, "-W", "error", "-c", f"import django; django.setup()\n{code}"])

    def manage(self, *arguments: str, expect: int = 0) -> str:
        """Run a management command."""
        return self.command([sys.executable, "-m", "django", *arguments], expect=expect)

    def command(self, command: list[str], *, expect: int = 0) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def environment(self) -> dict[str, str]:
        """For whatever process belongs to the site."""
        paths = [str(self.folder), str(PROJECT), os.environ.get("PYTHONPATH")]
        more = self.folder / "more_settings.py"
        return {
            **os.environ,
            "SHOP_FOLDER": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "more_settings" if more.exists() else "shop_settings",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
