"""Every setting's name, Celery's 207 and our own, and what becomes of it: one table.

The rows are written by area in the modules beside this one. Read by ``conf``, ``sources`` and ``reading``;
``docs/settings.md`` is held in step with it by a test.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sedano.settings.broker_names import BROKER, CONTROL, EVENT
from sedano.settings.result_names import OTHER_STORES, RESULT, SECURITY, UNDECLARED
from sedano.settings.setting import Setting
from sedano.settings.task_names import APP, TASK
from sedano.settings.worker_names import BEAT, WORKER

#: Each name once.
ROWS: Final[tuple[Setting, ...]] = (
    *APP,
    *BROKER,
    *RESULT,
    *TASK,
    *WORKER,
    *BEAT,
    *CONTROL,
    *EVENT,
    *SECURITY,
    *OTHER_STORES,
    *UNDECLARED,
)

#: By name, as of Celery 4: ``task_acks_late``.
SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({row.name: row for row in ROWS})

#: From the names before Celery 4 to today's: ``CELERYD_CONCURRENCY`` to ``worker_concurrency``.
NEW_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {old: setting.name for setting in SETTINGS.values() for old in setting.old_names}
)

#: Environment variables that say more than any file, the first of them that is set.
ENVIRONMENT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "broker_url": ("SEDANO_BROKER_URL", "CELERY_BROKER_URL"),
        "result_backend": ("SEDANO_RESULT_BACKEND", "CELERY_RESULT_BACKEND"),
        "broker_read_url": ("CELERY_BROKER_READ_URL",),
        "broker_write_url": ("CELERY_BROKER_WRITE_URL",),
    }
)
