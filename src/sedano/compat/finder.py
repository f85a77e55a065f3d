"""Answers ``import celery`` and what is below it, once ``install`` has put it in front of the import system.

A module of Celery's is one of the files in ``modules``, executed under Celery's name when somebody asks for
it. What is not there raises an ImportError that says what to use instead. Never touches other imports.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from sedano.compat.celery_module import PROVIDED, CeleryModule

_FILES: Final = Path(__file__).parent / "modules"


class CeleryLoader(SourceFileLoader):
    """Executes a file of ``modules`` in a module that knows what it lacks."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return CeleryModule(spec.name)


# Not derived from importlib.abc.MetaPathFinder, which takes longer to import than all the rest of this.
class CeleryFinder:
    """Finds Sedano where Celery is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module is.

        Raises:
            ImportError: Sedano has no such module, or no such name in a module that it has.
        """
        if fullname.partition(".")[0] != "celery":
            return None
        if fullname not in PROVIDED:
            raise _absent(fullname)
        file = str(_FILES / f"{fullname.replace('.', '_')}.py")
        # Every module is a package, with nowhere to search: `from celery.canvas import x` then comes here for
        # an x that the module lacks, and our sentence is heard. Otherwise Python has a sentence of its own.
        return spec_from_file_location(
            fullname, file, loader=CeleryLoader(fullname, file), submodule_search_locations=[]
        )


def _absent(fullname: str) -> ImportError:
    parent, _, name = fullname.rpartition(".")
    module = sys.modules.get(parent)
    told = module.why_absent(name) if isinstance(module, CeleryModule) else f"Sedano has no {fullname}."
    # Without `name=`: `from celery import x` drops an error that bears the name of what was looked for.
    return ModuleNotFoundError(told)
