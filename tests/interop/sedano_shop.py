"""What ``sedano -A`` imports."""

import json
import os

from tests.interop.shop import sedano_app

app = sedano_app(
    os.environ["SHOP_URL"], os.environ["SHOP_BACKEND"], **json.loads(os.environ.get("SHOP_SETTINGS", "{}"))
)
