"""Environment variables: what a setting is called there, and what is wrong with one, less the secrets that it holds."""

from eventstore.errors import FieldError, shorten_repr

PREFIX = "LMS_"
KAFKAS = "KAFKA_"
"""What the variables of Kafka begin with, which its platform's other services read too."""


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper() if name.upper().startswith(KAFKAS) else f"{PREFIX}{name.upper()}"


def fault_of_variable(fault: FieldError) -> FieldError:
    variable = variable_of(fault.where)
    holds_secret = variable.endswith(("_SECRET", "_URL", "_KEY", "_PASSWORD", "_SITE")) and fault.found != shorten_repr(
        None
    )
    return FieldError(variable, fault.expected, "another" if holds_secret else fault.found)
