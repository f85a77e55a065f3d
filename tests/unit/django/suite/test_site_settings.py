"""Settings come from ``CELERY_*`` or ``SEDANO_*`` in Django's settings."""

from datetime import timedelta

import pytest
from django.test import SimpleTestCase, override_settings
from django.utils.translation import gettext_lazy

from sedano import current_app
from sedano.errors import ConfigurationError, UnknownSetting


class TestSiteSettings(SimpleTestCase):
    def test_without_any_the_queue_is_the_default_database(self) -> None:
        assert current_app.broker_url.startswith("sqlite:////")
        assert current_app.broker_url.endswith("test_default.sqlite3?schema=external")
        assert current_app.result_url == current_app.broker_url
        assert current_app.broker.name == current_app.results.name == "django"

    @override_settings(CELERY_TASK_DEFAULT_QUEUE="parcels", CELERY_WORKER_CONCURRENCY=3)
    def test_celerys_names_are_read(self) -> None:
        assert current_app.settings.tasks.default_queue == "parcels"
        assert current_app.settings.worker.concurrency == 3

    @override_settings(SEDANO_TASK_DEFAULT_QUEUE="parcels", SEDANO_WORKER_LEASE=5)
    def test_our_names_are_read(self) -> None:
        assert current_app.settings.tasks.default_queue == "parcels"
        assert current_app.settings.worker.lease == timedelta(seconds=5)

    @override_settings(SEDANO_TASK_DEFAULT_QUEUE="parcels", CELERY_WORKER_CONCURRENCY=3)
    def test_both_prefixes_may_be_used_for_different_settings(self) -> None:
        assert current_app.settings.tasks.default_queue == "parcels"
        assert current_app.settings.worker.concurrency == 3

    @override_settings(SEDANO_TASK_DEFAULT_QUEUE="parcels", CELERY_TASK_DEFAULT_QUEUE="letters")
    def test_a_setting_under_both_prefixes_is_an_error(self) -> None:
        with pytest.raises(
            ConfigurationError, match="SEDANO_TASK_DEFAULT_QUEUE and CELERY_TASK_DEFAULT_QUEUE"
        ):
            current_app.settings  # noqa: B018

    @override_settings(CELERY_TASK_ACK_LATE=True)
    def test_a_misspelt_name_is_an_error_that_says_what_was_meant(self) -> None:
        with pytest.raises(UnknownSetting, match="Did you mean 'CELERY_TASK_ACKS_LATE'"):
            current_app.settings  # noqa: B018

    def test_an_overridden_setting_is_as_before_afterwards(self) -> None:
        with override_settings(CELERY_TASK_DEFAULT_QUEUE="parcels"):
            within = current_app.settings.tasks.default_queue

        assert (within, current_app.settings.tasks.default_queue) == ("parcels", "celery")

    def test_the_time_zone_is_djangos(self) -> None:
        assert str(current_app.settings.app.timezone) == "Europe/Rome"

    @override_settings(CELERY_TIMEZONE="Asia/Tokyo")
    def test_a_time_zone_of_the_queues_own_goes_before_it(self) -> None:
        assert str(current_app.settings.app.timezone) == "Asia/Tokyo"

    @override_settings(CELERY_TASK_DEFAULT_QUEUE=gettext_lazy("parcels"))
    def test_a_lazy_text_is_a_text(self) -> None:
        assert current_app.settings.tasks.default_queue == "parcels"

    @override_settings(CELERY_BROKER_URL="django://elsewhere")
    def test_a_database_that_does_not_exist_is_an_error(self) -> None:
        with pytest.raises(ConfigurationError, match=r"DATABASES has no 'elsewhere'.*archive, default"):
            current_app.broker  # noqa: B018

    @override_settings(CELERY_RESULT_BACKEND="disabled")
    def test_results_can_be_turned_off(self) -> None:
        assert current_app.results is None
