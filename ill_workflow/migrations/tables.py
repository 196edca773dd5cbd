"""All tables, gathered for the comparison of migrations and models."""

from ill_workflow import (
    accounts,
    calendars,
    fees,
    libraries,
    outbox,
    partners,
    patrons,
    runtime,
    signing_in,
    throttle,
    timers,
    tokens,
)
from ill_workflow.db import Base
from ill_workflow.mail import own
from ill_workflow.requests import models, presence

metadata = Base.metadata

__all__ = [
    "accounts", "calendars", "fees", "libraries", "metadata", "models", "outbox", "own", "partners", "patrons",
    "presence", "runtime", "signing_in", "throttle", "timers", "tokens",
]  # fmt: skip
