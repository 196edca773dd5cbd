"""For whom a partner asks, as it has told: kept apart, and read for whoever opens it."""

from sqlalchemy.orm import Session

from ill_workflow.messages.content import PatronInfo
from ill_workflow.messages.exchanges import PatronOfPartner
from ill_workflow.messages.kept import from_dict
from ill_workflow.requests.models import LENDING, Request


def their_patron(session: Session, request: Request) -> str:
    """Name, number and kind of the partner's patron; empty where it has told nothing, or it was forgotten."""
    kept = session.get(PatronOfPartner, request.id) if request.side == LENDING else None
    if kept is None:
        return ""
    told = from_dict(PatronInfo, kept.content)
    name = f"{told.givenName} {told.surname}".strip()
    return ", ".join(part for part in (name, told.patronId, told.patronType) if part)
