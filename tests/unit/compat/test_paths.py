"""Each path by which applications import from Celery: what it leads to, or what is said instead."""

from pathlib import Path
from typing import Any, Final

import pytest

from sedano.compat.celery_module import PROVIDED
from tests.architecture.source_tree import SOURCE
from tests.unit.compat.program import INSTALL, told_by

#: Paths that projects use, and the object of Sedano's that each is.
SAME_OBJECT: Final = {
    "celery.Celery": "sedano.Sedano",
    "celery.Task": "sedano.Task",
    "celery.Signature": "sedano.Signature",
    "celery.chain": "sedano.chain",
    "celery.chord": "sedano.chord",
    "celery.chunks": "sedano.chunks",
    "celery.current_app": "sedano.current_app",
    "celery.current_task": "sedano.current_task",
    "celery.group": "sedano.group",
    "celery.maybe_signature": "sedano.maybe_signature",
    "celery.shared_task": "sedano.shared_task",
    "celery.signature": "sedano.signature",
    "celery.subtask": "sedano.subtask",
    "celery.uuid": "sedano.uuid",
    "celery.xmap": "sedano.xmap",
    "celery.xstarmap": "sedano.xstarmap",
    "celery._state.current_app": "sedano.current_app",
    "celery._state.get_current_app": "sedano.current.get_current_app",
    "celery._state.get_current_task": "sedano.current.get_current_task",
    "celery.app.Celery": "sedano.Sedano",
    "celery.app.shared_task": "sedano.shared_task",
    "celery.app.base.Celery": "sedano.Sedano",
    "celery.app.registry.TaskRegistry": "sedano.tasks.registry.TaskRegistry",
    "celery.app.task.Context": "sedano.tasks.request.Context",
    "celery.app.task.Task": "sedano.Task",
    "celery.beat.BeatLazyFunc": "sedano.beat.lazy_value.LazyValue",
    "celery.canvas.Signature": "sedano.Signature",
    "celery.canvas.StampingVisitor": "sedano.canvas.StampingVisitor",
    "celery.canvas._chain": "sedano.chain",
    "celery.canvas.chain": "sedano.chain",
    "celery.canvas.chord": "sedano.chord",
    "celery.canvas.group": "sedano.group",
    "celery.canvas.subtask": "sedano.subtask",
    "celery.contrib.abortable.AbortableAsyncResult": "sedano.contrib.abortable.AbortableAsyncResult",
    "celery.contrib.abortable.AbortableTask": "sedano.contrib.abortable.AbortableTask",
    "celery.contrib.django.task.DjangoTask": "sedano.Task",
    "celery.contrib.pytest.celery_app": "sedano.testing.celery_fixtures.celery_app",
    "celery.contrib.testing.app.TestApp": "sedano.testing.celery_app.TestApp",
    "celery.contrib.testing.tasks.ping": "sedano.testing.ping.ping",
    "celery.contrib.testing.worker.start_worker": "sedano.testing.start_worker",
    "celery.exceptions.BackendError": "sedano.exceptions.BackendError",
    "celery.exceptions.CeleryError": "sedano.exceptions.SedanoError",
    "celery.exceptions.ChordError": "sedano.exceptions.ChordError",
    "celery.exceptions.Ignore": "sedano.exceptions.Ignore",
    "celery.exceptions.ImproperlyConfigured": "sedano.exceptions.ConfigurationError",
    "celery.exceptions.MaxRetriesExceededError": "sedano.exceptions.MaxRetriesExceeded",
    "celery.exceptions.NotRegistered": "sedano.exceptions.TaskNotRegistered",
    "celery.exceptions.OperationalError": "sedano.exceptions.BrokerUnavailable",
    "celery.exceptions.Reject": "sedano.exceptions.Reject",
    "celery.exceptions.Retry": "sedano.exceptions.Retry",
    "celery.exceptions.SoftTimeLimitExceeded": "sedano.exceptions.SoftTimeLimitExceeded",
    "celery.exceptions.TaskRevokedError": "sedano.exceptions.TaskRevoked",
    "celery.exceptions.TimeLimitExceeded": "sedano.exceptions.TimeLimitExceeded",
    "celery.exceptions.TimeoutError": "sedano.exceptions.TaskTimeout",
    "celery.exceptions.WorkerLostError": "sedano.exceptions.TaskCrashed",
    "celery.result.AsyncResult": "sedano.AsyncResult",
    "celery.result.EagerResult": "sedano.EagerResult",
    "celery.result.GroupResult": "sedano.GroupResult",
    "celery.result.ResultSet": "sedano.ResultSet",
    "celery.result.allow_join_result": "sedano.result.allow_join_result",
    "celery.result.result_from_tuple": "sedano.result.result_from_tuple",
    "celery.schedules.crontab": "sedano.schedules.crontab",
    "celery.schedules.schedule": "sedano.schedules.schedule",
    "celery.schedules.solar": "sedano.schedules.solar",
    "celery.signals.task_failure": "sedano.signals.task_failure",
    "celery.signals.task_prerun": "sedano.signals.task_prerun",
    "celery.signals.worker_process_init": "sedano.signals.worker_process_init",
    "celery.signals.worker_ready": "sedano.signals.worker_ready",
    "celery.states.SUCCESS": "sedano.states.SUCCESS",
    "celery.states.READY_STATES": "sedano.states.READY_STATES",
    "celery.utils.uuid": "sedano.uuid",
    "celery.utils.gen_unique_id": "sedano.uuid",
    "celery.utils.log.get_task_logger": "sedano.get_task_logger",
}

#: Celery's modules whose names are those of one of Sedano's: what Sedano has, they have.
MIRRORS: Final = {
    "celery.canvas": "sedano.canvas",
    "celery.exceptions": "sedano.exceptions",
    "celery.result": "sedano.result",
    "celery.schedules": "sedano.schedules",
    "celery.signals": "sedano.signals",
    "celery.states": "sedano.states",
}

#: All of Celery's public names, by module: what ``__all__`` says, else what the module defines.
REAL_NAMES: Final = """
import importlib, inspect, pkgutil, warnings
warnings.simplefilter("ignore")
import celery
told = {"celery": [name for name in celery.__all__ if not name.startswith("__")]}
for found in pkgutil.walk_packages(celery.__path__, "celery."):
    if found.name == "celery.__main__":
        continue
    try:
        module = importlib.import_module(found.name)
    except ImportError:
        told[found.name] = None
        continue
    public = [name for name, value in vars(module).items()
              if not name.startswith("_") and getattr(value, "__module__", None) == found.name]
    told[found.name] = list(getattr(module, "__all__", None) or public)
"""

#: What becomes of each path after the installation: None, or the sentence that refuses it.
FATES: Final = """
import importlib, json, pathlib
told = {}
for module, names in json.loads(pathlib.Path("names.json").read_text()).items():
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        told[module] = str(error)
        continue
    told[module] = None
    for name in names or ():
        try:
            exec(f"from {module} import {name}")
        except ImportError as error:
            told[f"{module}.{name}"] = str(error)
        else:
            told[f"{module}.{name}"] = None
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compat")


@pytest.fixture(scope="module")
def real_names(directory: Path) -> dict[str, list[str] | None]:
    """Celery's public names, by module."""
    code = REAL_NAMES + '\nimport json, pathlib; pathlib.Path("names.json").write_text(json.dumps(told))'
    names: dict[str, list[str] | None] = told_by(code, directory)
    assert len(names) > 100
    return names


@pytest.fixture(scope="module")
def fates(directory: Path, real_names: dict[str, list[str] | None]) -> dict[str, str | None]:
    """What becomes of each of them."""
    fates: dict[str, str | None] = told_by(INSTALL + FATES, directory)
    return fates


@pytest.fixture(scope="module")
def identities(directory: Path) -> dict[str, bool]:
    """Which of the paths above lead to the same object."""
    same: dict[str, bool] = told_by(
        f"""
{INSTALL}
import importlib
def find(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
told = {{theirs: find(theirs) is find(ours) for theirs, ours in {SAME_OBJECT!r}.items()}}
""",
        directory,
    )
    return same


@pytest.mark.parametrize("path", SAME_OBJECT)
def test_a_path_of_celerys_leads_to_the_object_itself(identities: dict[str, bool], path: str) -> None:
    assert identities[path]


def test_each_public_name_is_there_or_is_refused_with_a_sentence(fates: dict[str, str | None]) -> None:
    vague = {
        path: sentence
        for path, sentence in fates.items()
        if sentence is not None and not _names_what_to_use(path, sentence)
    }

    assert vague == {}


def _names_what_to_use(path: str, sentence: str) -> bool:
    """``Sedano has no celery.worker: ...``; of a module that is missing, or of one above it."""
    subject, colon, advice = sentence.partition(": ")
    absent = subject.removeprefix("Sedano has no ")
    return bool(colon) and (path == absent or path.startswith(f"{absent}.")) and len(advice) > 20


def test_the_modules_that_applications_import_are_there(fates: dict[str, str | None]) -> None:
    assert {path for path in PROVIDED if fates.get(path) is not None} == set()
    # Each of them is one of Celery's.
    assert PROVIDED - set(fates) == set()


def test_each_module_has_its_file() -> None:
    files = {path.stem for path in (SOURCE / "compat" / "modules").glob("celery*.py")}

    assert files == {name.replace(".", "_") for name in PROVIDED}


def test_what_is_in_dunder_all_is_there(directory: Path) -> None:
    told = told_by(
        f"""
{INSTALL}
import importlib
told = {{}}
for path in {sorted(PROVIDED)!r}:
    module = importlib.import_module(path)
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    both = sorted(set(module.__all__) & set(vars(module).get("_REFUSED", ())))
    if missing or both:
        told[path] = [missing, both]
""",
        directory,
    )

    assert told == {}


def test_nothing_is_refused_that_sedano_has(directory: Path, real_names: dict[str, Any]) -> None:
    told = told_by(
        f"""
{INSTALL}
import importlib
told = []
for theirs, ours in {MIRRORS!r}.items():
    refused = vars(importlib.import_module(theirs)).get("_REFUSED", {{}})
    told += [f"{{theirs}}.{{name}}" for name in refused if hasattr(importlib.import_module(ours), name)]
""",
        directory,
    )

    assert told == []


def test_each_refused_name_is_one_of_celerys_past_or_present(directory: Path) -> None:
    names = told_by(
        f"""
{INSTALL}
import importlib
modules = [importlib.import_module(path) for path in {sorted(PROVIDED)!r}]
told = {{module.__name__: sorted(vars(module).get("_REFUSED", ())) for module in modules}}
""",
        directory,
    )
    strangers = told_by(
        f"""
import importlib.util, warnings
warnings.simplefilter("ignore")
told = []
for path, names in {names!r}.items():
    module = importlib.import_module(path)
    for name in names:
        if not hasattr(module, name) and importlib.util.find_spec(f"{{path}}.{{name}}") is None:
            told.append(f"{{path}}.{{name}}")
""",
        directory,
    )

    assert set(strangers) == {
        "celery.datastructures",
        "celery.decorators",
        "celery.five",
        "celery.task",
        "celery.backends.amqp",
        "celery.contrib.methods",
        "celery.utils.encoding",
    }
