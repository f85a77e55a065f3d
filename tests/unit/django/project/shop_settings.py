"""Settings of a small shop: the queue is wired by ``INSTALLED_APPS`` alone, there is no ``celery.py``."""

import os
from pathlib import Path

HERE = Path(os.environ["SHOP_FOLDER"])

SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "Europe/Rome"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "sedano.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
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
