"""Tasks with rate limits, beside those of the project: ``sedano worker --include limited``."""

from project import app, note


@app.task(rate_limit="20/s")
def mail(key: object) -> None:
    note("start", key)


@app.task(rate_limit="20/s", rate_limit_scope="cluster")
def fax(key: object) -> None:
    note("start", key)


@app.task(rate_limit="20/s", acks_late=False)
def mail_once(key: object) -> None:
    note("start", key)


@app.task(rate_limit="20/s")
async def telegram(key: object) -> None:
    note("start", key)


@app.task(rate_limit="1/h")
def hardly_ever(key: object) -> None:
    note("start", key)
