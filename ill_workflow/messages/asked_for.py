"""What a partner's request asks for, in the fields that a request has here; the rest is told in its note."""

import re
import unicodedata
from collections.abc import Iterator

from ill_workflow.errors import BadInput
from ill_workflow.messages.content import Address, PhysicalAddress, Request
from ill_workflow.messages.marks import read_note
from ill_workflow.partners import Partner
from ill_workflow.requests.fields import LONGEST, LONGEST_TEXT, as_isbn, as_issn

SERVICES = ("loan", "copy")


def fields_of(message: Request, partner: Partner) -> tuple[dict[str, str], str, str]:
    """The fields of the request, whether it is a loan or a copy, and its note."""
    info, published, service = message.bibliographicInfo, message.publicationInfo, message.serviceInfo
    kind = _loan_or_copy(message)
    fields = {
        "title": info.title, "author": info.author, "article_title": info.titleOfComponent,
        "volume": ", ".join(filter(None, (*info.volume, f"({info.issue})" if info.issue else ""))),
        "pages": info.pagesRequested, "isbn": info.isbn, "issn": info.issn,
        "publisher": published.publisher, "year": published.publicationDate,
        "call_number": next((holder.callNumber for holder in message.supplierInfo if holder.callNumber), ""),
    }  # fmt: skip
    fields = {name: _plain(value).strip() for name, value in fields.items()}
    wrong = list(_without_wrong_numbers(fields))
    fields["title"] = fields["title"] or _instead_of_a_title(message)
    if not fields["title"]:
        raise BadInput("nothing says what is wanted: no title, no number, no record", field="bibliographicInfo")
    # What is longer than a field of ours is kept whole in the note.
    long = [f"{name}: {value}" for name, value in fields.items() if len(value) > LONGEST[name]]
    fields = {name: value[: LONGEST[name]] for name, value in fields.items() if value}
    if service.needBeforeDate and 1900 <= service.needBeforeDate.year < 2200:
        fields["need_by"] = service.needBeforeDate.date().isoformat()
    note = "\n".join(filter(None, (note_of(message), *wrong, *_beside(message, kind, partner), *long)))
    return fields, kind, _plain(note, lines=True)[:LONGEST_TEXT].strip()


def note_of(message: Request) -> str:
    """What the partner writes."""
    return read_note(message.serviceInfo.note).text


def delivery_address(message: Request, partner: Partner) -> str | None:
    """To where the partner wants it sent, if that is a place to which a parcel can go, and another than we know."""
    named = sorted(message.requestedDeliveryInfo, key=lambda one: one.sortOrder if one.sortOrder is not None else 99)
    for one in named:
        place = one.address.physicalAddress if one.address else None
        if place and len(place.lines) > 1 and not _goes_there_anyway(", ".join(place.lines), partner):
            return _plain("\n".join(place.lines), lines=True)[:LONGEST_TEXT]
    return None


def is_known(said: str, partner: Partner) -> bool:
    """Whether all of it stands in what we know of the partner, in whatever order it is written there."""
    addresses = (partner.shipping_address, partner.return_address, partner.billing_address)
    return _words(said) <= _words("\n".join((partner.name, partner.email, *addresses)))


def _goes_there_anyway(said: str, partner: Partner) -> bool:
    """Whether it is where its parcels go: where its bills go is another place."""
    return _words(said) <= _words("\n".join((partner.name, partner.email, partner.shipping_address)))


def _loan_or_copy(message: Request) -> str:
    """What is asked for as either is a copy where a part of it is meant: an article, pages."""
    kind = message.serviceInfo.serviceType.strip().lower()
    if kind in SERVICES:
        return kind
    if kind not in ("copyorloan", ""):
        raise BadInput(f"{message.serviceInfo.serviceType!r} is none of Copy, Loan, CopyOrLoan", field="serviceType")
    info = message.bibliographicInfo
    return "copy" if info.titleOfComponent or info.pagesRequested else "loan"


def _instead_of_a_title(message: Request) -> str:
    """A request may name nothing but a number of a record."""
    info = message.bibliographicInfo
    records = (f"{one.code} {one.value}".strip() for one in info.bibliographicRecordId if one.value)
    numbers = (f"{one.code} {one.value}".strip() for one in info.bibliographicItemId if one.value)
    record = f"Record {info.supplierUniqueRecordId}" if info.supplierUniqueRecordId else ""
    found = (info.titleOfComponent, info.seriesTitle, record, *records, *numbers)
    return next((_plain(one).strip() for one in found if one.strip()), "")


def _without_wrong_numbers(fields: dict[str, str]) -> Iterator[str]:
    """A number with a wrong check digit is kept as a note: the item can be found without it."""
    for name, read in (("isbn", as_isbn), ("issn", as_issn)):
        try:
            fields[name] = read(fields[name]) if fields[name] else ""
        except BadInput:
            yield f"{name.upper()} as given: {fields[name]}"
            fields[name] = ""


def _beside(message: Request, kind: str, partner: Partner) -> Iterator[str]:
    """What a librarian has to know for which a request has no field here, line by line."""
    info, service, billing = message.bibliographicInfo, message.serviceInfo, message.billingInfo
    said = {
        "Subtitle": info.subtitle, "Series": info.seriesTitle, "Edition": info.edition,
        "Author of the part": info.authorOfComponent, "Place": message.publicationInfo.placeOfPublication,
        "Edition wanted": service.preferredEdition, "Service level": service.serviceLevel,
        "Format": service.itemFormat, "Conditions": ", ".join(service.loanCondition),
        "Copyright": service.copyrightCompliance,
    }  # fmt: skip
    yield from (f"{name}: {value}" for name, value in said.items() if value)
    if service.serviceType.lower() == "copyorloan":
        yield "A loan would do as well." if kind == "copy" else "A copy would do as well."
    if service.anyEdition is not None and not service.preferredEdition:
        yes = service.anyEdition.upper().startswith("Y")
        yield "Any edition will do." if yes else "No other edition will do."
    if billing and billing.maximumCosts:
        yield f"Costs at most: {billing.maximumCosts.monetaryValue} {billing.maximumCosts.currencyCode}"
    if billing and billing.paymentMethod:
        yield f"Payment: {billing.paymentMethod}"
    yield from _records(message)
    yield from _holdings(message)
    yield from _who_and_where(message, partner)


def _records(message: Request) -> Iterator[str]:
    info = message.bibliographicInfo
    if info.supplierUniqueRecordId:
        yield f"Record: {info.supplierUniqueRecordId}"
    for one in info.bibliographicRecordId:
        yield f"{one.code}: {one.value}"
    for number in info.bibliographicItemId:
        if number.code.upper() not in ("ISBN", "ISSN"):
            yield f"{number.code}: {number.value}"


def _holdings(message: Request) -> Iterator[str]:
    """What the partner found of our holdings; only what it calls the shelf is a field here."""
    for holder in message.supplierInfo:
        parts = (holder.supplierDescription, holder.callNumber, holder.summaryHoldings, holder.availabilityNote)
        if held := "; ".join(part for part in parts if part):
            yield f"Holdings: {held}"


def _who_and_where(message: Request, partner: Partner) -> Iterator[str]:
    """Who asks and where it goes, as far as that isn't known of the partner."""
    asks = message.requestingAgencyInfo
    said = (asks.name, asks.contactName, *map(_in_a_line, asks.address)) if asks else ()
    if who := ", ".join(part for part in said if part and not is_known(part, partner)):
        yield f"Asked by: {who}"
    for one in message.requestedDeliveryInfo:
        to = (_in_a_line(one.address) if one.address else "", one.deliveryMethod, one.courierName)
        if where := "; ".join(part for part in to if part and not _goes_there_anyway(part, partner)):
            yield f"Deliver to: {where}"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _in_a_line(address: Address) -> str:
    if address.electronicAddress:
        return address.electronicAddress.electronicAddressData
    place: PhysicalAddress | None = address.physicalAddress
    return ", ".join(place.lines) if place else ""


def _plain(text: str, *, lines: bool = False) -> str:
    """Without control characters."""
    return "".join(c if (lines and c == "\n") or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
