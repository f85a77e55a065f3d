"""What visitors fill in."""

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User

from myapp.models import Payment


class RegistrationForm(UserCreationForm):
    """A new account; the address is where the welcome mail goes."""

    email = forms.EmailField(required=True)

    class Meta:
        model = User
        fields = ("username", "email")


class PaymentForm(forms.ModelForm):
    """A payment with one of the cards that the example's gateway knows."""

    card_token = forms.ChoiceField(
        label="Card",
        choices=[
            ("tok_visa", "Visa, works"),
            ("tok_no_funds", "Visa, no funds"),
            ("tok_unstable", "Visa, the gateway fails once"),
        ],
    )

    class Meta:
        model = Payment
        fields = ("amount", "card_token")

    def clean_amount(self):
        """Only money that is worth a transfer."""
        amount = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("Enter an amount above zero.")
        return amount
