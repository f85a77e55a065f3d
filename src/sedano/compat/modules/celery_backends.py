"""``import celery.backends``."""

from typing import Final

__all__: list[str] = []

_NAMED: Final = "Result stores are named by the setting result_backend; they are not for import."

_REFUSED: Final = dict.fromkeys(
    (
        "amqp",
        "arangodb",
        "asynchronous",
        "azureblockblob",
        "cache",
        "cassandra",
        "consul",
        "cosmosdbsql",
        "couchbase",
        "couchdb",
        "database",
        "dynamodb",
        "elasticsearch",
        "filesystem",
        "gcs",
        "mongodb",
        "redis",
        "rpc",
        "s3",
    ),
    _NAMED,
)
