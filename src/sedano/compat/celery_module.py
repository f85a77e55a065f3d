"""A module of Celery's, as Sedano has it: what it lacks, it explains.

Made by ``finder``. The files in ``modules`` fill it: with names of Sedano's, and with ``_REFUSED``, the names
that Sedano does not have and what to use instead.
"""

import importlib
from types import ModuleType
from typing import Any, Final

from sedano.errors import did_you_mean

#: Celery's modules that there are; for each there is a file in ``modules``.
PROVIDED: Final = frozenset(
    {
        "celery",
        "celery._state",
        "celery.app",
        "celery.app.base",
        "celery.app.log",
        "celery.app.registry",
        "celery.app.task",
        "celery.backends",
        "celery.backends.base",
        "celery.beat",
        "celery.canvas",
        "celery.contrib",
        "celery.contrib.abortable",
        "celery.contrib.django",
        "celery.contrib.django.task",
        "celery.contrib.pytest",
        "celery.contrib.testing",
        "celery.contrib.testing.app",
        "celery.contrib.testing.tasks",
        "celery.contrib.testing.worker",
        "celery.exceptions",
        "celery.platforms",
        "celery.result",
        "celery.schedules",
        "celery.signals",
        "celery.states",
        "celery.utils",
        "celery.utils.log",
        "celery.utils.time",
    }
)


class CeleryModule(ModuleType):
    """One module; its submodules are imported when they are first used."""

    __all__: list[str]

    def __getattr__(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        if full in PROVIDED:
            return importlib.import_module(full)
        if name.startswith("__"):
            # Python's own questions, such as `__wrapped__`.
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        raise AttributeError(self.why_absent(name))

    def why_absent(self, name: str) -> str:
        """What to tell those who ask for a name that is not here."""
        advice = vars(self).get("_REFUSED", {}).get(name)
        if advice is not None:
            return f"Sedano has no {self.__name__}.{name}: {advice}"
        hint = did_you_mean(name, self.__all__) or " docs/from-celery.md says what there is."
        return f"Sedano has no {self.__name__}.{name}.{hint}"
