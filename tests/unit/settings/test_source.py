"""Where settings come from: dicts, modules, classes, Django's settings, and dotted paths to them."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from sedano.errors import ConfigurationError, UnknownSetting
from sedano.settings.conf import Conf


@pytest.fixture
def conf() -> Conf:
    return Conf(environ={})


class Config:
    task_default_queue = "class"
    worker_pool = "solo"

    def method(self) -> None: ...


def test_a_dict_a_class_an_object_and_a_module_are_read_alike(conf: Conf) -> None:
    module = ModuleType("celeryconfig")
    vars(module).update(task_default_queue="module", sys=sys, Path=Path)

    for origin in (
        {"task_default_queue": "dict"},
        Config,
        SimpleNamespace(task_default_queue="object"),
        module,
    ):
        conf.add_source(origin)
        found = conf.settings.tasks.default_queue
        assert found in ("dict", "class", "object", "module")
        assert conf.warnings == []

    assert conf.settings.tasks.default_queue == "module"
    assert conf.settings.worker.pool == "solo"


def test_a_source_is_read_when_a_setting_is_asked_for_and_only_once(conf: Conf) -> None:
    calls = []

    def source() -> dict[str, object]:
        calls.append("read")
        return {"worker_pool": "solo"}

    conf.add_source(source)
    conf.task_time_limit = 3
    assert calls == []

    assert conf.worker_pool == "solo"
    assert conf.settings.worker.pool == "solo"
    assert calls == ["read"]


def test_a_source_can_be_read_again(conf: Conf) -> None:
    origin = SimpleNamespace(worker_pool="solo")
    conf.add_source(origin)
    assert conf.settings.worker.pool == "solo"

    origin.worker_pool = "prefork"
    conf.reload()

    assert conf.settings.worker.pool == "prefork"


def test_a_source_may_ask_for_settings_while_it_is_read(conf: Conf) -> None:
    def source() -> dict[str, object]:
        return {"task_default_queue": conf.settings.tasks.default_queue + "-mail", "worker_pool": "solo"}

    conf.add_source(source)

    assert conf.settings.tasks.default_queue == "celery-mail"
    assert conf.settings.worker.pool == "solo"


def test_a_later_source_counts_more_and_may_forget_the_earlier_ones(conf: Conf) -> None:
    conf.add_source({"task_default_queue": "first", "worker_pool": "solo"})
    conf.add_source({"task_default_queue": "second"})
    assert (conf.settings.tasks.default_queue, conf.settings.worker.pool) == ("second", "solo")

    conf.add_source({}, reset=True)

    assert (conf.settings.tasks.default_queue, conf.settings.worker.pool) == ("celery", "prefork")


# -- namespaces


def test_a_namespace_is_the_prefix_of_upper_case_names(conf: Conf) -> None:
    conf.add_source(SimpleNamespace(CELERY_TASK_ACKS_LATE=False, DEBUG=True, TASK_TIME_LIMIT=4), "CELERY")

    assert conf.settings.tasks.acks_late is False
    assert conf.settings.tasks.time_limit is None
    assert conf.warnings == []


def test_a_lower_case_namespace_goes_with_lower_case_names(conf: Conf) -> None:
    conf.add_source({"proj_task_acks_late": False}, "proj")

    assert conf.settings.tasks.acks_late is False


def test_old_names_are_read_beside_a_namespace(conf: Conf) -> None:
    conf.add_source(
        {"CELERYD_CONCURRENCY": 3, "CELERY_ACKS_LATE": False, "BROKER_URL": "memory://"}, "CELERY"
    )

    assert conf.settings.worker.concurrency == 3
    assert conf.settings.tasks.acks_late is False
    assert conf.settings.broker.url == "memory://"


def test_of_two_namespaces_the_first_counts_more(conf: Conf) -> None:
    conf.add_source(
        {"CELERY_WORKER_POOL": "prefork", "SEDANO_WORKER_POOL": "solo", "CELERY_TASK_TIME_LIMIT": 3},
        ["SEDANO", "CELERY"],
    )

    assert conf.settings.worker.pool == "solo"
    assert conf.settings.tasks.time_limit == 3


def test_djangos_time_zone_counts_where_ours_is_not_set(conf: Conf) -> None:
    conf.add_source({"TIME_ZONE": "Europe/Rome"}, "CELERY")
    assert str(conf.settings.app.timezone) == "Europe/Rome"
    assert conf.timezone == "Europe/Rome"

    conf.add_source({"CELERY_TIMEZONE": "Europe/Berlin"}, "CELERY", reset=True)
    assert str(conf.settings.app.timezone) == "Europe/Berlin"


def test_djangos_own_settings_object_is_read_without_complaint(conf: Conf) -> None:
    from django.conf import LazySettings

    settings = LazySettings()
    settings.configure(CELERY_WORKER_POOL="solo", S3_BUCKET="pictures", TIME_ZONE="Europe/Rome")

    conf.add_source(settings, "CELERY")
    assert conf.settings.worker.pool == "solo"
    assert conf.warnings == []

    conf.add_source(settings, reset=True)
    assert conf.settings.worker.pool == "solo"
    assert conf.warnings == []


# -- names that nobody knows


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CELERY_TASK_ACK_LATE", "CELERY_TASK_ACKS_LATE"),
        ("CELERY_WORKER_PREFETCH_MULTIPLYER", "CELERY_WORKER_PREFETCH_MULTIPLIER"),
        ("CELERY_TIME_ZONE", "CELERY_TIMEZONE"),
        ("CELERY_ALWAYS_EAGR", "CELERY_ALWAYS_EAGER"),
    ],
)
def test_a_misspelt_name_in_a_namespace_is_an_error(conf: Conf, written: str, meant: str) -> None:
    conf.add_source({written: True}, "CELERY")

    with pytest.raises(UnknownSetting) as caught:
        _ = conf.settings

    assert str(caught.value) == f"{written}: no such setting. Did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("task_ack_late", "task_acks_late"),
        ("BROKER_ULR", "BROKER_URL"),
        ("CELERYD_CONCURENCY", "CELERYD_CONCURRENCY"),
        ("CELERY_TASK_ACK_LATE", "CELERY_TASK_ACKS_LATE"),
    ],
)
def test_a_misspelt_name_without_a_namespace_is_an_error(conf: Conf, written: str, meant: str) -> None:
    conf.add_source({written: True})

    with pytest.raises(UnknownSetting, match=rf"^{written}: no such setting\. Did you mean '{meant}'\?$"):
        _ = conf.settings


def test_a_name_of_the_projects_own_is_a_warning(conf: Conf) -> None:
    conf.add_source({"CELERY_FAVOURITE_COLOUR": "green", "CELERY_CONCURRENCY": 4}, "CELERY")

    assert conf.warnings == [
        "CELERY_CONCURRENCY: no such setting, so it has no effect. Did you mean 'CELERY_WORKER_CONCURRENCY'?",
        "CELERY_FAVOURITE_COLOUR: no such setting, so it has no effect.",
    ]
    assert conf.favourite_colour == "green"


def test_old_and_new_names_are_not_mixed(conf: Conf) -> None:
    conf.add_source({"CELERY_ACKS_LATE": True, "task_track_started": True, "worker_pool": "solo"})

    with pytest.raises(ConfigurationError, match="mixed; please rename CELERY_ACKS_LATE -> task_acks_late"):
        _ = conf.settings


def test_where_most_names_are_old_the_new_ones_are_to_be_renamed(conf: Conf) -> None:
    conf.add_source({"CELERY_ACKS_LATE": True, "CELERY_TRACK_STARTED": True, "worker_pool": "solo"})

    with pytest.raises(ConfigurationError, match="mixed; please rename worker_pool -> CELERYD_POOL"):
        _ = conf.settings


def test_a_setting_given_under_both_of_its_names_is_no_mixture(conf: Conf) -> None:
    conf.add_source({"CELERY_ACKS_LATE": True, "task_acks_late": False})

    assert conf.settings.tasks.acks_late is False


# -- dotted paths


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_module_is_named_by_its_path(conf: Conf, project: Path) -> None:
    (project / "settings_of_a_module.py").write_text("worker_pool = 'solo'\n")

    conf.add_source("settings_of_a_module")

    assert conf.settings.worker.pool == "solo"


@pytest.mark.parametrize("path", ["settings_with_a_class:Config", "settings_with_a_class.Config"])
def test_an_object_in_a_module_is_named_by_its_path(conf: Conf, project: Path, path: str) -> None:
    (project / "settings_with_a_class.py").write_text("class Config:\n    worker_pool = 'solo'\n")

    conf.add_source(path)

    assert conf.settings.worker.pool == "solo"


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere_at_all", "There is no module 'nowhere_at_all' to read settings from."),
        ("celeryconfig.py", "'celeryconfig.py' is a file; give the module's name, 'celeryconfig'."),
        ("datetime:nothing", "'datetime:nothing': datetime has no 'nothing'."),
    ],
)
def test_a_path_that_leads_to_nothing_is_an_error_unless_told_to_be_silent(
    conf: Conf, path: str, complaint: str
) -> None:
    conf.add_source(path)
    with pytest.raises(ConfigurationError) as caught:
        _ = conf.settings
    assert str(caught.value) == complaint

    conf.add_source(path, silent=True, reset=True)
    assert conf.warnings == []


def test_an_error_inside_a_settings_module_is_not_hidden(conf: Conf, project: Path) -> None:
    (project / "settings_that_fail.py").write_text("import a_module_that_is_missing\n")

    conf.add_source("settings_that_fail", silent=True)

    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_missing"):
        _ = conf.settings
