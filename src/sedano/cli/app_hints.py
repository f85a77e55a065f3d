"""What to try when ``-A`` leads nowhere, learnt from the files in the current directory.

Called by ``find_app`` when it has failed. Reads files; imports nothing.
"""

import re
from pathlib import Path
from types import ModuleType
from typing import Final

from sedano.errors import did_you_mean

#: ``app = Sedano("proj")`` at the left margin of a file.
_APPLICATION: Final = re.compile(r"^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?(?:Sedano|Celery)\(", re.MULTILINE)
#: Where the application usually is within a package.
_USUAL_FILES: Final = ("__init__.py", "celery.py", "sedano.py", "app.py", "tasks.py")
#: A directory with more entries than this is nobody's project; looking into all of it would take long.
_MOST_ENTRIES: Final = 500


def hint_for_missing_app() -> str:
    """No ``-A`` was given, and there is no Django project either."""
    found = _applications()
    if found:
        return f"Name it with -A: `sedano -A {found[0]} …`, or set SEDANO_APP={found[0]}."
    if Path("manage.py").is_file():
        return "In a Django project: `python manage.py sedano …`, or set DJANGO_SETTINGS_MODULE."
    return "Name it with -A (`sedano -A proj worker`), or set SEDANO_APP."


def hint_for_missing_module(path: str) -> str:
    """The module named does not exist, or is no module's name at all."""
    if path.endswith(".py") or "/" in path:
        return f"It takes the module's name, not its file: -A {_module_of_file(path)}"
    first = path.partition(":")[0].split(".")[0]
    close = did_you_mean(first, _modules())
    if close:
        return f"{close.strip()} Modules are looked for in {Path.cwd()} first."
    nested = next((str(found.parent) for found in Path().glob(f"*/{first}") if found.is_dir()), None)
    nested = nested or next((str(found.parent) for found in Path().glob(f"*/{first}.py")), None)
    if nested is not None:
        return f"There is one in {nested}/: add `--workdir {nested}`."
    return f"Modules are looked for in {Path.cwd()} first; --workdir goes elsewhere."


def hint_for_module_without_app(module: ModuleType) -> str:
    """The module exists, but there is no application in it."""
    name = module.__name__
    within = [
        found for found in _applications() if found == name or found.startswith((f"{name}.", f"{name}:"))
    ]
    if within:
        return f"Try -A {within[0]}"
    if Path("manage.py").is_file():
        return "In a Django project without a celery.py: `python manage.py sedano …`."
    return f'It needs something like `app = Sedano("{name}")`; -A {name}:name names one that is elsewhere.'


def _module_of_file(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").strip("./").replace("/", ".")


def _modules() -> list[str]:
    """The modules and packages that lie in the current directory."""
    names = [path.stem for path in _entries() if path.suffix == ".py"]
    return names + [path.name for path in _entries() if path.is_dir() and path.name.isidentifier()]


def _applications() -> list[str]:
    """Applications in the current directory, as ``-A`` takes them; the shortest first."""
    found: list[str] = []
    for path in _entries():
        if path.suffix == ".py" and path.stem.isidentifier():
            found += _applications_in(path, path.stem)
        elif path.is_dir() and path.name.isidentifier():
            for file in _USUAL_FILES:
                module = path.name if file == "__init__.py" else f"{path.name}.{Path(file).stem}"
                found += _applications_in(path / file, module)
    return sorted(found, key=lambda name: (len(name), name))


def _applications_in(file: Path, module: str) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    names = _APPLICATION.findall(text)
    if not names:
        return []
    return [_shortest(module)] if names[0] in ("app", "celery") else [f"{module}:{names[0]}"]


def _shortest(module: str) -> str:
    return module.removesuffix(".celery")


def _entries() -> list[Path]:
    try:
        entries = sorted(path for path in Path().iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return entries[:_MOST_ENTRIES]
