"""What visitors see. Whatever takes long is handed to a task, and the page returns at once."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from myapp.accounts import create_user
from myapp.forms import PaymentForm, RegistrationForm
from myapp.models import TaskResult
from myapp.task_records import record
from myapp.tasks import generate_user_report, process_payment, send_welcome_email
from sedano import AsyncResult


def user_registration(request: HttpRequest) -> HttpResponse:
    """Make an account and log in. The welcome mail is queued in the transaction that makes the account."""
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user = create_user(form)
            task = send_welcome_email.delay(user.id)
            record(task, "send_welcome_email", user)

        login(request, user)
        messages.success(request, "Account created! Welcome email is on its way.")
        return redirect("dashboard")

    return render(request, "registration/register.html", {"form": form})


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """The visitor's tasks and payments."""
    context = {
        "tasks": TaskResult.objects.filter(user=request.user).order_by("-created_at")[:20],
        "payments": request.user.payments.order_by("-created_at")[:20],
    }
    return render(request, "dashboard.html", context)


@login_required
def task_list(request: HttpRequest) -> JsonResponse:
    """The visitor's tasks as JSON; the dashboard asks for it while something is under way."""
    tasks = TaskResult.objects.filter(user=request.user).order_by("-created_at")[:20]
    return JsonResponse({"tasks": [_task_as_json(task) for task in tasks]})


@login_required
def generate_report_view(request: HttpRequest) -> HttpResponse:
    """Ask for a report."""
    if request.method == "POST":
        with transaction.atomic():
            task = generate_user_report.delay(request.user.id)
            record(task, "generate_user_report", request.user)
        request.session["report_task_id"] = task.id

        messages.info(request, "Report generation started. This page shows it when it is done.")
        return redirect("report_status")

    return render(request, "reports/generate.html")


@login_required
def report_status(request: HttpRequest) -> HttpResponse:
    """How far the visitor's report is."""
    task_id = request.session.get("report_task_id")
    if not task_id:
        return redirect("generate_report")

    task = AsyncResult(task_id)

    context = {
        "task_id": task_id,
        "task_status": task.status,
        "task_ready": task.ready(),
        "task_result": task.result if task.ready() else None,
    }

    return render(request, "reports/status.html", context)


@login_required
def make_payment(request: HttpRequest) -> HttpResponse:
    """Take a payment; the card is charged by a task."""
    form = PaymentForm(request.POST or None, initial={"amount": "19.90"})
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            payment = form.save(commit=False)
            payment.user = request.user
            payment.save()
            task = process_payment.delay(payment.id)
            record(task, "process_payment", request.user)

        messages.info(request, "Thank you. You get a receipt by mail when your card was charged.")
        return redirect("dashboard")

    return render(request, "payments/pay.html", {"form": form})


def _task_as_json(task: TaskResult) -> dict[str, object]:
    return {
        "id": task.task_id,
        "name": task.task_name,
        "status": task.status,
        "queue_wait": task.queue_wait.total_seconds() if task.queue_wait else None,
        "run_time": task.run_time.total_seconds() if task.run_time else None,
        "result": task.result,
    }
