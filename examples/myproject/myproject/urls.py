"""The site's addresses: everything is in ``myapp``."""

from django.urls import include, path

urlpatterns = [path("", include("myapp.urls"))]
