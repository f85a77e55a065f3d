"""``broker_transport_options`` of RabbitMQ: what it does not have is an error, and not left out."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sedano.brokers.amqp.broker import AmqpBroker
from sedano.clock import SystemClock
from sedano.errors import ConfigurationError
from sedano.settings.wiring import Wiring


def opened(**options: Any) -> AmqpBroker:
    return AmqpBroker.from_url(
        "amqp://localhost//",
        options=options,
        publish_timeout=timedelta(seconds=2),
        clock=SystemClock(),
        base_dir=Path(),
        wiring=Wiring(),
    )


def test_celerys_options_that_would_change_nothing_are_taken() -> None:
    opened(confirm_publish=True, visibility_timeout=3600, consumer_timeout=900).close()


def test_another_option_is_an_error_with_a_hint() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no option 'consumer_timout'\. Did you mean 'consumer_timeout'"
    ):
        opened(consumer_timout=900)
