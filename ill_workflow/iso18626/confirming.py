"""The answer to a message: its confirmation, in the edition in which it was said, with what it is known by verbatim."""

import re
from xml.sax.saxutils import escape

from ill_workflow.iso18626.editions import CLOSED, Edition
from ill_workflow.iso18626.reading import Kind, PartialHeader
from ill_workflow.iso18626.values import NEVER, as_time, is_strict
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    Confirmation,
    ConfirmationHeader,
    RequestConfirmation,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessageConfirmation,
    WireConfirmation,
)

#: The element of the sender's time, in whatever namespace it is written.
_TIMESTAMP = re.compile(rb"(<(?:[\w.-]+:)?timestamp>)[^<]*(<)")


def confirm(kind: Kind | None, said: PartialHeader, answer: Confirmation, edition: Edition) -> bytes:
    """A confirmation as XML. What can't be seen to be of any kind is answered as a request is."""
    at = as_time(said.timestamp)
    header = ConfirmationHeader(
        supplyingAgencyId=said.supplyingAgencyId, requestingAgencyId=said.requestingAgencyId,
        timestamp=at or NEVER, requestingAgencyRequestId=said.requestingAgencyRequestId,
        multipleItemRequestId=said.multipleItemRequestId, timestampReceived=answer.timestampReceived,
        messageStatus=answer.messageStatus,
    )  # fmt: skip
    body = write(_of_kind(kind, header, said, answer), _edition(said, edition))
    if not is_strict(said.timestamp):
        return body
    # Some look for the very text that they wrote, to the nanosecond.
    verbatim = escape(said.timestamp).encode()
    return _TIMESTAMP.sub(lambda found: found[1] + verbatim + found[2], body, count=1)


def _of_kind(
    kind: Kind | None, header: ConfirmationHeader, said: PartialHeader, answer: Confirmation
) -> WireConfirmation:
    errors = (answer.errorData,) if answer.errorData else ()
    match kind:
        case "supplyingAgencyMessage":
            return SupplyingAgencyMessageConfirmation(
                confirmationHeader=header,
                reasonForMessage=_known("reasonForMessage", said.reasonForMessage),
                errorData=errors,
            )
        case "requestingAgencyMessage":
            return RequestingAgencyMessageConfirmation(
                confirmationHeader=header, action=_known("action", said.action), errorData=errors
            )
        case _:
            return RequestConfirmation(confirmationHeader=header, errorData=errors)


def _edition(said: PartialHeader, edition: Edition) -> Edition:
    """The one that it was said in, unless the word that has to be echoed is only in the other."""
    if said.action in CLOSED[Edition.Y2021]["action"] and said.action not in CLOSED[edition]["action"]:
        return Edition.Y2021
    return edition


def _known(name: str, word: str) -> str | None:
    """A word to be echoed: what is in no list can't stand in a valid confirmation."""
    return word if word in CLOSED[Edition.Y2021][name] else None
