"""Settings at the end of the command line: ``sedano worker task_track_started=1 worker.lease=5``.

Called by ``worker``. Says what is to be set, as text; whether the name and the value are right is for the
settings to say, in the process that has the application.
"""

import re
from collections.abc import Sequence
from typing import Final

from sedano.cli.user_error import UserError

#: Celery's way to say the type of a value: ``(int)4``. Our settings know their types.
_TYPE: Final = re.compile(r"^\((?:int|float|str|string|bool|any|json|tuple|list|dict)\)")


def setting_overrides(arguments: Sequence[str]) -> dict[str, str]:
    """Names and values from ``ns.key=value``, ``ns_key=value``, or ``.key=value`` for ``worker_key``.

    >>> setting_overrides(["task.track_started=(int)1", ".lease=5"])
    {'task_track_started': '1', 'worker_lease': '5'}
    """
    return dict(_override(argument) for argument in arguments)


def _override(argument: str) -> tuple[str, str]:
    written, equals, value = argument.partition("=")
    name = written.strip().lower().replace(".", "_")
    if name.startswith("_"):
        name = f"worker{name}"
    if not equals or not name.isidentifier():
        raise UserError(
            f"Unexpected argument {argument!r}.",
            hint="What follows the options are settings: `sedano worker task_track_started=1`.",
        )
    return name, _TYPE.sub("", value)
