"""Secrets are not shown."""

import pytest

from sedano.settings.censoring import censored


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("broker_url", "amqp://guest:p@ss/w:rd@host//", "amqp://guest:********@host//"),
        ("broker_url", "sqlite:///sedano.db?synchronous=full", "sqlite:///sedano.db?synchronous=full"),
        ("result_backend", "redis://h/0?password=pw&db=1", "redis://h/0?password=********&db=1"),
        ("s3_secret_access_key", "abc", "********"),
        ("security_key", None, None),
        ("broker_transport_options", {"master": {"token": "t"}}, {"master": {"token": "********"}}),
        ("broker_read_url", ["redis://:a@h", "redis://:b@h"], ["redis://:********@h", "redis://:********@h"]),
        ("worker_concurrency", 4, 4),
    ],
)
def test_passwords_keys_and_tokens_are_masked(name: str, value: object, shown: object) -> None:
    assert censored(name, value) == shown
