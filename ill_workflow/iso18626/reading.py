"""Reads a message of ISO 18626 as real systems write it, says what it forgave, and refuses what can't be understood."""

import re
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from lxml import etree

from ill_workflow.errors import IllError
from ill_workflow.iso18626.binding import Binder, Wrong
from ill_workflow.iso18626.editions import MESSAGES, NAMESPACE, VERSIONS, Edition
from ill_workflow.iso18626.forgiveness import Forgiven, quoted
from ill_workflow.iso18626.looks import edition_of, local, namespace
from ill_workflow.iso18626.parsing import Malformed, parse
from ill_workflow.messages.content import (
    AgencyId,
    Authentication,
    DeliveryInfo,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    WireConfirmation,
)

Kind = Literal["request", "supplyingAgencyMessage", "requestingAgencyMessage"]

WRAPPER = "ISO18626Message"
#: Versions that were seen on the wire; what else is claimed is mentioned.
_VERSIONS_SEEN = frozenset({"1.0", "1.1", *VERSIONS.values(), "2021-3"})
_MEDIA = frozenset({"application/xml", "text/xml"})
_LINK = re.compile(r"^URL: (https?://\S+)$", re.MULTILINE)
_KINDS: dict[str, Kind] = {
    "request": "request",
    "supplyingAgencyMessage": "supplyingAgencyMessage",
    "requestingAgencyMessage": "requestingAgencyMessage",
}


@dataclass(frozen=True)
class Understood:
    """A message, the edition of which it looks, and a sentence about everything that was wrong with it."""

    message: Message | WireConfirmation
    edition: Edition
    forgiven: tuple[str, ...] = ()
    timestamp: str = ""  #: the sender's time, just as it stands there


@dataclass(frozen=True)
class PartialHeader:
    """What could be read of the header of a message that is refused, just as it stands there."""

    supplyingAgencyId: AgencyId | None = None
    requestingAgencyId: AgencyId | None = None
    multipleItemRequestId: str = ""
    timestamp: str = ""
    requestingAgencyRequestId: str = ""
    supplyingAgencyRequestId: str = ""
    requestingAgencyAuthentication: Authentication | None = field(default=None, repr=False)
    action: str = ""
    reasonForMessage: str = ""


class Unreadable(IllError):
    """This is no message of ISO 18626 that can be understood."""

    status = 422

    def __init__(
        self, error: ErrorData, kind: Kind | None = None, header: PartialHeader | None = None,
        edition: Edition = Edition.Y2017,
    ) -> None:  # fmt: skip
        self.error = error  #: what the sender is told
        self.kind = kind  #: which of the three messages it is, where that can be seen
        self.header = header or PartialHeader()
        self.edition = edition  #: of which it looks
        super().__init__(f"{error.errorType}: {error.errorValue}")


def read(raw: bytes, content_type: str = "") -> Understood:
    """What a message says, of whichever edition. Raises Unreadable with the error that the sender is to be told."""
    forgiven = Forgiven()
    media = content_type.partition(";")[0].strip().lower()
    if media and media not in _MEDIA:
        forgiven.say(f"content type: {quoted(media)} instead of application/xml.")
    try:
        parsed = parse(raw, content_type)
    except Malformed as wrong:
        raise _unreadable(wrong) from None
    for sentence in parsed.forgiven:
        forgiven.say(sentence)
    message = _inside(parsed.root, forgiven)
    version = _version(parsed.root, forgiven)
    edition = edition_of(message, version)
    if message is not parsed.root or version is not None:
        _about_the_version(version, edition, forgiven)
    binder = Binder(MESSAGES[local(message)], edition, namespace(message), forgiven)
    try:
        said = binder.bind(message)
    except Wrong as wrong:
        raise Unreadable(wrong.error, _KINDS.get(local(message)), header_of(message), edition) from None
    said = _with_link(_with_remarks(said, binder.remarks), edition, forgiven)
    return Understood(said, edition, forgiven.sentences, _timestamp(message))


def header_of(message: etree._Element) -> PartialHeader:
    """What can be read of a header, whatever is wrong with it."""
    header = _child(message, "header")
    info = _child(message, "messageInfo")
    authentication = _child(header, "requestingAgencyAuthentication")
    return PartialHeader(
        supplyingAgencyId=_agency(_child(header, "supplyingAgencyId")),
        requestingAgencyId=_agency(_child(header, "requestingAgencyId")),
        multipleItemRequestId=_text(header, "multipleItemRequestId"),
        timestamp=_text(header, "timestamp").strip(),
        requestingAgencyRequestId=_text(header, "requestingAgencyRequestId"),
        supplyingAgencyRequestId=_text(header, "supplyingAgencyRequestId"),
        requestingAgencyAuthentication=None if authentication is None else Authentication(
            accountId=_text(authentication, "accountId"), securityCode=_text(authentication, "securityCode")
        ),
        action=_text(message, "action").strip(),
        reasonForMessage=_text(info, "reasonForMessage").strip(),
    )  # fmt: skip


def _inside(root: etree._Element, forgiven: Forgiven) -> etree._Element:
    """The one message that is there, with its wrapper or without. Raises Unreadable."""
    if local(root) in MESSAGES:
        forgiven.say(f"{WRAPPER}: is missing around the {local(root)}.")
        message = root
    elif local(root) != WRAPPER:
        raise Unreadable(_badly(f"{WRAPPER}: is missing; what is there is {quoted(local(root))}"))
    else:
        messages = [child for child in root if local(child) in MESSAGES]
        if not messages:
            raise Unreadable(_badly(f"{WRAPPER}: there is no message in it"))
        if len(messages) > 1:
            raise Unreadable(_badly(f"{WRAPPER}: there are {len(messages)} messages in it, and one is taken"))
        message = messages[0]
        for child in root:
            if child is not message:
                forgiven.say(f"{quoted(local(child))}: is no message; it was passed over.")
    if namespace(message) != NAMESPACE:
        found = namespace(message)
        forgiven.say(f"{local(message)}: is in {'the namespace ' + quoted(found) if found else 'no namespace'}.")
    return message


def _version(root: etree._Element, forgiven: Forgiven) -> str | None:
    # Each is asked for by its name: going through a hundred thousand attributes takes minutes.
    for place in (NAMESPACE, namespace(root), ""):
        value = root.get(f"{{{place}}}version" if place else "version")
        if value is not None:
            if place != NAMESPACE:
                forgiven.say("version: the attribute stands there without the namespace.")
            return str(value)
    return None


def _about_the_version(version: str | None, edition: Edition, forgiven: Forgiven) -> None:
    if not (version or "").strip():
        forgiven.say(f"version: {'is missing' if version is None else 'is empty'}; it looks like {edition}.")
    elif str(version).strip() not in _VERSIONS_SEEN:
        forgiven.say(f"version: {quoted(str(version))} isn't known; it looks like {edition}.")
    elif str(version).strip().startswith("2021") != (edition is Edition.Y2021):
        forgiven.say(f"version: says {quoted(str(version))}, but it looks like {edition}.")


M = TypeVar("M", bound="Message | WireConfirmation")


def _with_remarks(message: M, remarks: list[str]) -> M:
    """What has no place of its own is kept in the note, in words, for a person to read."""
    if not remarks:
        return message
    match message:
        case Request():
            service = message.serviceInfo
            return replace(message, serviceInfo=replace(service, note=_joined(service.note, remarks)))
        case SupplyingAgencyMessage():
            info = message.messageInfo
            return replace(message, messageInfo=replace(info, note=_joined(info.note, remarks)))
        case RequestingAgencyMessage():
            return replace(message, note=_joined(message.note, remarks))
    return message


def _with_link(message: M, edition: Edition, forgiven: Forgiven) -> M:
    """A copy's address that stands in the note: the edition of 2017 has no other place for it."""
    if not isinstance(message, SupplyingAgencyMessage) or message.statusInfo.status != "CopyCompleted":
        return message
    found = _LINK.search(message.messageInfo.note)
    delivery = message.deliveryInfo or DeliveryInfo(dateSent=message.statusInfo.lastChange)
    if found is None or delivery.URL is not None:
        return message
    if edition is Edition.Y2021:
        forgiven.say("URL: stands in the note, as in the edition of 2017.")
    return replace(message, deliveryInfo=replace(delivery, URL=found[1]))


def _timestamp(message: etree._Element) -> str:
    """That of its header: other elements of the name may stand anywhere."""
    header = _child(message, "header")
    return _text(_child(message, "confirmationHeader") if header is None else header, "timestamp").strip()


def _joined(note: str, remarks: list[str]) -> str:
    return "\n".join([*([note] if note else []), *remarks])


def _unreadable(wrong: Malformed) -> Unreadable:
    error, root = _badly(f"{WRAPPER}: {wrong.why}"), wrong.root
    if root is None:
        return Unreadable(error)
    message = next((one for one in (root, *root) if local(one) in MESSAGES), None)
    if message is None:
        return Unreadable(error)
    return Unreadable(error, _KINDS.get(local(message)), header_of(message), edition_of(message, None))


def _badly(words: str) -> ErrorData:
    return ErrorData(errorType="BadlyFormedMessage", errorValue=words)


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    """In whatever capitals it is written there, as elements are read that can be understood."""
    if element is None:
        return None
    return next((child for child in element if local(child).casefold() == name.casefold()), None)


def _text(element: etree._Element | None, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else str(child.text or "")


def _agency(element: etree._Element | None) -> AgencyId | None:
    if element is None:
        return None
    value = _text(element, "agencyIdValue")
    return AgencyId(agencyIdType=_text(element, "agencyIdType").strip(), agencyIdValue=value) if value else None
