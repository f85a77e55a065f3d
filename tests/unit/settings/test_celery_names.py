"""The table of names says of every setting of the real Celery what becomes of it."""

from collections import Counter

import pytest
from celery.app.defaults import _TO_OLD_KEY, DEFAULTS

from sedano.settings.celery_names import ENVIRONMENT, NEW_NAMES, ROWS, SETTINGS
from sedano.settings.setting import NOT_CELERYS, SECTIONS, Setting, Works

WORKING = [setting for setting in SETTINGS.values() if isinstance(setting.fate, Works)]


def by_name(setting: Setting) -> str:
    return setting.name


def test_no_setting_has_two_rows() -> None:
    assert [name for name, rows in Counter(row.name for row in ROWS).items() if rows > 1] == []


def test_no_setting_of_celery_is_missing() -> None:
    assert set(DEFAULTS) <= set(SETTINGS)


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_a_setting_has_celerys_default_and_celerys_old_name(name: str) -> None:
    setting = SETTINGS[name]

    assert setting.celery_default == DEFAULTS[name]
    assert setting.old_names == (_TO_OLD_KEY[name],)


def test_a_setting_that_celery_does_not_have_is_marked_as_our_own() -> None:
    own = {setting.name for setting in SETTINGS.values() if setting.celery_default is NOT_CELERYS}

    assert own == {
        "broker_publish_timeout",
        "task_max_crashes",
        "task_max_message_size",
        "task_publish_on_commit",
        "worker_async_concurrency",
        "worker_lease",
    }


@pytest.mark.parametrize("setting", WORKING, ids=by_name)
def test_the_default_a_user_sees_reads_as_the_default_of_the_section(setting: Setting) -> None:
    assert isinstance(setting.fate, Works)
    expected = getattr(SECTIONS[setting.fate.section], setting.fate.field)

    if setting.default is not None:
        assert setting.fate.parser.read(setting.default) == expected
    elif setting.name != "result_accept_content":  # not set, it is what accept_content says
        assert expected is None


def test_every_field_of_every_section_can_be_set_by_exactly_one_name() -> None:
    fields = [(name, field) for name, section in SECTIONS.items() for field in section.__struct_fields__]

    named = [
        (setting.fate.section, setting.fate.field) for setting in WORKING if isinstance(setting.fate, Works)
    ]

    assert sorted(named) == sorted(fields)


def test_no_namespaced_name_is_another_settings_old_name() -> None:
    for name in SETTINGS:
        assert NEW_NAMES.get(f"CELERY_{name.upper()}", name) == name


def test_the_environment_names_settings_that_exist() -> None:
    assert set(ENVIRONMENT) <= set(SETTINGS)
