"""Sedano for Django: add ``"sedano.contrib.django"`` to ``INSTALLED_APPS``.

The queue is then the site's own database, ``delay()`` takes part in the caller's transaction, and settings
are read from ``CELERY_*`` or ``SEDANO_*``. ``apps`` is where it starts; docs/django.md is for users.
"""
