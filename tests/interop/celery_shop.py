"""What ``celery -A`` imports."""

import json
import os

from tests.interop.shop import celery_app

app = celery_app(
    os.environ["SHOP_URL"], os.environ["SHOP_BACKEND"], **json.loads(os.environ.get("SHOP_SETTINGS", "{}"))
)
