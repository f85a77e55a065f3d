"""A real SMTP server on a free port of this machine, which keeps what it gets.

Runs in a thread of its own. Never sends a mail on.
"""

import asyncio
import email
import email.policy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """A mail as it came in."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    #: ``time.monotonic()`` when the server said that it has it.
    accepted_at: float


class MailServer:
    """Takes ``seconds_per_mail`` to accept a mail, as mail servers that check what they get do."""

    def __init__(
        self, *, seconds_per_mail: float, on_mail: Callable[[ReceivedMail], None] | None = None
    ) -> None:
        self.port = 0
        self.mails: list[ReceivedMail] = []  # written by the server's thread, under _arrived
        self._seconds_per_mail = seconds_per_mail
        self._on_mail = on_mail
        self._arrived = threading.Condition()
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="smtp", daemon=True)

    def __enter__(self) -> "MailServer":
        self._thread.start()
        if not self._listening.wait(timeout=10):
            raise RuntimeError("The mail server did not start.")
        return self

    def __exit__(self, *error: object) -> None:
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)

    def wait_for(self, subject: str, *, to: str, timeout: float) -> ReceivedMail | None:
        """The first mail with this subject to this address; None when the time is up."""

        def found() -> ReceivedMail | None:
            return next(
                (m for m in self.mails if to in m.recipients and m.message["subject"] == subject), None
            )

        with self._arrived:
            return self._arrived.wait_for(found, timeout)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd with each mail."""
        await asyncio.sleep(self._seconds_per_mail)
        content = cast(bytes, envelope.original_content)
        mail = ReceivedMail(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            message=cast(EmailMessage, email.message_from_bytes(content, policy=email.policy.default)),
            accepted_at=time.monotonic(),
        )
        with self._arrived:
            self.mails.append(mail)
            self._arrived.notify_all()
        if self._on_mail is not None:
            self._on_mail(mail)
        return "250 Message accepted for delivery"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await self._loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()

    def _protocol(self) -> Any:
        return SMTP(self, hostname="localhost", enable_SMTPUTF8=True)
