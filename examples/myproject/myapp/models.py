"""What the site remembers."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class UserProfile(models.Model):
    """What we know of a user beside the account."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    login_count = models.PositiveIntegerField(default=0)
    receive_notifications = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"profile of {self.user}"


class Payment(models.Model):
    """A payment, from the form to the gateway's answer."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="payments")
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    card_token = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    gateway_transaction_id = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"payment {self.pk}: {self.amount} {self.currency}, {self.status}"


class GatewayCharge(models.Model):
    """The payment gateway's ledger: one row for each idempotency key it was ever asked about."""

    idempotency_key = models.CharField(max_length=100, unique=True)
    attempts = models.PositiveIntegerField(default=0)
    transaction_id = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.idempotency_key


class NotificationLog(models.Model):
    """A mail that was sent."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    notification_type = models.CharField(max_length=50)
    sent_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.notification_type} to {self.user}"


class TempFile(models.Model):
    """A file that nobody needs for long."""

    name = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name


class TaskResult(models.Model):
    """A task that a visitor asked for: what the dashboard lists. Kept up by ``task_records``."""

    task_id = models.CharField(max_length=255, unique=True)
    task_name = models.CharField(max_length=100)
    status = models.CharField(max_length=20, default="PENDING")
    result = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="task_results")

    def __str__(self) -> str:
        return f"{self.task_name} {self.task_id}"

    @property
    def queue_wait(self) -> timedelta | None:
        """From ``delay()`` to the start of the (latest) run."""
        return self.started_at - self.created_at if self.started_at else None

    @property
    def run_time(self) -> timedelta | None:
        """From the start of the run to its end."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None
