"""``sedano.install_as_celery()``: who gets Sedano by Celery's name, and what is said to those who cannot."""

from pathlib import Path

import pytest

import sedano
from tests.unit.compat.program import INSTALL, run, told_by


def complaint(statement: str, cwd: Path) -> tuple[str, str]:
    """The error that a statement raises after the installation: its type and its text."""
    kind, text = told_by(
        f"""
{INSTALL}
import celery, celery.schedules, celery.utils.time
try:
    {statement}
except (ImportError, AttributeError) as error:
    told = [type(error).__name__, str(error)]
""",
        cwd,
    )
    return kind, text


def test_celery_is_sedano_although_celery_is_installed(tmp_path: Path) -> None:
    told = told_by(
        f"""
        import importlib.util
        installed = importlib.util.find_spec("celery").origin
        {INSTALL.replace(chr(10), ";")}
        import celery
        told = [installed, celery.__file__, celery.Celery is sedano.Sedano]
        """,
        tmp_path,
    )

    assert "site-packages" in told[0]
    assert "sedano" in told[1]
    assert told[2]


def test_nothing_is_imported_that_is_not_asked_for(tmp_path: Path) -> None:
    told = told_by(
        f"""
{INSTALL}
import sys
before = set(sys.modules)
import celery
told = [sorted(set(sys.modules) - before), celery.schedules.__name__, "sedano.scheduler" in sys.modules]
""",
        tmp_path,
    )

    assert told == [["celery"], "celery.schedules", True]


def test_the_installation_itself_imports_nothing_of_celerys(tmp_path: Path) -> None:
    told = told_by(
        INSTALL + "import sys; told = [name for name in sys.modules if name.partition('.')[0] == 'celery']",
        tmp_path,
    )

    assert told == []


def test_importing_sedano_does_not_load_what_answers_for_celery(tmp_path: Path) -> None:
    told = told_by("import sedano, sys; told = 'sedano.compat.finder' in sys.modules", tmp_path)

    assert told is False


def test_the_second_call_does_nothing(tmp_path: Path) -> None:
    told = told_by(
        f"""
{INSTALL}
import celery, sys
finders = list(sys.meta_path)
sedano.install_as_celery()
import celery as again
told = [sys.meta_path == finders, again is celery]
""",
        tmp_path,
    )

    assert told == [True, True]


def test_after_celery_itself_it_is_too_late(tmp_path: Path) -> None:
    told = told_by(
        """
        import celery, sedano
        try:
            sedano.install_as_celery()
        except sedano.exceptions.ConfigurationError as error:
            told = [str(error), celery.__file__, celery.Celery is sedano.Celery]
        """,
        tmp_path,
    )

    message, file, is_ours = told
    assert file in message
    assert "at the top of proj/__init__.py, or of manage.py" in message
    assert not is_ours


def test_a_module_of_the_projects_own_that_is_called_celery_is_named(tmp_path: Path) -> None:
    (tmp_path / "celery.py").write_text("")

    told = told_by(
        """
        import celery, sedano
        try:
            sedano.install_as_celery()
        except sedano.exceptions.ConfigurationError as error:
            told = str(error)
        """,
        tmp_path,
    )

    assert str(tmp_path / "celery.py") in told


@pytest.mark.parametrize(
    "statement",
    [
        "import celery.bin",
        "from celery import bin",
        "from celery.bin import worker",
        "celery.bin",
    ],
)
def test_a_module_that_is_missing_is_named_with_what_to_use_instead(tmp_path: Path, statement: str) -> None:
    _, text = complaint(statement, tmp_path)

    assert text.startswith("Sedano has no celery.bin: ")
    assert "sedano --help" in text


def test_a_scheduler_to_derive_from_is_missing_with_what_to_use_instead(tmp_path: Path) -> None:
    _, text = complaint("from celery.beat import Scheduler", tmp_path)

    assert text.startswith("Sedano has no celery.beat.Scheduler: ")
    assert "beat_schedule" in text


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("from celery.schedules import cron", "ModuleNotFoundError"),
        ("celery.schedules.cron", "AttributeError"),
        ("from celery.utils.time import rate", "ModuleNotFoundError"),
        ("from celery import nonsense", "ModuleNotFoundError"),
        ("import celery.nonsense.more", "ModuleNotFoundError"),
        ("celery.nonsense", "AttributeError"),
    ],
)
def test_a_missing_name_is_an_import_error_or_an_attribute_error(
    tmp_path: Path, statement: str, kind: str
) -> None:
    raised, text = complaint(statement, tmp_path)

    assert raised == kind
    assert text.startswith("Sedano has no celery.")


def test_a_misspelt_name_gets_the_one_that_was_meant(tmp_path: Path) -> None:
    _, text = complaint("from celery import shared_tsk", tmp_path)

    assert text == "Sedano has no celery.shared_tsk. Did you mean 'shared_task'?"


def test_to_ask_for_a_missing_name_is_harmless(tmp_path: Path) -> None:
    told = told_by(
        INSTALL + "import celery; told = [hasattr(celery, 'bin'), getattr(celery, 'nonsense', None)]",
        tmp_path,
    )

    assert told == [False, None]


def test_a_name_can_be_replaced_for_a_test_and_comes_back(tmp_path: Path) -> None:
    told = told_by(
        f"""
{INSTALL}
import celery.result
from unittest import mock
with mock.patch("celery.result.AsyncResult", 1), mock.patch("celery.schedules.crontab", 2):
    told = [celery.result.AsyncResult, celery.schedules.crontab]
told += [celery.result.AsyncResult is sedano.AsyncResult]
""",
        tmp_path,
    )

    assert told == [1, 2, True]


def test_everything_is_imported_by_a_star(tmp_path: Path) -> None:
    told = told_by(
        INSTALL + "from celery import *\ntold = [Celery is sedano.Celery, uuid is sedano.uuid]", tmp_path
    )

    assert told == [True, True]


def test_a_pickled_name_of_celerys_is_found(tmp_path: Path) -> None:
    told = told_by(
        f"""
{INSTALL}
import pickle
found = pickle.loads(b"ccelery.exceptions" + bytes([10]) + b"Retry" + bytes([10]) + b".")
told = found is sedano.exceptions.Retry
""",
        tmp_path,
    )

    assert told is True


def test_kombu_is_left_alone(tmp_path: Path) -> None:
    told = told_by(INSTALL + "import kombu; told = [kombu.__file__, kombu.Queue('a').name]", tmp_path)

    assert "site-packages" in told[0]
    assert told[1] == "a"


def test_it_is_a_public_name() -> None:
    assert "install_as_celery" in sedano.__all__


def test_programs_that_never_call_it_have_celery_itself(tmp_path: Path) -> None:
    assert "site-packages" in run(["-c", "import sedano, celery; print(celery.__file__)"], cwd=tmp_path)
