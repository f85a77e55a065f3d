"""Celery's modules: ``celery_schedules.py`` is what ``import celery.schedules`` executes. See ``finder``.

Each gives names of Sedano's, and lists in ``_REFUSED`` what Celery has and Sedano has not. Never imported by
the names that they have here.
"""
