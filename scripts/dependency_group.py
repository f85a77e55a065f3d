"""Print the requirements of dependency groups of pyproject.toml, one a line.

Called by ``scripts/set-up.sh``, so that any pip and any uv can install them. Needs the standard library only.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def requirements(groups: dict[str, list[str | dict[str, str]]], name: str) -> list[str]:
    """The requirements of one group, those of included groups among them."""
    found: list[str] = []
    for entry in groups[name]:
        if isinstance(entry, str):
            found.append(entry)
        else:
            found.extend(requirements(groups, entry["include-group"]))
    return found


if __name__ == "__main__":
    all_groups = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    for group in sys.argv[1:]:
        sys.stdout.write("\n".join(requirements(all_groups, group)) + "\n")
