"""``import celery.backends.base``: for those who ask whether results are kept."""

from typing import Final


class DisabledBackend:
    """No store is one: where results are not kept, ``result.backend`` raises a ConfigurationError."""


__all__ = ["DisabledBackend"]

_OWN: Final = "To keep results elsewhere, write a store: the port is sedano.results.store.ResultStore."

_REFUSED: Final = dict.fromkeys(
    ("Backend", "BaseBackend", "BaseDictBackend", "BaseKeyValueStoreBackend", "KeyValueStoreBackend"), _OWN
)
