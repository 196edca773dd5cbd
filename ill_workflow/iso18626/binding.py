"""Fills the dataclasses of the messages with what stands in the elements, wherever and however it stands there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from ill_workflow.iso18626.editions import CLOSED, MOVED, NAMESPACE, VERBATIM, YES_NO, Edition, element_of, lacks
from ill_workflow.iso18626.forgiveness import Forgiven, quoted
from ill_workflow.iso18626.looks import local, namespace
from ill_workflow.iso18626.shapes import Part, order_of, parts_of
from ill_workflow.iso18626.values import NEVER, as_decimal, as_time, as_whole, as_yes_no, is_strict
from ill_workflow.messages import content as said
from ill_workflow.messages.content import remembered

#: Nothing of what stands in these is ever quoted.
_PRIVATE = frozenset({said.PatronInfo, said.Authentication})
_CONFIRMATIONS = frozenset({
    said.RequestConfirmation, said.SupplyingAgencyMessageConfirmation, said.RequestingAgencyMessageConfirmation,
})  # fmt: skip
#: Words that a closed list does not have, and what the sender is told of them. Other unknown words are only noted.
_REFUSED = {
    "action": "UnsupportedActionType",
    "reasonForMessage": "UnsupportedReasonForMessageType",
    "status": "UnrecognisedDataValue",
    "requestType": "UnrecognisedDataValue",
    "messageStatus": "UnrecognisedDataValue",
}
#: The dates that had to be said but mean nothing to us; the sender's clock may be broken.
_TECHNICAL = frozenset({"timestamp", "timestampReceived", "lastChange", "dateSent"})
#: Parts that can be left out though the standard asks for them: what stands there instead.
_SPARED: dict[tuple[type[Any], str], Any] = {
    (said.StatusInfo, "lastChange"): NEVER,
    (said.DeliveryInfo, "dateSent"): NEVER,
    (said.ConfirmationHeader, "timestamp"): NEVER,
    (said.ConfirmationHeader, "timestampReceived"): NEVER,
    (said.AgencyId, "agencyIdType"): "",
    (said.ItemId, "code"): "",
    (said.RecordId, "code"): "",
    (said.ElectronicAddress, "electronicAddressType"): "",
    (said.ErrorData, "errorType"): "",
}
#: What says nothing without this part of it.
_WORTHLESS_WITHOUT = {
    said.AgencyId: "agencyIdValue", said.ItemId: "value", said.RecordId: "value",
    said.ElectronicAddress: "electronicAddressData", said.Costs: "monetaryValue",
}  # fmt: skip


class Wrong(Exception):
    """It can't be understood; the sender is told why."""

    def __init__(self, error_type: str, value: str) -> None:
        self.error = said.ErrorData(errorType=error_type, errorValue=value)
        super().__init__(value)


@dataclass(frozen=True)
class _Place:
    """Where the reader is: inside of which element, and whether it is nobody's business what stands there."""

    name: str
    kind: type[Any]
    private: bool = False


class Binder:
    """Binds one message. `remarks` is what was said but has no place: it belongs into the note."""

    def __init__(self, message: type[Any], edition: Edition, own_namespace: str, forgiven: Forgiven) -> None:
        self._message, self._edition, self._forgiven = message, edition, forgiven
        self._namespaces = frozenset({own_namespace, NAMESPACE, ""})
        self._moved: dict[str, Any] = {}
        self._reason = ""
        self.remarks: list[str] = []

    def bind(self, element: etree._Element) -> Any:
        """The message. Raises Wrong."""
        self._reason = self._reason_of(element)
        message = self._filled(element, _Place(local(element), self._message))
        if isinstance(message, said.SupplyingAgencyMessage) and self._moved:
            return self._with_moved(message)
        return message

    def _filled(self, element: etree._Element, place: _Place) -> Any:
        """A dataclass from an element; none where nothing stands in it."""
        found = self._sorted(element, place)
        values: dict[str, Any] = {}
        for part in _readable(place.kind):
            value = self._value_of(part, found.get(part.name, []), place)
            if value is _UNSAID:
                continue
            if place.kind is said.MessageInfo and part.name in MOVED:
                self._moved[part.name] = value
            else:
                values[part.name] = value
        return self._made(element, place, values)

    def _sorted(self, element: etree._Element, place: _Place) -> dict[str, list[etree._Element]]:
        """The children by the part that they hold."""
        names = _names(place.kind)
        order = _ranks(place.kind, self._edition, self._message)
        found: dict[str, list[etree._Element]] = {}
        last, in_order = -1, True
        for child in element:
            name = local(child)
            part = names.get(name.casefold()) if namespace(child) in self._namespaces else None
            if part is None:
                self._forgiven.say(f"{quoted(name)}: isn't known in {place.name}; it was passed over.")
                continue
            self._about_its_name(child, name, part, place)
            found.setdefault(part.name, []).append(child)
            rank = order.get(part.name, last)
            in_order, last = in_order and rank >= last, rank
        if not in_order:
            self._forgiven.say(f"{place.name}: its elements stand in another order than the standard's.")
        if not found and (element.text or "").strip():
            self._forgiven.say(f"{place.name}: there is a text where elements belong; it was passed over.")
        return found

    def _about_its_name(self, child: etree._Element, name: str, part: Part, place: _Place) -> None:
        if namespace(child) != NAMESPACE and namespace(child) == "" and NAMESPACE in self._namespaces_of(child):
            self._forgiven.say(f"{name}: is in no namespace.")
        kind = said.RetryInfo if place.kind is said.MessageInfo and part.name in MOVED else place.kind
        now, formerly = element_of(kind, part.name, Edition.Y2021), element_of(kind, part.name, Edition.Y2017)
        if name not in (now, formerly):
            self._forgiven.say(f"{name}: is called {now} in the standard.")
        elif name != element_of(kind, part.name, self._edition):
            self._forgiven.say(f"{name}: is what the other edition calls {element_of(kind, part.name, self._edition)}.")
        elif kind is not place.kind:
            if self._edition is Edition.Y2021:
                self._forgiven.say(f"{name}: stands in messageInfo, as in the edition of 2017.")
        elif lacks(kind, part.name, self._edition, self._message) and (len(child) or (child.text or "").strip()):
            self._forgiven.say(f"{name}: isn't in {place.name} in the edition of {self._edition}.")
        if child.get("scheme") is not None:
            self._forgiven.say("scheme: the attribute stands there without the namespace.")

    def _namespaces_of(self, child: etree._Element) -> set[str]:
        parent = child.getparent()
        return set() if parent is None else {namespace(parent)}

    def _value_of(self, part: Part, elements: Sequence[etree._Element], place: _Place) -> Any:
        values = [value for one in elements if (value := self._value(part, one, place)) is not _UNSAID]
        if part.many:
            return tuple(values) if values else _UNSAID
        if not values:
            return _UNSAID
        name = local(elements[0])
        first, others = values[0], [value for value in values[1:] if value != values[0]]
        if others and (part.kind is not str or part.name in _DECISIVE) and part.kind is not said.Costs:
            raise Wrong("BadlyFormedMessage", f"{name}: is there {len(values)} times, and says different things")
        for other in others:
            self._remark(name, _in_words(other), place)
        if len(values) > 1 and not (part.kind is said.Costs and self._edition is Edition.Y2021):
            self._forgiven.say(f"{name}: is there {len(values)} times; the first counts.")
        return first

    def _value(self, part: Part, element: etree._Element, place: _Place) -> Any:
        name = local(element)
        if part.holds_parts:
            inner = _Place(name, part.kind, place.private or part.kind in _PRIVATE)
            filled = self._filled(element, inner)
            return _UNSAID if filled is None else filled
        text = str(element.text or "")
        if len(element):
            text = "".join(str(piece) for piece in element.itertext())
            self._forgiven.say(f"{name}: there are elements in its text; they were left out.")
        if not text.strip():
            return self._empty(part, name, place)
        return self._leaf(part, name, text, place)

    def _empty(self, part: Part, name: str, place: _Place) -> Any:
        if part.name in ("action", "reasonForMessage") and self._message not in _CONFIRMATIONS:
            raise Wrong(_REFUSED[part.name], f"{name}: is empty")
        if part.name == "requestingAgencyRequestId" and place.kind is said.Header:
            raise Wrong("UnrecognisedDataValue", f"{name}: is empty")
        if (place.kind, part.name) == (said.ServiceInfo, "serviceType") or part.name == "messageStatus":
            raise Wrong("UnrecognisedDataValue", f"{name}: is empty")
        if part.name != "multipleItemRequestId" and part.name != "agencyIdValue":
            self._forgiven.say(f"{name}: is empty; that says nothing.")
        if part.name == "status":
            return ""
        return NEVER if part.name in _TECHNICAL else _UNSAID

    def _leaf(self, part: Part, name: str, text: str, place: _Place) -> Any:
        if part.kind is datetime:
            return self._time(part, name, text, place)
        if part.kind is Decimal:
            amount = as_decimal(text)
            if amount is None:
                raise Wrong("UnrecognisedDataValue", f"{name}: {quoted(text)} is no amount")
            return amount
        if part.kind is int:
            number = as_whole(text)
            return self._noted(name, text, "is no whole number", place) if number is None else number
        if part.kind is bool or part.name in YES_NO:
            return self._yes_no(part, name, text, place)
        if part.name in CLOSED[Edition.Y2021]:
            return self._word(part, name, text.strip(), place)
        return text if part.name in VERBATIM else text.strip()

    def _time(self, part: Part, name: str, text: str, place: _Place) -> Any:
        at = as_time(text)
        if at is None:
            if part.name in _TECHNICAL:
                self._forgiven.say(f"{name}: {quoted(text)} is no point in time; it was taken as not said.")
                return NEVER
            return self._noted(name, text, "is no point in time", place)
        if at is NEVER:
            self._forgiven.say(f"{name}: {quoted(text)} is nobody's day; it was taken as not said.")
            return at if part.name in _TECHNICAL else _UNSAID
        if not is_strict(text):
            if at.tzinfo is None:
                self._forgiven.say(f"{name}: {quoted(text)} has no time zone.")
            else:
                self._forgiven.say(f"{name}: {quoted(text)} is not written as the schema has it.")
        return at

    def _yes_no(self, part: Part, name: str, text: str, place: _Place) -> Any:
        answer = as_yes_no(text)
        if answer is None:
            if part.name == "answerYesNo":
                raise Wrong("UnrecognisedDataValue", f"{name}: {quoted(text)} is neither Y nor N")
            return self._noted(name, text, "is neither yes nor no", place)
        allowed = ("true", "false", "1", "0") if part.kind is bool else ("Y", "N")
        if text.strip() not in allowed:
            shown = "" if place.private else f" {quoted(text)}"
            self._forgiven.say(f"{name}:{shown} was read as {'yes' if answer == 'Y' else 'no'}.")
        return answer == "Y" if part.kind is bool else answer

    def _word(self, part: Part, name: str, word: str, place: _Place) -> Any:
        known = CLOSED[Edition.Y2021][part.name]
        if word in known:
            if word not in CLOSED[self._edition].get(part.name, ()):
                self._forgiven.say(f"{name}: {word} isn't in the edition of {self._edition}.")
            return word
        meant = next((one for one in known if one.casefold() == word.casefold()), None)
        if meant is not None:
            self._forgiven.say(f"{name}: {quoted(word)} was read as {meant}.")
            return meant
        if part.name == "errorType":
            self._forgiven.say(f"{name}: {quoted(word)} isn't known; it was kept.")
            return word
        refused = _REFUSED.get(part.name)
        if (place.kind, part.name) == (said.ServiceInfo, "serviceType"):
            refused = "UnrecognisedDataValue"
        if refused is None or (self._message in _CONFIRMATIONS and part.name in ("action", "reasonForMessage")):
            return self._noted(name, word, "isn't known", place)
        raise Wrong(refused, f"{name}: {quoted(word)} doesn't exist")

    def _noted(self, name: str, text: str, what: str, place: _Place) -> Any:
        """It can't be used; a person reads it in the note."""
        shown = "" if place.private else f" {quoted(text)}"
        self._forgiven.say(f"{name}:{shown} {what}; it was taken as not said.")
        self._remark(name, text, place)
        return _UNSAID

    def _remark(self, name: str, text: str, place: _Place) -> None:
        if not place.private and len(self.remarks) < 20:
            self.remarks.append(f"{name} as given: {quoted(text)[1:-1]}")

    def _made(self, element: etree._Element, place: _Place, values: dict[str, Any]) -> Any:
        kind, name = place.kind, place.name
        vital = _WORTHLESS_WITHOUT.get(kind)
        if vital is not None and vital not in values:
            return self._worthless(element, place)
        if not values and kind not in _NEVER_EMPTY:
            self._forgiven.say(f"{name}: is empty; that says nothing.")
            return None
        if kind is said.Costs and "currencyCode" not in values:
            if values["monetaryValue"]:
                raise Wrong("UnrecognisedDataElement", f"currencyCode: is missing in {name}")
            values["currencyCode"] = ""
        for part in parts_of(kind):
            if part.needed and part.name not in values:
                values[part.name] = self._missing(kind, part, name)
        if kind is said.Request and "serviceInfo" not in values:
            self._forgiven.say("serviceInfo: is missing; it was taken as a new request for a loan.")
        return kind(**values)

    def _worthless(self, element: etree._Element, place: _Place) -> None:
        parent = element.getparent()
        if place.kind is said.AgencyId and parent is not None and local(parent) == "header":
            needed = place.name == "requestingAgencyId" or self._message is not said.Request
            if needed and place.name != "consortialId":
                raise Wrong("UnrecognisedDataValue", f"{place.name}: is empty")
        self._forgiven.say(f"{place.name}: says nothing; it was passed over.")

    def _missing(self, kind: type[Any], part: Part, inside: str) -> Any:
        if (kind, part.name) in _SPARED:
            return self._spared(kind, part.name, inside)
        if kind is said.Header and part.name == "supplyingAgencyId" and self._message is said.Request:
            if self._edition is Edition.Y2017:
                self._forgiven.say("supplyingAgencyId: is missing, as in the edition of 2021.")
            return said.AgencyId(agencyIdType="", agencyIdValue="")
        if self._reason == "Notification" and part.name in ("status", "statusInfo"):
            self._forgiven.say(f"{part.name}: is missing, which a Notification can do without.")
            return "" if part.name == "status" else said.StatusInfo(status="", lastChange=NEVER)
        raise Wrong("UnrecognisedDataElement", f"{element_of(kind, part.name, self._edition)}: is missing in {inside}")

    def _spared(self, kind: type[Any], field: str, inside: str) -> Any:
        self._forgiven.say(f"{element_of(kind, field, self._edition)}: is missing in {inside}.")
        return _SPARED[kind, field]

    def _reason_of(self, message: etree._Element) -> str:
        for child in message:
            if local(child) == "messageInfo":
                return next((str(c.text or "").strip() for c in child if local(c) == "reasonForMessage"), "")
        return ""

    def _with_moved(self, message: said.SupplyingAgencyMessage) -> said.SupplyingAgencyMessage:
        """Costs and dates of `messageInfo` are those of the retry, unless that has some of its own."""
        retry = message.retryInfo or said.RetryInfo()
        own = {part.name: getattr(retry, part.name) for part in parts_of(said.RetryInfo)}
        for name, value in self._moved.items():
            if own[name] not in (None, value):
                self._remark(name, _in_words(value), _Place("messageInfo", said.MessageInfo))
                self._forgiven.say(f"{name}: stands in messageInfo and in retryInfo; the latter counts.")
            own[name] = own[name] if own[name] is not None else value
        whole = {part.name: getattr(message, part.name) for part in parts_of(said.SupplyingAgencyMessage)}
        return said.SupplyingAgencyMessage(**{**whole, "retryInfo": said.RetryInfo(**own)})


class _Unsaid:
    """Nothing was said there."""


_UNSAID = _Unsaid()
#: Parts with one text that have to be clear.
_DECISIVE = frozenset({*CLOSED[Edition.Y2021], *YES_NO, *VERBATIM})
#: Elements that are there even if they say nothing.
_NEVER_EMPTY = frozenset({
    said.Request, said.SupplyingAgencyMessage, said.RequestingAgencyMessage, *_CONFIRMATIONS, said.Header,
    said.ConfirmationHeader, said.BibliographicInfo, said.MessageInfo, said.StatusInfo,
})  # fmt: skip


@remembered
def _readable(kind: type[Any]) -> tuple[Part, ...]:
    """The parts that can stand in an element, in either edition."""
    moved = [part for part in parts_of(said.RetryInfo) if part.name in MOVED] if kind is said.MessageInfo else []
    return (*parts_of(kind), *moved)


@remembered
def _names(kind: type[Any]) -> dict[str, Part]:
    """Parts by the names of their elements in both editions, capitals aside."""
    return {element_of(kind, part.name, edition).casefold(): part for edition in Edition for part in _readable(kind)}


@remembered
def _ranks(kind: type[Any], edition: Edition, message: type[Any]) -> dict[str, int]:
    return {part.name: rank for rank, (_, part) in enumerate(order_of(kind, edition, message))}


def _in_words(value: Any) -> str:
    if isinstance(value, said.Costs):
        return f"{value.monetaryValue} {value.currencyCode}".strip()
    return value.isoformat() if isinstance(value, datetime) else str(value)
