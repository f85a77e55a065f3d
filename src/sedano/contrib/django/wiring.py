"""Ties applications to the Django site: every one that is made, and one that is made here where none was.

Called when Django starts (``apps``) and by the command line (``startup``). The only module of this package
that changes an application.
"""

import weakref
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core.signals import setting_changed

from sedano import signals
from sedano.contrib.django import connection_care, site_settings, vendors
from sedano.contrib.django.commit_gate import CommitGate
from sedano.contrib.django.entry_source import SiteEntries
from sedano.contrib.django.query_place import in_query_thread
from sedano.current import for_every_app, get_current_app

if TYPE_CHECKING:
    from sedano.app import Sedano

#: The applications that know of the site.
_adopted: Final["weakref.WeakSet[Sedano]"] = weakref.WeakSet()


def wire() -> None:
    """Adopt every application, now and later, and see to it that there is one. Safe to call twice."""
    if _adopted:
        return
    # Applications of modules that were imported before Django was ready are adopted here and now.
    for_every_app(adopt)
    wired_by_project = set(_adopted)
    app = get_current_app()
    if app in wired_by_project:
        app.conf.add_source(site_settings.sedano_settings, "SEDANO")
    else:
        app.conf.add_source(site_settings.site_settings, site_settings.PREFIXES)
        app.autodiscover_tasks()
    setting_changed.connect(_read_settings_again, dispatch_uid="sedano.settings")
    signals.worker_before_create_process.connect(
        connection_care.before_fork, dispatch_uid="sedano.before_fork"
    )
    signals.worker_process_init.connect(connection_care.after_fork, dispatch_uid="sedano.after_fork")


def adopt(app: "Sedano") -> None:
    """Let an application use the site's database, transactions and installed apps."""
    app.package_finders.append(installed_packages)
    app.resolvers[vendors.SCHEME] = vendors.own_url
    app.around_attempt.append(connection_care.around_attempt)
    app.publisher.gate = CommitGate(app)
    app.run_blocking = in_query_thread
    if apps.is_installed("sedano.contrib.django"):
        app.default_broker_url = f"{vendors.SCHEME}://default"
        app.entry_sources.append(SiteEntries(app))
    _adopted.add(app)


def installed_packages() -> list[str]:
    """Where ``tasks.py`` is looked for: the packages of the installed apps."""
    return [config.name for config in apps.get_app_configs()]


def _read_settings_again(*, setting: str, **kwargs: Any) -> None:
    """``override_settings`` works on the queue's settings too."""
    if setting.partition("_")[0] in site_settings.PREFIXES:
        for app in list(_adopted):
            app.conf.reload()
            app.close()
