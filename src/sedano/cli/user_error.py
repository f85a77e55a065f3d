"""A mistake of the user's: what is wrong, and what to do about it.

Raised by the commands, made from the package's errors by ``explain``; shown by ``main`` and by a worker that
cannot start. Never imports click: a worker's processes use it too.
"""

import re
from typing import Final

from sedano.errors import (
    ApplicationNotFound,
    BrokerError,
    BrokerUnavailable,
    ConfigurationError,
    InvalidArguments,
    MessageError,
    ResultStoreError,
    SedanoError,
    TaskNotRegistered,
    TaskTimeout,
)

#: The user's command, settings or arguments are wrong.
EXIT_USAGE: Final = 2
#: A server that is needed does not answer: ``EX_UNAVAILABLE`` of sysexits.h, as Celery's commands use it.
EXIT_UNAVAILABLE: Final = 69
#: There is no result yet: ``EX_TEMPFAIL`` of sysexits.h.
EXIT_TRY_AGAIN: Final = 75
#: It was tried, and it failed.
EXIT_FAILED: Final = 1


CHECK_SETTINGS: Final = "`sedano check` lists every problem with the settings."

#: How a complaint about a setting begins.
_SETTING: Final = re.compile(r"\w+: ")
_HINT: Final = "\nHint: "


def with_hint(message: str, hint: str) -> str:
    """A message and its hint as one text, which also survives the way from another process."""
    return f"{message}{_HINT}{hint}" if hint else message


class UserError(Exception):
    """Shown as one line ``Error: …`` and one line ``Hint: …``; ends the command with ``exit_code``."""

    def __init__(self, message: str, *, hint: str = "", exit_code: int = EXIT_USAGE) -> None:
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
        super().__init__(message)


def explain(error: BaseException) -> UserError | None:
    """What to tell the user of an error; None if it is no mistake of the user's but a defect.

    A hint in the error's own text (see ``with_hint``) goes before the general one.

    >>> explain(ApplicationNotFound(with_hint("There is no module 'prj'.", "Did you mean 'proj'?"))).hint
    "Did you mean 'proj'?"
    >>> explain(ZeroDivisionError()) is None
    True
    """
    if isinstance(error, UserError):
        return error
    for kind, hint, exit_code in _EXPLANATIONS:
        if isinstance(error, kind):
            message, _, own_hint = str(error).partition(_HINT)
            if hint == CHECK_SETTINGS and not _SETTING.match(message):
                hint = ""  # an option or a URL, not a setting: the message says it all
            return UserError(message, hint=own_hint or hint, exit_code=exit_code)
    return None


#: The first that fits counts, so that a subclass stands before its parent.
_EXPLANATIONS: Final[tuple[tuple[type[BaseException], str, int], ...]] = (
    (ApplicationNotFound, "Name it with -A: `sedano -A proj worker`.", EXIT_USAGE),
    (ConfigurationError, CHECK_SETTINGS, EXIT_USAGE),
    (
        BrokerUnavailable,
        "Is it running, and does broker_url lead to it?",
        EXIT_UNAVAILABLE,
    ),
    (BrokerError, "", EXIT_UNAVAILABLE),
    (ResultStoreError, "Is it running, and does result_backend lead to it?", EXIT_UNAVAILABLE),
    (
        TaskNotRegistered,
        "`sedano check --tasks` lists the tasks; import their module or add it to `imports`.",
        EXIT_USAGE,
    ),
    (InvalidArguments, "", EXIT_USAGE),
    (MessageError, "", EXIT_USAGE),
    (TaskTimeout, "The task goes on; `sedano result ID` asks again.", EXIT_TRY_AGAIN),
    (SedanoError, "", EXIT_FAILED),
)
