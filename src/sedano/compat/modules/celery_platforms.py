"""``import celery.platforms``: the names that projects use, or set."""

import os
import platform
import sys
from typing import Final

#: Accepted: Sedano's workers run as root without being asked to.
C_FORCE_ROOT = False

EX_OK: Final = 0
EX_FAILURE: Final = 1
EX_USAGE: Final = 64
EX_UNAVAILABLE: Final = 69

SYSTEM: Final = platform.system()
IS_macOS: Final = sys.platform == "darwin"
IS_WINDOWS: Final = os.name == "nt"

__all__ = [
    "C_FORCE_ROOT",
    "EX_FAILURE",
    "EX_OK",
    "EX_UNAVAILABLE",
    "EX_USAGE",
    "IS_WINDOWS",
    "SYSTEM",
    "IS_macOS",
]

_DAEMON: Final = "It serves Celery's daemons. Let systemd, supervisor or a container keep the worker."
_STANDARD: Final = "The standard library has it: os, signal, resource, errno."

_REFUSED: Final = {
    **dict.fromkeys(
        (
            "DaemonContext",
            "LockFailed",
            "Pidfile",
            "close_open_fds",
            "create_pidlock",
            "detached",
            "initgroups",
            "maybe_drop_privileges",
            "parse_gid",
            "parse_uid",
            "set_mp_process_title",
            "set_process_title",
            "setgid",
            "setgroups",
            "setuid",
        ),
        _DAEMON,
    ),
    **dict.fromkeys(
        (
            "SIGMAP",
            "fd_by_path",
            "get_errno_name",
            "get_fdmax",
            "ignore_errno",
            "isatty",
            "pyimplementation",
            "signal_name",
            "signals",
        ),
        _STANDARD,
    ),
}
