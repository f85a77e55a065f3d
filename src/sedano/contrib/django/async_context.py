"""Whether an event loop runs in this thread, where Django's connections must not be used."""

import asyncio
import os


def in_async_context() -> bool:
    """True inside a coroutine. No transaction can be open there: ``atomic`` is not for coroutines."""
    return in_event_loop() and not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")


def in_event_loop() -> bool:
    """Whether this thread runs an event loop right now."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
