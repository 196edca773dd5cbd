"""All tables, gathered for the comparison of migrations and models."""

from ill_workflow import (
    accounts,
    calendars,
    fees,
    libraries,
    outbox,
    partners,
    patrons,
    pauses,
    runtime,
    signing_in,
    throttle,
    timers,
    tokens,
    wire_settings,
)
from ill_workflow.db import Base
from ill_workflow.mail import own
from ill_workflow.messages import exchanges
from ill_workflow.requests import models, presence

metadata = Base.metadata

__all__ = [
    "accounts", "calendars", "exchanges", "fees", "libraries", "metadata", "models", "outbox", "own", "partners",
    "patrons", "pauses", "presence", "runtime", "signing_in", "throttle", "timers", "tokens", "wire_settings",
]  # fmt: skip
