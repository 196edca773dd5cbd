"""What a partner is told of a patron with our request: what was agreed with it, the least that says it, or nothing."""

from dataclasses import replace

from ill_workflow.messages.content import Message, PatronInfo
from ill_workflow.messages.content import Request as Asked
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.wire_settings import WireSettings


def with_patron(message: Message, patron: Patron | None, partner: Partner) -> Message:
    """The message as this partner gets it. No other message, and none that goes another way, speaks of a patron.

    It is read when the message is sent: no promise, and nothing that is kept of the message, holds it.
    """
    if not isinstance(message, Asked) or partner.transport != "iso18626" or patron is None:
        return message
    return replace(message, patronInfo=patron_info(patron, partner.agreed_wire()))


def patron_info(patron: Patron, settings: WireSettings) -> PatronInfo | None:
    """The barcode alone, or the name alone, which we know in one piece."""
    match settings.patron:
        case "id":
            return PatronInfo(patronId=patron.barcode)
        case "name" if patron.name:
            return PatronInfo(surname=patron.name)
    return None
