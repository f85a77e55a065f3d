"""Celery's transport options on Redis: each works, is told to have no effect, or is refused."""

import logging

import pytest

from sedano.brokers.opening import open_broker
from sedano.errors import ConfigurationError, NotSupported
from sedano.redis import transport_options
from sedano.results.opening import open_result_store


def test_what_works_is_heeded_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    open_broker(
        "redis://nowhere", options={"global_keyprefix": "shop:", "priority_steps": [0, 5], "sep": ":"}
    )
    open_broker("sentinel://nowhere", options={"master_name": "shop", "sentinel_kwargs": {"password": "x"}})
    open_result_store("redis://nowhere", options={"max_connections": 5, "result_chord_ordered": False})

    assert caplog.records == []


#: Some options work for brokers, and have no effect for result stores.
IN_VAIN = transport_options.NO_EFFECT.keys() - transport_options.WORKS["broker_transport_options"]


@pytest.mark.parametrize("name", sorted(IN_VAIN))
def test_an_option_without_effect_is_told_with_the_reason(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        open_broker("redis://nowhere", options={name: 1})

    (record,) = caplog.records
    assert record.message.startswith(f"broker_transport_options: {name} has no effect: ")


def test_an_option_that_is_not_set_is_no_option(caplog: pytest.LogCaptureFixture) -> None:
    open_broker("redis://nowhere", options={"visibility_timeout": None, "deadletter_queue": None})

    assert caplog.records == []


@pytest.mark.parametrize("name", sorted(transport_options.REFUSED))
def test_an_option_that_others_rely_on_is_refused(name: str) -> None:
    with pytest.raises(NotSupported, match=f"^broker_transport_options: {name}: "):
        open_broker("redis://nowhere", options={name: 1})


def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'global_keyprefix'"):
        open_broker("redis://nowhere", options={"global_key_prefix": "shop:"})
    with pytest.raises(
        ConfigurationError, match="result_backend_transport_options: there is no option 'nonsense'"
    ):
        open_result_store("redis://nowhere", options={"nonsense": 1})
