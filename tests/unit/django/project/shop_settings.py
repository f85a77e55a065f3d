"""Settings of a small shop: the queue is wired by ``INSTALLED_APPS`` alone, there is no ``celery.py``."""

import os
from pathlib import Path

HERE = Path(os.environ["SHOP_FOLDER"])

SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "Europe/Rome"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "sedano.contrib.django", "shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "shop.urls"

DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / f"{alias}.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        "TEST": {"NAME": HERE / f"test_{alias}.sqlite3"},
    }
    for alias in ("default", "archive")
}
