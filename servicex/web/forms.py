"""The forms that people fill in. Whether they were meant is checked for all pages in one place, see `page`."""
from flask_wtf import FlaskForm
from wtforms import EmailField, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, Email, Length, ValidationError

from servicex.services.accounts import Profile

LONGEST = 120


def _printable(form: FlaskForm, field: StringField) -> None:
    if field.data and not field.data.isprintable():
        raise ValidationError("This may not hold control characters.")


def _strip(value: str | None) -> str | None:
    return value.strip() if value else value


class ProfileForm(FlaskForm):
    """What people say of themselves."""

    class Meta:
        csrf = False

    name = StringField("Full Name", [DataRequired(), Length(max=LONGEST), _printable], filters=[_strip])
    email = EmailField("Email", [DataRequired(), Email(), Length(max=320)], filters=[_strip])
    institution = StringField("Institution", [DataRequired(), Length(max=LONGEST), _printable], filters=[_strip])
    experiment = SelectField("Experiment", [DataRequired()], default="ATLAS")
    submit = SubmitField("Save Profile")

    def profile(self) -> Profile:
        """What was filled in."""
        return Profile(self.name.data or "", self.email.data or "", self.institution.data or "",
                       self.experiment.data or "")
