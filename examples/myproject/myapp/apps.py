"""The app's configuration: connects what listens to logins and to tasks."""

from django.apps import AppConfig


class MyappConfig(AppConfig):
    """The one app of the site."""

    name = "myapp"
    verbose_name = "My app"

    def ready(self) -> None:
        from myapp import accounts, task_records

        accounts.connect()
        task_records.connect()
