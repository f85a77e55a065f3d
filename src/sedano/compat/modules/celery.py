"""``import celery``."""

from typing import Final, NamedTuple

import sedano
from sedano import (
    Celery,
    Signature,
    Task,
    chain,
    chord,
    chunks,
    current_app,
    current_task,
    group,
    maybe_signature,
    shared_task,
    signature,
    subtask,
    uuid,
    xmap,
    xstarmap,
)


class version_info_t(NamedTuple):
    """A version, taken apart."""

    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: str


#: The Celery whose names these are: for those who ask whether it is new enough.
VERSION: Final = version_info_t(5, 7, 0, "", "")
version_info: Final = VERSION
__version__: Final = "5.7.0"
SERIES: Final = "sedano"
VERSION_BANNER: Final = f"{__version__} (sedano {sedano.__version__})"

__all__ = [
    "SERIES",
    "VERSION",
    "VERSION_BANNER",
    "Celery",
    "Signature",
    "Task",
    "__version__",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "group",
    "maybe_signature",
    "shared_task",
    "signature",
    "subtask",
    "uuid",
    "version_info",
    "version_info_t",
    "xmap",
    "xstarmap",
]

_GONE: Final = "It is no part of Celery 5 either."
_PARTS: Final = "Sedano's worker has parts of its own; settings and signals are what projects change it with."

_REFUSED: Final = {
    "_find_option_with_arg": "It belongs to Celery's command line.",
    "_original_os_write": "Nothing is patched here: it is os.write.",
    "apps": "The programs are commands: `sedano worker`, and `sedano --help` for the others.",
    "bin": "The commands are those of `sedano --help`; they are not for import.",
    "bootsteps": _PARTS,
    "bugreport": "Run `sedano -A proj report`.",
    "concurrency": f"The pools are chosen with `sedano worker --pool`. {_PARTS}",
    "datastructures": _GONE,
    "decorators": f"{_GONE} Import shared_task from celery.",
    "events": "This version sends no events.",
    "execute": f"{_GONE} Use current_app.send_task.",
    "five": _GONE,
    "fixups": 'Add "sedano.contrib.django" to INSTALLED_APPS.',
    "loaders": "Settings are read by app.config_from_object, tasks are found by app.autodiscover_tasks.",
    "local": "Tasks are no proxies here, but instances of celery.Task.",
    "log": f"{_GONE} Import get_task_logger from celery.utils.log.",
    "maybe_patch_concurrency": "Nothing needs it: tasks that wait for I/O are written as `async def`.",
    "messaging": _GONE,
    "registry": "Use current_app.tasks.",
    "security": "This version does not sign messages.",
    "task": f"{_GONE} Import shared_task or Task from celery. Periodic tasks are in beat_schedule.",
    "worker": _PARTS,
}
