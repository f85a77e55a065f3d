"""The names of settings about results and their stores. Read by ``celery_names`` alone."""

from typing import Final

from sedano.settings import parsers
from sedano.settings.setting import NoEffect, Setting, no_effect, refused, works

PUSHED: Final = "the last member of a chord's header starts its body, from what the members have told"
REPLIES: Final = "a result that is sent as a message goes straight to the queue of who asked"
SETTLED_TOGETHER: Final = (
    "results are written when a task is settled, which is repeated until it has succeeded; "
    "get() waits for a store that is away until its timeout"
)
SIGNING: Final = "signed messages are not supported by this version; take it out"

RESULT: Final[tuple[Setting, ...]] = (
    works("result_backend", "results", "backend", parsers.RESULT_URL),
    works("result_backend_transport_options", "results", "transport_options", parsers.OPTIONS),
    works("result_expires", "results", "expires", parsers.LIFETIME, old="CELERY_TASK_RESULT_EXPIRES"),
    works("result_extended", "results", "extended", parsers.BOOLEAN),
    works("result_serializer", "results", "serializer", parsers.SERIALIZER),
    works(
        "result_accept_content",
        "results",
        "accept_content",
        parsers.RESULT_CONTENT,
        old="RESULT_ACCEPT_CONTENT",
    ),
    works("result_compression", "results", "compression", parsers.RESULT_COMPRESSION),
    no_effect(
        "result_cache_max",
        "results are not cached in the client",
        default=-1,
        old="CELERY_MAX_CACHED_RESULTS",
    ),
    no_effect("result_exchange", REPLIES, default="celeryresults"),
    no_effect("result_exchange_type", REPLIES, default="direct"),
    works(
        "result_persistent",
        "results",
        "persistent",
        parsers.BOOLEAN,
        fine=(True,),
        without_exchanges=NoEffect("results are sent as messages only where result_backend is rpc://"),
    ),
    no_effect("result_failure_expires", "failures are kept as long as other results: result_expires"),
    works("result_chord_expires", "results", "chord_expires", parsers.LIFETIME),
    no_effect("result_chord_retry_interval", PUSHED, default=1.0),
    no_effect("result_chord_join_timeout", PUSHED, default=3.0),
    no_effect("result_backend_always_retry", SETTLED_TOGETHER, default=False, fine=(True,)),
    no_effect("result_backend_max_retries", SETTLED_TOGETHER, default=float("inf")),
    no_effect("result_backend_base_sleep_between_retries_ms", SETTLED_TOGETHER, default=10),
    no_effect("result_backend_max_sleep_between_retries_ms", SETTLED_TOGETHER, default=10000),
)

SECURITY: Final[tuple[Setting, ...]] = (
    refused("security_key", SIGNING),
    refused("security_certificate", SIGNING),
    refused("security_cert_store", SIGNING),
    refused("security_key_password", SIGNING),
    no_effect("security_digest", "signed messages are not supported by this version", default="sha256"),
)


#: Celery's pieces of a Redis connection.
IN_THE_URL: Final = "say it in the URL, result_backend = redis://..., and in result_backend_transport_options"


def _store(kind: str, **defaults: object) -> tuple[Setting, ...]:
    """The settings of a store that this version does not have; naming the store itself is the error."""
    reason = IN_THE_URL if kind == "Redis" else f"this version has no result store in {kind}"
    return tuple(no_effect(name, reason, default=default) for name, default in defaults.items())


OTHER_STORES: Final[tuple[Setting, ...]] = (
    *_store("a cache", cache_backend=None, cache_backend_options={}),
    refused(
        "redis_backend_use_ssl",
        "write it into result_backend: rediss://host?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required",
    ),
    *_store(
        "Redis",
        redis_host=None,
        redis_port=None,
        redis_db=None,
        redis_username=None,
        redis_password=None,
        redis_max_connections=None,
        redis_socket_timeout=120.0,
        redis_socket_connect_timeout=None,
        redis_retry_on_timeout=False,
        redis_socket_keepalive=False,
    ),
    no_effect("database_url", "give the URL in result_backend", old="CELERY_RESULT_DBURI"),
    no_effect(
        "database_engine_options",
        "no store of this version uses SQLAlchemy",
        default={"pool_pre_ping": True, "pool_recycle": 3600},
        old="CELERY_RESULT_ENGINE_OPTIONS",
    ),
    no_effect(
        "database_short_lived_sessions",
        "no store of this version uses SQLAlchemy",
        default=False,
        old="CELERY_RESULT_DB_SHORT_LIVED_SESSIONS",
    ),
    no_effect(
        "database_table_names", "no store of this version uses SQLAlchemy", old="CELERY_RESULT_DB_TABLENAMES"
    ),
    *_store(
        "a database through SQLAlchemy",
        database_engine_callback=None,
        database_table_schemas=None,
        database_create_tables_at_setup=True,
    ),
    *_store(
        "Cassandra",
        cassandra_entry_ttl=None,
        cassandra_keyspace=None,
        cassandra_port=None,
        cassandra_read_consistency=None,
        cassandra_servers=None,
        cassandra_bundle_path=None,
        cassandra_table=None,
        cassandra_write_consistency=None,
        cassandra_auth_provider=None,
        cassandra_auth_kwargs=None,
        cassandra_options={},
    ),
    *_store(
        "S3",
        s3_access_key_id=None,
        s3_secret_access_key=None,
        s3_bucket=None,
        s3_base_path=None,
        s3_endpoint_url=None,
        s3_region=None,
    ),
    *_store(
        "Azure Block Blob",
        azureblockblob_container_name="celery",
        azureblockblob_retry_initial_backoff_sec=2,
        azureblockblob_retry_increment_base=2,
        azureblockblob_retry_max_attempts=3,
        azureblockblob_base_path="",
        azureblockblob_connection_timeout=20,
        azureblockblob_read_timeout=120,
    ),
    *_store("Google Cloud Storage", gcs_bucket=None, gcs_project=None, gcs_base_path="", gcs_ttl=0),
    *_store("Couchbase", couchbase_backend_settings=None),
    *_store("ArangoDB", arangodb_backend_settings=None),
    *_store("MongoDB", mongodb_backend_settings=None),
    *_store(
        "Cosmos DB",
        cosmosdbsql_database_name="celerydb",
        cosmosdbsql_collection_name="celerycol",
        cosmosdbsql_consistency_level="Session",
        cosmosdbsql_max_retry_attempts=9,
        cosmosdbsql_max_retry_wait_time=30,
    ),
    *_store(
        "Elasticsearch",
        elasticsearch_retry_on_timeout=None,
        elasticsearch_max_retries=None,
        elasticsearch_timeout=None,
        elasticsearch_save_meta_as_text=True,
    ),
)

#: Celery reads these without declaring them, so that they are in no list of its settings.
UNDECLARED: Final[tuple[Setting, ...]] = (
    *_store(
        "Redis",
        redis_backend_health_check_interval=None,
        redis_backend_credential_provider=None,
        redis_client_name=None,
    ),
    *_store("DynamoDB", dynamodb_endpoint_url=None),
    *_store("Google Cloud Storage", gcs_threadpool_maxsize=None),
    no_effect(
        "result_backend_thread_safe", "every store of this version may be used from any thread", fine=(True,)
    ),
    no_effect("db_reuse_max", "database connections live as long as Django's CONN_MAX_AGE says"),
    refused(
        "override_backends",
        "register a result store under the entry-point group 'sedano.result_stores' instead",
    ),
)
