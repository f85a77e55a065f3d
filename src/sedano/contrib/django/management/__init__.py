"""Commands that the app adds to ``manage.py``."""
