"""What an error of py-amqp means, as an error of ours.

Called at the one seam of ``AmqpLink``.
"""

import ssl
from typing import Final

from amqp.exceptions import AMQPError

from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError

#: For messages to people, and ``Broker.name``.
NAME: Final = "rabbitmq"

_ACCESS_REFUSED: Final = 403
_NOT_ALLOWED: Final = 530
#: Of a connection that the server ends for reasons of its own; trying again is worthwhile.
_PASSING: Final = frozenset({320, 501, 505, 506, 541})


class ChannelClosed(BrokerError):
    """The server closed one channel: what was asked of it was refused. The connection lives on."""

    def __init__(self, channel_id: int, code: int, reason: str) -> None:
        self.channel_id = channel_id
        #: AMQP's: 404 there is no such queue or exchange, 405 it is somebody else's, 406 it is another one.
        self.code = code
        self.reason = reason
        super().__init__(channel_id, code, reason)

    def __str__(self) -> str:
        return f"RabbitMQ refused it: {self.reason} ({self.code})"


def translate(error: Exception) -> BrokerError | ConfigurationError:
    """What comes out instead of an error of the driver's.

    >>> translate(ConnectionResetError("gone")).reason
    'gone'
    """
    if isinstance(error, AMQPError) and error.reply_code:
        return _of_the_server(error.reply_code, str(error.reply_text or error))
    text = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(f"{NAME}: we do not trust the server's certificate (ssl_ca_certs): {text}")
    # What else there is (a damaged frame, an unknown answer) ends the connection; the next one may do.
    return BrokerUnavailable(NAME, text)


def _of_the_server(code: int, text: str) -> BrokerError | ConfigurationError:
    refuses_us = code == _NOT_ALLOWED and "refused for user" in text
    if code == _ACCESS_REFUSED or refuses_us:
        return ConfigurationError(f"{NAME}: the server does not let us in: {text}")
    if code in _PASSING or code == _NOT_ALLOWED:
        # Among the last: the virtual host is gone, or there are too many connections.
        return BrokerUnavailable(NAME, text)
    return BrokerError(f"The {NAME} broker: {text} ({code})")
