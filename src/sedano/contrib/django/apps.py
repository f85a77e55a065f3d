"""Where Django starts us: the configuration of the app ``sedano``."""

from django.apps import AppConfig


class SedanoConfig(AppConfig):  # type: ignore[misc]
    """Made by Django for ``"sedano.contrib.django"`` in ``INSTALLED_APPS``."""

    name = "sedano.contrib.django"
    label = "sedano"
    verbose_name = "Sedano"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Called by Django when all apps and models are loaded."""
        from sedano.contrib.django import checks, wiring

        wiring.wire()
        checks.register()
