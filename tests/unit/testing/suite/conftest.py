"""The topmost conftest of a project that uses both plugins."""

import sys
from pathlib import Path

pytest_plugins = ("sedano.testing.pytest_plugin", "sedano.testing.celery_fixtures")

sys.path.insert(0, str(Path(__file__).parent / "project"))
