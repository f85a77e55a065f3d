"""A payment gateway, small and local, with the manners of a real one.

Cards are tokens; a charge carries an idempotency key, so that asking twice charges once; a card may be
refused, and the gateway may be out of order for a moment.
"""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from myapp.models import GatewayCharge

#: Transaction ids are derived from idempotency keys in this namespace.
TRANSACTIONS = uuid.uuid5(uuid.NAMESPACE_DNS, "payments.mysite.com")


class PaymentGatewayError(Exception):
    """The gateway could not decide about a charge; ``is_temporary`` says whether asking again may help."""

    def __init__(self, message: str, *, is_temporary: bool) -> None:
        self.is_temporary = is_temporary
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """The gateway's decision."""

    success: bool
    transaction_id: str = ""
    error_message: str = ""


def charge(*, amount: Decimal, currency: str, card_token: str, idempotency_key: str) -> GatewayResponse:
    """Charge a card, at most once for each idempotency key.

    Raises:
        PaymentGatewayError: the gateway is out of order (temporary), or does not know the card (not).
    """
    attempt = _count_attempt(idempotency_key)
    if attempt.transaction_id:
        return GatewayResponse(success=True, transaction_id=attempt.transaction_id)
    match card_token:
        case "tok_visa":
            return _book(attempt)
        case "tok_unstable" if attempt.attempts > 1:
            return _book(attempt)
        case "tok_unstable":
            raise PaymentGatewayError("503: the gateway is being restarted", is_temporary=True)
        case "tok_no_funds":
            return GatewayResponse(success=False, error_message=f"No funds for {amount} {currency}")
        case _:
            raise PaymentGatewayError(f"There is no card {card_token!r}", is_temporary=False)


def _count_attempt(idempotency_key: str) -> GatewayCharge:
    with transaction.atomic():
        GatewayCharge.objects.get_or_create(idempotency_key=idempotency_key)
        charge = GatewayCharge.objects.select_for_update().get(idempotency_key=idempotency_key)
        charge.attempts += 1
        charge.save()
    return charge


def _book(attempt: GatewayCharge) -> GatewayResponse:
    attempt.transaction_id = f"txn_{uuid.uuid5(TRANSACTIONS, attempt.idempotency_key).hex}"
    attempt.save()
    return GatewayResponse(success=True, transaction_id=attempt.transaction_id)
