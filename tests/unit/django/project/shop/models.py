"""What the shop remembers."""

from django.db import models


class Order(models.Model):
    """Something to be shipped."""

    name = models.CharField(max_length=50)
    shipped = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name
