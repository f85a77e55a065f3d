"""Django's settings. What a deployment changes comes from the environment; see the README."""

import os
from pathlib import Path

import django

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("MYPROJECT_SECRET_KEY", "only-for-development-on-this-machine")
DEBUG = os.environ.get("MYPROJECT_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "sedano.contrib.django",
    "myapp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "myproject.urls"
WSGI_APPLICATION = "myproject.wsgi.application"

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

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("MYPROJECT_DATABASE", BASE_DIR / "db.sqlite3"),
        # The site and its workers write to one file: readers never wait, writers queue up politely.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

DEFAULT_FROM_EMAIL = "noreply@mysite.com"
if "MYPROJECT_SMTP_PORT" in os.environ:
    mailer = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": os.environ.get("MYPROJECT_SMTP_HOST", "127.0.0.1"),
            "port": int(os.environ["MYPROJECT_SMTP_PORT"]),
            "timeout": 20,
        },
    }
else:
    # Without a mail server, the worker's terminal shows the mails.
    mailer = {"BACKEND": "django.core.mail.backends.console.EmailBackend", "OPTIONS": {}}
if django.VERSION >= (6, 1):
    MAILERS = {"default": mailer}
else:
    EMAIL_BACKEND = mailer["BACKEND"]
    EMAIL_HOST = mailer["OPTIONS"].get("host", "localhost")
    EMAIL_PORT = mailer["OPTIONS"].get("port", 25)
    EMAIL_TIMEOUT = mailer["OPTIONS"].get("timeout")

# The task queue. No broker is named, so tasks wait in the site's own database, and results are kept there.
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"

# How long "heavy processing" takes, in seconds.
REPORT_SECONDS = float(os.environ.get("MYPROJECT_REPORT_SECONDS", "3"))
# How long a payment waits for a gateway that is out of order, in seconds.
PAYMENT_RETRY_SECONDS = float(os.environ.get("MYPROJECT_PAYMENT_RETRY_SECONDS", "60"))
