"""What a header says of a message, whichever of the six it is: who speaks to whom, and what has to be echoed."""

from dataclasses import dataclass, replace

from ill_workflow.iso18626.callers import Call
from ill_workflow.iso18626.editions import MESSAGES
from ill_workflow.iso18626.reading import Kind, PartialHeader, Understood
from ill_workflow.messages.content import (
    Authentication,
    ConfirmationHeader,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)

_NAMES = {kind: name for name, kind in MESSAGES.items()}


@dataclass(frozen=True)
class Heading:
    """`kind` is what a confirmation has to confirm; `element` the name of the message, as it stands there."""

    kind: Kind | None
    element: str
    said: PartialHeader

    @classmethod
    def of_what_was_read(cls, kind: Kind | None, header: PartialHeader) -> "Heading":
        """The heading of a message that can't be understood."""
        return cls(kind, kind or "unreadable", header)

    def call(self, peer: str, bearer: str | None) -> Call:
        """Who calls, as far as the call shows it. A lender speaks as the supplying agency, a borrower as the other."""
        from_lender = self.kind == "supplyingAgencyMessage"
        shown = self.said.requestingAgencyAuthentication or Authentication()
        ends = (self.said.supplyingAgencyId, "supplyingAgencyId"), (self.said.requestingAgencyId, "requestingAgencyId")
        (theirs, theirs_is), (ours, ours_is) = ends if from_lender else ends[::-1]
        return Call(
            ours=ours if ours and ours.agencyIdValue.strip() else None, ours_is=ours_is, theirs=theirs,
            theirs_is=theirs_is, peer=peer, bearer=bearer or "", account=shown.accountId.strip(),
            code=shown.securityCode.strip(), has_room=not from_lender,
        )  # fmt: skip


def heading_of(understood: Understood) -> Heading:
    """The heading of a message that was understood; its time as it was written."""
    message, written = understood.message, understood.timestamp
    match message:
        case Request():
            return Heading("request", "request", _echo(message, written))
        case RequestingAgencyMessage():
            said = replace(_echo(message, written), action=message.action)
            return Heading("requestingAgencyMessage", "requestingAgencyMessage", said)
        case SupplyingAgencyMessage():
            said = replace(_echo(message, written), reasonForMessage=message.messageInfo.reasonForMessage)
            return Heading("supplyingAgencyMessage", "supplyingAgencyMessage", said)
        case RequestConfirmation():
            return _of_confirmation("request", message, written)
        case RequestingAgencyMessageConfirmation():
            return _of_confirmation("requestingAgencyMessage", message, written)
        case SupplyingAgencyMessageConfirmation():
            return _of_confirmation("supplyingAgencyMessage", message, written)


def _echo(message: Request | RequestingAgencyMessage | SupplyingAgencyMessage, written: str) -> PartialHeader:
    header = message.header
    return PartialHeader(
        supplyingAgencyId=header.supplyingAgencyId, requestingAgencyId=header.requestingAgencyId,
        multipleItemRequestId=header.multipleItemRequestId, timestamp=written,
        requestingAgencyRequestId=header.requestingAgencyRequestId,
        supplyingAgencyRequestId=header.supplyingAgencyRequestId or "",
        requestingAgencyAuthentication=header.requestingAgencyAuthentication,
    )  # fmt: skip


def _of_confirmation(
    kind: Kind,
    message: RequestConfirmation | RequestingAgencyMessageConfirmation | SupplyingAgencyMessageConfirmation,
    written: str,
) -> Heading:
    header: ConfirmationHeader = message.confirmationHeader
    said = PartialHeader(
        supplyingAgencyId=header.supplyingAgencyId, requestingAgencyId=header.requestingAgencyId, timestamp=written,
        requestingAgencyRequestId=header.requestingAgencyRequestId,
    )  # fmt: skip
    return Heading(kind, _NAMES[type(message)], said)
