"""An error in the user's own module, told in one line: which file, which line, what.

Called when an application or its tasks are imported. Never hides the cause: it stays chained to the error,
and ``SEDANO_TRACEBACK=1`` shows all of it.
"""

import os
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import Final

from sedano.cli.user_error import with_hint
from sedano.errors import ApplicationNotFound, SedanoError

_LIBRARIES: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_OURSELVES: Final = str(Path(__file__).resolve().parent.parent)


def import_failure(error: BaseException, what: str) -> ApplicationNotFound:
    """The error to raise from another one that came out of the user's code.

    Args:
        what: The beginning of the message, such as ``-A proj cannot be imported``.
    """
    place = _place(error)
    if os.environ.get("SEDANO_TRACEBACK"):
        # Here rather than where the command ends: a worker's application is imported by another process.
        traceback.print_exception(error)
    message = f"{what}: {f'{place}: ' if place else ''}{_told(error)}"
    return ApplicationNotFound(with_hint(message, _hint(error)))


def _place(error: BaseException) -> str:
    """The file and line that the user would open first."""
    if isinstance(error, SyntaxError) and error.filename:
        return _position(error.filename, error.lineno)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")
    ]
    own = [frame for frame in frames if not _is_foreign(frame.filename)]
    return _position(own[-1].filename, own[-1].lineno) if own else ""


def _is_foreign(filename: str) -> bool:
    """Whether this is the code of Python, of an installed package, or ours."""
    path = str(Path(filename).resolve())
    return path.startswith((*_LIBRARIES, _OURSELVES)) or "site-packages" in path or "dist-packages" in path


def _position(filename: str, line: int | None) -> str:
    path = Path(filename)
    cwd = Path.cwd()
    shown = path.relative_to(cwd) if path.is_relative_to(cwd) else path
    return f"{shown}, line {line}" if line is not None else str(shown)


def _told(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    first_line = next(iter(text.splitlines()), "")
    if isinstance(error, SedanoError):
        return first_line
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        package = error.name.partition(".")[0]
        if package == "celery":
            return "Use `from sedano import Celery`, or call sedano.install_as_celery() before."
        return f"Is {package!r} installed in this environment ({sys.prefix})?"
    return "SEDANO_TRACEBACK=1 shows the whole traceback."
