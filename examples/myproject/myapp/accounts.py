"""Accounts: making one, and counting logins."""

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db.models import F

from myapp.forms import RegistrationForm
from myapp.models import UserProfile


def connect() -> None:
    """Count logins from now on."""
    user_logged_in.connect(count_login, dispatch_uid="myapp.count_login")


def create_user(form: RegistrationForm) -> User:
    """The new user of a valid registration form, with a profile."""
    user = form.save()
    UserProfile.objects.create(user=user)
    return user


def count_login(sender: type[User], user: User, **kwargs: object) -> None:
    """Add one to the user's logins."""
    UserProfile.objects.filter(user=user).update(login_count=F("login_count") + 1)
