"""A visitor of the site: a cookie jar, and forms filled in as a browser does, CSRF token included.

Speaks HTTP only; knows the site's addresses, nothing of its code.
"""

import html
import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import IO, Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The site's answer to one request."""

    status: int
    location: str | None
    text: str
    #: ``time.monotonic()`` when the answer was complete.
    received_at: float
    #: Seconds from the request to there.
    took: float


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        return fp

    http_error_301 = http_error_303 = http_error_307 = http_error_302


class Visitor:
    """One person with one browser."""

    def __init__(self, site: str) -> None:
        self._site = site
        # No proxy, whatever the environment says: the site is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar()), _NoRedirect
        )

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._send(urllib.request.Request(self._site + path))

    def submit(self, path: str, **fields: str) -> Answer:
        """Open the page with a form, fill it in and send it off; redirects are not followed."""
        page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {**fields, "csrfmiddlewaretoken": token.group(1) if token else ""}
        body = urllib.parse.urlencode(form).encode()
        return self._send(urllib.request.Request(self._site + path, data=body))

    def tasks(self) -> list[dict[str, Any]]:
        """The visitor's tasks, as the dashboard shows them, the newest first."""
        tasks: list[dict[str, Any]] = json.loads(self.get("/tasks/").text)["tasks"]
        return tasks

    def report_status(self) -> tuple[str, str, dict[str, str]]:
        """Task id, state and, when it is there, the report, as the status page shows them."""
        text = self.get("/reports/status/").text
        shown = re.search(r'data-task="([^"]+)" data-status="([^"]+)"', text)
        if shown is None:
            raise ValueError("The status page shows no task.")
        rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', text, re.DOTALL)
        return shown.group(1), shown.group(2), {name: html.unescape(value) for name, value in rows}

    def _send(self, request: urllib.request.Request) -> Answer:
        started = time.monotonic()
        try:
            response = self._opener.open(request, timeout=20)
        except urllib.request.HTTPError as error:
            response = error
        with response:
            text = response.read().decode("utf-8", errors="replace")
            now = time.monotonic()
            return Answer(
                status=response.status,
                location=response.headers.get("Location"),
                text=text,
                received_at=now,
                took=now - started,
            )
