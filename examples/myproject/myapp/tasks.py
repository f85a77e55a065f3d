"""What happens behind the visitors' backs. Tasks take ids, never objects."""

import time
from datetime import timedelta

import psutil
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import mail_admins, send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from myapp import payment_gateway
from myapp.models import NotificationLog, Payment, TempFile
from myapp.payment_gateway import PaymentGatewayError
from sedano import get_task_logger, shared_task

logger = get_task_logger(__name__)


@shared_task
def send_welcome_email(user_id):
    """Greet a new user."""
    user = User.objects.get(id=user_id)

    send_mail(
        subject="Welcome to Our Platform!",
        message=render_to_string("emails/welcome.txt", {"user": user}),
        from_email=settings.DEFAULT_FROM_EMAIL,
        recipient_list=[user.email],
        html_message=render_to_string("emails/welcome.html", {"user": user}),
    )

    return f"Welcome email sent to {user.email}"


@shared_task
def generate_user_report(user_id):
    """What a user has done here."""
    user = User.objects.get(id=user_id)

    time.sleep(settings.REPORT_SECONDS)  # Simulate heavy processing

    return {
        "user": user.username,
        "total_logins": user.userprofile.login_count,
        "last_activity": user.last_login,
        "generated_at": time.time(),
    }


@shared_task(bind=True, max_retries=3)
def process_payment(self, payment_id):
    """Charge a payment's card; a gateway that is out of order is asked again later."""
    payment = Payment.objects.get(id=payment_id)
    payment.status = Payment.Status.PROCESSING
    payment.save()

    try:
        response = payment_gateway.charge(
            amount=payment.amount,
            currency=payment.currency,
            card_token=payment.card_token,
            # A task may run twice if its worker dies; the key makes sure that the card is charged once.
            idempotency_key=f"payment-{payment.id}",
        )
    except PaymentGatewayError as exc:
        payment.error_message = str(exc)
        if exc.is_temporary and self.request.retries < self.max_retries:
            payment.save()
            logger.warning("Payment %s: %s; will retry", payment.id, exc)
            raise self.retry(countdown=settings.PAYMENT_RETRY_SECONDS, exc=exc)
        payment.status = Payment.Status.FAILED
        payment.save()
        raise

    if response.success:
        payment.status = Payment.Status.COMPLETED
        payment.gateway_transaction_id = response.transaction_id
        payment.error_message = ""
        send_user_notification.delay(payment.user_id, "payment_confirmation", {"payment_id": payment.id})
    else:
        payment.status = Payment.Status.FAILED
        payment.error_message = response.error_message
        send_user_notification.delay(payment.user_id, "payment_failed", {"payment_id": payment.id})
    payment.processed_at = timezone.now()
    payment.save()
    return {"status": payment.status, "transaction": payment.gateway_transaction_id}


@shared_task
def send_user_notification(user_id, notification_type, context=None):
    """Mail one of the notifications in ``templates/emails`` to a user."""
    user = User.objects.get(id=user_id)
    context = {**(context or {}), "user": user}
    if "payment_id" in context:
        context["payment"] = Payment.objects.get(id=context["payment_id"])

    send_mail(
        subject=render_to_string(f"emails/subjects/{notification_type}.txt", context).strip(),
        message=render_to_string(f"emails/{notification_type}.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        recipient_list=[user.email],
    )

    NotificationLog.objects.create(user=user, notification_type=notification_type, sent_at=timezone.now())
    return f"{notification_type} sent to {user.email}"


@shared_task
def send_daily_digest():
    """Queue the digest for everybody who wants it."""
    active_users = User.objects.filter(is_active=True, userprofile__receive_notifications=True)

    for user in active_users:
        send_user_notification.delay(user.id, "daily_digest")

    return f"Queued daily digest for {active_users.count()} users"


@shared_task
def cleanup_old_files():
    """Forget temporary files that are older than 30 days."""
    cutoff_date = timezone.now() - timedelta(days=30)
    count, _ = TempFile.objects.filter(created_at__lt=cutoff_date).delete()

    return f"Cleaned up {count} old files"


@shared_task
def system_health_check():
    """Measure the machine; tell the administrators when something is scarce."""
    cpu_percent = psutil.cpu_percent(interval=0.1)
    memory_percent = psutil.virtual_memory().percent
    disk_percent = psutil.disk_usage("/").percent

    if cpu_percent > 80:
        send_alert.delay("High CPU usage detected")

    if memory_percent > 85:
        send_alert.delay("High memory usage detected")

    return {"cpu": cpu_percent, "memory": memory_percent, "disk": disk_percent}


@shared_task
def send_alert(message):
    """Mail an alert to the administrators named in ``ADMINS``."""
    mail_admins("Alert", message)
    return message
