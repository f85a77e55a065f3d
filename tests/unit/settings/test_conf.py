"""``app.conf`` as users know it from Celery."""

import pytest

from sedano.errors import ConfigurationError
from sedano.settings.conf import Conf


@pytest.fixture(autouse=True)
def the_environment_of_this_process_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEDANO_BROKER_URL", "nowhere://")


def conf(environ: dict[str, str] | None = None, **changes: object) -> Conf:
    return Conf(changes, environ=environ or {})


def test_without_any_setting_everything_is_at_its_default() -> None:
    settings = conf().settings

    assert settings.broker.url is None
    assert settings.tasks.acks_late is True
    assert settings.worker.soft_shutdown_timeout.total_seconds() == 25


def test_a_setting_is_read_by_attribute_by_item_and_by_its_old_name() -> None:
    written = conf(task_always_eager=True)

    assert written.task_always_eager is True
    assert written["task_always_eager"] is True
    assert written.CELERY_ALWAYS_EAGER is True
    assert written["CELERY_TASK_ALWAYS_EAGER"] is True
    assert written.get("task_always_eager") is True


def test_a_setting_is_written_by_attribute_by_item_and_by_its_old_name() -> None:
    written = conf()

    written.CELERYD_CONCURRENCY = 3
    written["task_default_queue"] = "mail"
    written.update({"worker_pool": "solo"}, task_time_limit=5)

    assert written.settings.worker.concurrency == 3
    assert written.settings.tasks.default_queue == "mail"
    assert written.settings.worker.pool == "solo"
    assert written.changes == {
        "worker_concurrency": 3,
        "task_default_queue": "mail",
        "worker_pool": "solo",
        "task_time_limit": 5,
    }


def test_a_setting_that_was_not_set_has_its_default_in_the_form_a_user_writes() -> None:
    assert conf().worker_soft_shutdown_timeout == 25.0
    assert conf().accept_content == ("json",)
    assert conf().broker_pool_limit == 10
    assert conf().task_publish_retry_policy["max_retries"] == 3


def test_a_value_comes_back_as_it_was_written() -> None:
    assert conf(result_expires=3600).result_expires == 3600


def test_names_of_the_projects_own_are_kept() -> None:
    written = conf(proj_colour="green")

    assert written.proj_colour == "green"
    assert "proj_colour" in written
    assert "proj_shape" not in written
    assert written.get("proj_shape", "round") == "round"


def test_a_name_that_nobody_knows_is_no_attribute() -> None:
    with pytest.raises(
        AttributeError, match=r"task_ack_late: no such setting. Did you mean 'task_acks_late'\?"
    ):
        _ = conf().task_ack_late
    with pytest.raises(KeyError):
        conf()["task_ack_late"]


def test_every_known_setting_is_in_it() -> None:
    assert "task_acks_late" in conf()
    assert conf().setdefault("task_acks_late", False) is True
    assert "task_acks_late" in set(conf())


def test_none_means_not_set() -> None:
    written = conf(task_acks_late=None, broker_url=None)

    assert written.settings.tasks.acks_late is True
    assert written.task_acks_late is True
    assert not written.changed("task_acks_late")


def test_it_tells_what_was_set() -> None:
    written = conf(task_acks_late=False)

    assert written.changed("task_acks_late")
    assert written.changed("CELERY_ACKS_LATE")
    assert not written.changed("task_ignore_result")


def test_what_was_set_can_be_taken_back() -> None:
    written = conf(task_acks_late=False, worker_pool="solo")

    del written["task_acks_late"]
    del written.worker_pool

    assert written.settings.tasks.acks_late is True
    assert written.settings.worker.pool == "prefork"


def test_the_typed_settings_are_the_same_object_until_something_changes() -> None:
    written = conf()
    before = written.settings
    assert written.settings is before

    written.task_time_limit = 3

    assert written.settings is not before
    assert written.settings.tasks.time_limit == 3


def test_a_default_that_is_changed_in_place_counts() -> None:
    written = conf()
    _ = written.settings

    written.broker_transport_options["schema"] = "external"

    assert written.settings.broker.transport_options == {"schema": "external"}
    assert conf().broker_transport_options == {}


def test_the_typed_settings_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        conf().settings = None  # type: ignore[misc]


# -- what counts more


def test_the_environment_counts_more_than_what_was_set() -> None:
    environ = {"CELERY_BROKER_URL": "memory://celery", "CELERY_RESULT_BACKEND": "disabled"}
    written = conf(environ, broker_url="memory://set")

    assert written.broker_url == "memory://celery"
    assert written.settings.broker.url == "memory://celery"
    assert written.settings.results.backend == "disabled"


def test_our_own_variable_counts_more_than_celerys() -> None:
    environ = {"CELERY_BROKER_URL": "memory://celery", "SEDANO_BROKER_URL": "memory://sedano"}

    assert conf(environ).settings.broker.url == "memory://sedano"


def test_an_empty_variable_is_not_set() -> None:
    assert conf({"SEDANO_BROKER_URL": ""}, broker_url="memory://").settings.broker.url == "memory://"


def test_the_command_line_counts_more_than_the_environment() -> None:
    written = conf({"SEDANO_BROKER_URL": "memory://environment"})

    written.override({"broker_url": "memory://line", "worker_concurrency": "3"})

    assert written.settings.broker.url == "memory://line"
    assert written.settings.worker.concurrency == 3


def test_added_defaults_count_more_than_files_and_less_than_what_was_set() -> None:
    written = conf(task_default_queue="set")
    written.add_source({"task_default_queue": "file", "worker_pool": "prefork"})

    written.add_defaults(lambda: {"task_default_queue": "added", "worker_pool": "solo"})

    assert written.settings.tasks.default_queue == "set"
    assert written.settings.worker.pool == "solo"


# -- shown to people


def test_what_was_set_is_shown_without_secrets() -> None:
    written = conf(
        broker_url="redis://:hunter2@localhost/0",
        broker_transport_options={"password": "hunter2", "visible": 1},
        security_key_password="hunter2",
    )

    text = written.humanize()

    assert text.splitlines() == [
        "broker_transport_options: {'password': '********', 'visible': 1}",
        "broker_url: 'redis://:********@localhost/0'",
        "security_key_password: '********'",
    ]
    assert "hunter2" not in repr(written)
    assert "hunter2" in written.humanize(censored=False)


def test_defaults_are_shown_when_asked_for() -> None:
    lines = conf().humanize(with_defaults=True).splitlines()

    assert "task_acks_late: True" in lines
    assert conf().humanize() == ""


def test_looking_at_all_settings_changes_none() -> None:
    written = conf()

    shown = dict(written.items())

    assert shown["worker_pool"] == "prefork"
    assert written.warnings == []
    assert written.humanize() == ""


# -- what is wrong, and what is only odd


def test_all_problems_are_told_at_once_under_the_names_that_were_written() -> None:
    written = conf(CELERYD_CONCURRENCY="four", task_ack_late=True, worker_pool="gevent")

    with pytest.raises(ConfigurationError) as caught:
        _ = written.settings

    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "CELERYD_CONCURRENCY: expected an integer of at least 1, or 'auto', got 'four'" in lines
    assert "task_ack_late: no such setting. Did you mean 'task_acks_late'?" in lines


def test_a_problem_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match=r"^SEDANO_BROKER_URL: several brokers"):
        _ = conf({"SEDANO_BROKER_URL": "redis://a;redis://b"}).settings


def test_a_problem_does_not_repeat_a_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _ = conf(worker_concurrency="redis://:hunter2@localhost").settings

    assert "hunter2" not in str(caught.value)


def test_a_setting_without_effect_is_a_warning_with_the_reason() -> None:
    assert conf(worker_lost_wait=3).warnings == [
        "worker_lost_wait: has no effect: a child's death is noticed at once."
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("worker_prefetch_multiplier", 4),
        ("worker_prefetch_multiplier", "1"),
        ("broker_connection_retry_on_startup", True),
        ("task_reject_on_worker_lost", True),
        ("beat_sync_every", 0),
        ("task_protocol", 2),
        ("worker_direct", False),
    ],
)
def test_asking_for_what_happens_anyway_is_neither_wrong_nor_odd(name: str, value: object) -> None:
    assert conf(**{name: value}).warnings == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_protocol", 1),
        ("worker_direct", True),
        ("broker_host", "localhost"),
        ("security_key", "/etc/key.pem"),
    ],
)
def test_what_cannot_be_ignored_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        _ = conf(**{name: value}).settings


def test_results_are_compressed_by_what_there_is() -> None:
    assert conf(result_compression="gzip").settings.results.compression == "gzip"
    with pytest.raises(ConfigurationError, match="expected 'gzip', 'bzip2' or 'lzma', got 'gzipp'"):
        _ = conf(result_compression="gzipp").settings
    with pytest.raises(ConfigurationError, match="'zstd' is not supported"):
        _ = conf(result_compression="zstd").settings


def test_a_serializer_that_nobody_may_read_is_odd() -> None:
    assert conf(task_serializer="pickle").warnings == [
        "task_serializer: 'pickle' is not in accept_content, so what is written cannot be read."
    ]
    assert conf(task_serializer="yaml", accept_content=["application/x-yaml", "json"]).warnings == []


def test_a_soft_limit_above_the_hard_one_is_odd() -> None:
    [warning] = conf(task_time_limit=10, task_soft_time_limit=20).warnings

    assert warning == "task_soft_time_limit: is not below task_time_limit, so it is never reached."
