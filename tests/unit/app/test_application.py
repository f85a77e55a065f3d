"""The application: its settings, its places, its modules, and which one is current."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import sedano
from sedano import Sedano, current_app, exceptions, shared_task
from sedano.current import for_every_app, get_current_app
from sedano.errors import ConfigurationError, NotSupported, UnknownSetting
from sedano.testing.clock import ManualClock


def run(code: str, *, cwd: Path) -> str:
    """What a program prints."""
    program = [sys.executable, "-c", textwrap.dedent(code)]
    finished = subprocess.run(program, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_the_public_names_are_these() -> None:
    assert sedano.__all__ == sorted(sedano.__all__)
    assert all(hasattr(sedano, name) for name in sedano.__all__)
    assert exceptions.__all__ == sorted(exceptions.__all__)
    assert all(hasattr(exceptions, name) for name in exceptions.__all__)
    assert sedano.Celery is Sedano


def test_further_keywords_are_settings() -> None:
    app = Sedano("proj", set_as_current=False, broker="memory://", include=["a", "b"], task_serializer="yaml")

    assert app.conf.broker_url == "memory://"
    assert app.settings.tasks.serializer == "yaml"
    assert app.settings.app.include == ("a", "b")


def test_a_misspelt_keyword_is_a_misspelt_setting() -> None:
    app = Sedano("proj", set_as_current=False, task_serialiser="yaml")

    with pytest.raises(UnknownSetting, match="Did you mean"):
        app.settings  # noqa: B018 - reading them checks them


def test_celerys_parts_that_do_not_exist_here_are_refused() -> None:
    with pytest.raises(NotSupported, match="loader"):
        Sedano("proj", set_as_current=False, loader="myloader")
    Sedano("proj", set_as_current=False, loader=None, autofinalize=True, strict_typing=True)


def test_settings_come_from_an_object_under_a_prefix() -> None:
    class Config:
        CELERY_TASK_DEFAULT_QUEUE = "mails"

    app = Sedano("proj", set_as_current=False)
    app.config_from_object(Config, namespace="CELERY")

    assert app.settings.tasks.default_queue == "mails"


def test_settings_come_from_the_module_that_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Sedano("proj", set_as_current=False)
    monkeypatch.setenv("PROJ_CONFIG", "no.such.module")

    with pytest.raises(ConfigurationError, match="OTHER_CONFIG is not set"):
        app.config_from_envvar("OTHER_CONFIG")
    app.config_from_envvar("OTHER_CONFIG", silent=True)
    with pytest.raises(ConfigurationError, match=r"no\.such"):
        app.config_from_envvar("PROJ_CONFIG", force=True)


@pytest.mark.parametrize(
    ("broker", "backend", "expected"),
    [
        (None, None, ("sqlite:///sedano.db", "sqlite:///sedano.db")),
        ("memory://", None, ("memory://", "memory://")),
        ("sqlite:////var/q.db", "disabled", ("sqlite:////var/q.db", None)),
        ("sqlite:////var/q.db", "memory://", ("sqlite:////var/q.db", "memory://")),
        ("redis://localhost", None, ("redis://localhost", None)),
        ("site://", None, ("sqlite:////site.db", None)),
        ("memory://", "site://x", ("memory://", "sqlite:////site.db")),
    ],
)
def test_results_lie_beside_the_broker_unless_told_otherwise(
    broker: str | None, backend: str | None, expected: tuple[str, str | None]
) -> None:
    app = Sedano("proj", broker=broker, backend=backend, set_as_current=False)
    app.resolvers["site"] = lambda url: "sqlite:////site.db"

    assert (app.broker_url, app.result_url) == expected


def test_results_may_be_kept_nowhere() -> None:
    with Sedano("proj", broker="memory://", backend="disabled", set_as_current=False) as app:
        assert app.results is None

        @app.task
        def ping() -> None: ...

        ping.delay()
        ping.update_state(task_id="other", state="PROGRESS")


def test_broker_and_results_are_opened_once_and_again_after_closing() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False)
    broker, results = app.broker, app.results

    assert (app.broker is broker, app.results is results, app.backend is results) == (True, True, True)
    app.close()
    app.close()
    assert app.broker is not broker


@pytest.mark.parametrize(
    ("file", "statement", "home"),
    [
        ("tasks.py", "import tasks; print(tasks.app.base_dir)", "."),
        ("proj/celery.py", "import proj.celery; print(proj.celery.app.base_dir)", "."),
        ("proj/__init__.py", "import proj; print(proj.app.base_dir)", "."),
        ("proj/conf/celery.py", "import proj.conf.celery; print(proj.conf.celery.app.base_dir)", "."),
    ],
)
def test_an_application_is_at_home_beside_its_program(
    tmp_path: Path, file: str, statement: str, home: str
) -> None:
    place = tmp_path / "program"
    (place / file).parent.mkdir(parents=True)
    (place / file).write_text(
        "from sedano import Sedano\nclass Own(Sedano):\n"
        "    def __init__(self, *args):\n        super().__init__(*args)\n"
        "app = Own('proj')\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    printed = run(f"import sys; sys.path.insert(0, {str(place)!r}); {statement}", cwd=elsewhere)

    assert Path(printed) == (place / home).resolve()


def test_without_any_program_the_home_is_the_working_directory(tmp_path: Path) -> None:
    printed = run("from sedano import current_app; print(current_app.base_dir)", cwd=tmp_path)

    assert Path(printed) == tmp_path.resolve()


def test_a_script_names_its_tasks_as_those_who_import_it_do(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(
        "from sedano import Sedano\napp = Sedano(set_as_current=False)\n"
        "@app.task\ndef add(): ...\nprint(add.name)\n"
    )

    as_script = run("import runpy; runpy.run_path('jobs.py', run_name='jobs')", cwd=tmp_path)
    finished = subprocess.run(
        [sys.executable, "jobs.py"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )

    assert (as_script, finished.stdout.strip()) == ("jobs.add", "jobs.add")


def test_the_application_made_last_is_the_current_one() -> None:
    first = Sedano("first")
    second = Sedano("second")
    Sedano("third", set_as_current=False)

    assert current_app == second
    assert current_app.main == "second"
    first.set_current()
    assert get_current_app() is first
    assert (repr(current_app), repr(Sedano(set_as_current=False))) == ("<Sedano first>", "<Sedano (unnamed)>")


def test_integrations_adapt_every_application() -> None:
    before = Sedano("before", set_as_current=False)
    adapted: list[Sedano] = []

    for_every_app(adapted.append)
    after = Sedano("after", set_as_current=False)

    assert before in adapted
    assert after in adapted


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages with and without a module of tasks."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for package in ("shop_with", "shop_without", "shop_broken"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "shop_with" / "tasks.py").write_text("")
    (tmp_path / "shop_with" / "jobs.py").write_text("")
    (tmp_path / "shop_broken" / "tasks.py").write_text("import no_such_dependency")
    (tmp_path / "shop_single.py").write_text("")
    return tmp_path


def names(modules: list[object]) -> list[str]:
    return [getattr(module, "__name__", "") for module in modules]


def test_modules_of_tasks_are_found_when_a_worker_starts(project: Path) -> None:
    app = Sedano("proj", set_as_current=False, include=["shop_with.jobs"], imports=["shop_single"])
    app.autodiscover_tasks(["shop_with", "shop_without", "shop_single"])
    app.autodiscover_tasks(lambda: ["shop_with"], related_name=None)

    assert names(list(app.import_modules())) == [
        "shop_single",
        "shop_with.jobs",
        "shop_with.tasks",
        "shop_with",
    ]


def test_integrations_say_where_to_look_when_nothing_is_named(project: Path) -> None:
    app = Sedano("proj", set_as_current=False)
    app.autodiscover_tasks()
    app.package_finders.append(lambda: ["shop_with"])

    assert names(list(app.import_modules())) == ["shop_with.tasks"]


def test_an_error_inside_a_module_of_tasks_is_not_hidden(project: Path) -> None:
    app = Sedano("proj", set_as_current=False)

    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        app.autodiscover_tasks(["shop_broken"], force=True)


def test_a_module_that_does_not_exist_is_named_with_its_setting() -> None:
    app = Sedano("proj", set_as_current=False, imports=["no_such_module"])

    with pytest.raises(ConfigurationError, match="imports: there is no module 'no_such_module'"):
        app.import_modules()


def test_a_listener_hears_that_modules_are_imported() -> None:
    app, heard = Sedano("proj", set_as_current=False), []

    @sedano.signals.import_modules.connect(sender=app)
    def note(sender: object, **named: object) -> None:
        heard.append(sender)

    app.import_modules()

    assert heard == [app]


def test_a_task_is_run_here_and_now() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False, clock=ManualClock())

    @app.task(bind=True, max_retries=3)
    def flaky(self: sedano.Task[..., object], limit: int) -> int:
        if self.request.retries < limit:
            raise self.retry(countdown=60)
        return self.request.retries

    assert flaky.apply((2,)).get() == 2
    with pytest.raises(exceptions.MaxRetriesExceededError):
        flaky.apply((9,), throw=True)
    assert flaky.apply((9,), task_id="mine").failed()


def test_an_asynchronous_task_is_run_here_and_now() -> None:
    app = Sedano("proj", broker="memory://", set_as_current=False)

    @app.task
    async def double(x: int) -> int:
        return 2 * x

    assert double.apply((21,)).get() == 42


def test_a_task_logger_writes_under_the_tasks_logger() -> None:
    logger = sedano.get_task_logger("tests.some_module")

    assert logger.parent is not None
    assert (logger.name, logger.parent.name) == ("tests.some_module", "sedano.task")


@shared_task(name="tests.application_ping")
def ping() -> int:
    return 1


def test_a_shared_task_works_without_any_application_made(tmp_path: Path) -> None:
    code = """
        from sedano import current_app, shared_task

        @shared_task(name="ping")
        def ping(): return 1

        current_app.conf.broker_url = "memory://"
        print(ping.delay().state, ping.name in current_app.tasks)
    """

    assert run(code, cwd=tmp_path) == "PENDING True"


def test_an_application_without_strict_typing_checks_the_arguments_of_no_task_but_those_that_ask() -> None:
    app = Sedano("proj", broker="memory://loose", strict_typing=False, set_as_current=False)

    @app.task
    def loose(x: int) -> None: ...

    @app.task(typing=True)
    def strict(x: int) -> None: ...

    loose.apply_async((1, 2, 3))
    with pytest.raises(TypeError):
        strict.apply_async((1, 2, 3))
