"""Celery's import paths for projects that keep them: ``sedano.install_as_celery()``.

``install`` is where it starts, ``finder`` answers the imports, ``modules`` has one file for each module of
Celery's that there is. Nothing in Sedano imports it, but for the door in ``sedano/__init__.py``.
"""
