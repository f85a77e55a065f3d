"""Keeps the Django suite out of this process; see ``test_django_suite.py``."""

import os

#: Django's settings are for a whole process, and the other tests' process has none. To run a part alone:
#: ``DJANGO_SETTINGS_MODULE=shop_settings python -m pytest tests/unit/django/suite/test_transactions.py``.
collect_ignore = [] if os.environ.get("DJANGO_SETTINGS_MODULE") == "shop_settings" else ["suite"]
