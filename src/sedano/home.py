"""Where the program is: the directory beside which the embedded database lies.

Called once, when an application is made. Never creates anything.
"""

import sys
from pathlib import Path
from types import FrameType
from typing import Final

_OURSELVES: Final = __name__.partition(".")[0]


def program_directory(maker: FrameType | None) -> Path:
    """The directory of the file that makes the application; for a module in a package, that of the package.

    ``proj/celery.py`` and ``proj/conf/tasks.py`` both give the directory that ``proj`` is in. An
    application made in a console, or by this package for want of one, is at home in the working directory.

    Args:
        maker: The frame that calls the application's constructor.
    """
    if maker is None:
        return Path.cwd()
    names = maker.f_globals
    file, package = names.get("__file__"), names.get("__package__") or ""
    if not file or package.partition(".")[0] == _OURSELVES:
        return Path.cwd()
    directory = Path(file).resolve().parent
    for _ in filter(None, package.split(".")):
        directory = directory.parent
    return directory


def calling_frame(maker: object) -> FrameType | None:
    """The frame that called ``maker``'s constructor, past the constructors of its subclasses."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is maker:
        frame = frame.f_back
    return frame
