"""tmp"""
from django.apps import AppConfig
class SedanoConfig(AppConfig):
    name = "sedano.contrib.django"
    label = "sedano"
    verbose_name = "Sedano"
    default_auto_field = "django.db.models.BigAutoField"
