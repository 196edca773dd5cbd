"""The work that can follow a transition, one word each."""

from state_machines.declaration import Effect, Guard

KINDS = (
    "generate_slip",
    "email_slip",
    "send_message",
    "notify_patron",
    "alert_staff",
    "circulation",
    "schedule_due_date_check",
)


def send_message(
    what: str, *, only_from: tuple[str, ...] = (), only_if: Guard | None = None, to_former: bool = False
) -> Effect:
    """Tell the partner, over its transport, in order per request."""
    return Effect("send_message", what, only_from, only_if, to_former)


def notify_patron(occasion: str, *, only_from: tuple[str, ...] = (), only_if: Guard | None = None) -> Effect:
    return Effect("notify_patron", occasion, only_from, only_if)


def alert_staff(occasion: str, *, only_from: tuple[str, ...] = (), only_if: Guard | None = None) -> Effect:
    return Effect("alert_staff", occasion, only_from, only_if)


def circulation(call: str, *, only_from: tuple[str, ...] = ()) -> Effect:
    """A call to the library's own circulation system."""
    return Effect("circulation", call, only_from)


def generate_slip(layout: str) -> Effect:
    return Effect("generate_slip", layout)


def email_slip(layout: str) -> Effect:
    """Mail a slip to the staff member who asked."""
    return Effect("email_slip", layout)


#: Follows every transition: the timers are computed anew and replace what is there.
SCHEDULE_DUE_DATE_CHECK = Effect("schedule_due_date_check")
