"""Tests of the site, as Django's users write them: ``python manage.py test``."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core import mail
from django.test import TestCase, override_settings
from django.utils import timezone

from myapp.models import NotificationLog, Payment, TaskResult, TempFile, UserProfile
from myapp.tasks import cleanup_old_files, process_payment, send_daily_digest, system_health_check
from sedano.contrib.django.models import Message


class PublishingTests(TestCase):
    """What visitors do is queued, in the transaction that does it."""

    def register(self, **changes: str):
        form = {
            "username": "ada",
            "email": "ada@example.com",
            "password1": "so-secret",
            "password2": "so-secret",
        }
        return self.client.post("/register/", {**form, **changes})

    def test_registering_queues_the_welcome_mail_and_logs_in(self):
        answer = self.register()

        self.assertRedirects(answer, "/dashboard/")
        message = Message.objects.get()
        self.assertEqual(message.task, "myapp.tasks.send_welcome_email")
        self.assertEqual(message.task_id, TaskResult.objects.get(user__username="ada").task_id)
        self.assertEqual(UserProfile.objects.get().login_count, 1)

    def test_a_registration_with_mistakes_queues_nothing(self):
        answer = self.register(password2="something else")

        self.assertEqual(answer.status_code, 200)
        self.assertFalse(Message.objects.exists())

    def test_a_report_is_queued_and_its_status_is_shown(self):
        self.register()

        answer = self.client.post("/reports/generate/", follow=True)

        self.assertContains(answer, 'data-status="PENDING"')

    def test_without_a_report_the_status_page_leads_to_one(self):
        self.register()

        self.assertRedirects(self.client.get("/reports/status/"), "/reports/generate/")

    def test_the_list_of_tasks_shows_the_visitors_own(self):
        self.register()
        TaskResult.objects.create(task_id="somebody else's", task_name="generate_user_report")

        tasks = self.client.get("/tasks/").json()["tasks"]

        self.assertEqual(
            [(task["name"], task["status"]) for task in tasks], [("send_welcome_email", "PENDING")]
        )


@override_settings(CELERY_TASK_ALWAYS_EAGER=True, CELERY_TASK_EAGER_PROPAGATES=True, PAYMENT_RETRY_SECONDS=0)
class TaskTests(TestCase):
    """Tasks do what they are for; eager, so that no worker is needed."""

    def setUp(self):
        self.user = User.objects.create_user("ada", "ada@example.com")
        UserProfile.objects.create(user=self.user)

    def pay(self, card_token: str) -> Payment:
        payment = Payment.objects.create(user=self.user, amount="19.90", card_token=card_token)
        process_payment.delay(payment.id)
        payment.refresh_from_db()
        return payment

    def test_a_payment_is_charged_and_confirmed(self):
        payment = self.pay("tok_visa")

        self.assertEqual(payment.status, Payment.Status.COMPLETED)
        self.assertTrue(payment.gateway_transaction_id.startswith("txn_"))
        self.assertEqual([sent.subject for sent in mail.outbox], ["Your payment was received"])
        self.assertEqual(NotificationLog.objects.get().notification_type, "payment_confirmation")

    def test_a_payment_that_is_processed_twice_is_charged_once(self):
        payment = self.pay("tok_visa")
        first = payment.gateway_transaction_id

        process_payment.delay(payment.id)

        payment.refresh_from_db()
        self.assertEqual(payment.gateway_transaction_id, first)

    def test_a_refused_payment_fails_and_is_explained(self):
        payment = self.pay("tok_no_funds")

        self.assertEqual(payment.status, Payment.Status.FAILED)
        self.assertEqual(payment.error_message, "No funds for 19.90 EUR")
        self.assertEqual([sent.subject for sent in mail.outbox], ["Your payment did not go through"])

    def test_a_gateway_that_is_out_of_order_is_asked_again(self):
        payment = self.pay("tok_unstable")

        self.assertEqual((payment.status, payment.error_message), (Payment.Status.COMPLETED, ""))

    def test_a_card_that_does_not_exist_is_an_error(self):
        with self.assertRaisesMessage(Exception, "There is no card 'tok_stolen'"):
            self.pay("tok_stolen")

        self.assertEqual(Payment.objects.get().status, Payment.Status.FAILED)

    def test_the_digest_goes_to_those_who_want_it(self):
        other = User.objects.create_user("bob", "bob@example.com")
        UserProfile.objects.create(user=other, receive_notifications=False)

        send_daily_digest.delay()

        self.assertEqual([sent.to for sent in mail.outbox], [["ada@example.com"]])

    def test_old_files_are_forgotten(self):
        now = timezone.now()
        for days in (1, 29, 31, 90):
            TempFile.objects.create(name=f"{days} days old", created_at=now - timedelta(days=days))

        result = cleanup_old_files.delay()

        self.assertEqual(result.get(), "Cleaned up 2 old files")
        self.assertEqual(TempFile.objects.count(), 2)

    def test_the_health_check_measures(self):
        self.assertEqual(set(system_health_check.delay().get()), {"cpu", "memory", "disk"})
