"""The app's addresses."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.generic import RedirectView

from myapp import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard")),
    path("register/", views.user_registration, name="register"),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("tasks/", views.task_list, name="task_list"),
    path("reports/generate/", views.generate_report_view, name="generate_report"),
    path("reports/status/", views.report_status, name="report_status"),
    path("payments/", views.make_payment, name="make_payment"),
]
