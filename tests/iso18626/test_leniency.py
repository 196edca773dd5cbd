"""Every way in which real systems leave the standard is understood, and named; what says nothing clear is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ill_workflow.iso18626.editions import NAMESPACE, Edition
from ill_workflow.iso18626.reading import Understood, Unreadable, read
from ill_workflow.iso18626.values import NEVER
from ill_workflow.messages.content import Costs, Request, RequestingAgencyMessage, SupplyingAgencyMessage

HEADER = """<header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>HILL</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>MAIN</agencyIdValue></requestingAgencyId>
<multipleItemRequestId/><timestamp>2026-03-01T10:00:00Z</timestamp>
<requestingAgencyRequestId>XPX-1~1</requestingAgencyRequestId></header>"""
INFO = "<messageInfo><reasonForMessage>StatusChange</reasonForMessage></messageInfo>"
STATUS = "<statusInfo><status>Loaned</status><lastChange>2026-03-01T10:00:00Z</lastChange></statusInfo>"
#: What is said of an attribute without a prefix.
BARE = "the attribute stands there without the namespace."
ANSWER = f"<supplyingAgencyMessage>{HEADER}{INFO}{STATUS}</supplyingAgencyMessage>"
ACTION = f"<requestingAgencyMessage>{HEADER}<action>Received</action></requestingAgencyMessage>"
REQUEST = (
    f"<request>{HEADER}<bibliographicInfo><title>Walden</title></bibliographicInfo>"
    "<serviceInfo><serviceType>Loan</serviceType></serviceInfo></request>"
)


def wrapped(message: str, version: str = "1.2") -> str:
    start = f'<ISO18626Message xmlns="{NAMESPACE}" xmlns:ill="{NAMESPACE}" ill:version="{version}">'
    return f"{start}{message}</ISO18626Message>"


def hear(message: str, *changes: tuple[str, str], version: str = "1.2") -> Understood:
    return read(_changed(wrapped(message, version), changes).encode())


def refused(message: str, *changes: tuple[str, str]) -> tuple[str, str]:
    with pytest.raises(Unreadable) as refusal:
        read(_changed(wrapped(message), changes).encode())
    return refusal.value.error.errorType, refusal.value.error.errorValue


def _changed(message: str, changes: tuple[tuple[str, str], ...]) -> str:
    for old, new in changes:
        assert old in message, old
        message = message.replace(old, new)
    return message


@pytest.mark.parametrize("message", [ANSWER, ACTION, REQUEST])
def test_a_message_as_the_standard_has_it_needs_no_forgiveness(message: str) -> None:
    assert hear(message).forgiven == ()


@pytest.mark.parametrize(
    ("outer", "forgiven"),
    [
        ("<ISO18626Message version='1.2'>{}</ISO18626Message>", "supplyingAgencyMessage: is in no namespace."),
        ("<ISO18626Message version='1.2'>{}</ISO18626Message>", f"version: {BARE}"),
        ("{}", "ISO18626Message: is missing around the supplyingAgencyMessage."),
        ("<ISO18626Message>{}</ISO18626Message>", "version: is missing; it looks like 2017."),
        ("<ISO18626Message version=''>{}</ISO18626Message>", "version: is empty; it looks like 2017."),
        ("<ISO18626Message version='7'>{}</ISO18626Message>", 'version: "7" isn\'t known; it looks like 2017.'),
        ("<ISO18626Message xmlns='urn:x'>{}</ISO18626Message>", 'supplyingAgencyMessage: is in the namespace "urn:x".'),
        ("<ISO18626Message><more/>{}</ISO18626Message>", '"more": is no message; it was passed over.'),
    ],
)  # fmt: skip
def test_whatever_is_around_a_message_it_is_found(outer: str, forgiven: str) -> None:
    understood = read(outer.format(ANSWER).encode())

    assert isinstance(understood.message, SupplyingAgencyMessage)
    assert understood.message.statusInfo.status == "Loaned"
    assert forgiven in understood.forgiven


def test_another_prefix_is_as_good_as_none() -> None:
    prefixed = ACTION.replace("</", "<!").replace("<", "<x:").replace("<x:!", "</x:")

    assert hear(
        prefixed.replace("<x:requestingAgencyMessage", f'<x:requestingAgencyMessage xmlns:x="{NAMESPACE}"')
    ) == (hear(ACTION))


def test_the_edition_is_seen_in_what_is_there_and_not_in_what_the_version_says() -> None:
    shipped = ("</statusInfo>", "</statusInfo><shippingInfo><courierName>UPS</courierName></shippingInfo>")
    assert hear(ANSWER, shipped, version="1.2").edition is Edition.Y2021
    assert 'version: says "1.2", but it looks like 2021.' in hear(ANSWER, shipped, version="1.2").forgiven
    assert hear(ANSWER, ("<multipleItemRequestId/>", ""), version="1.0").edition is Edition.Y2021
    sent = ("</statusInfo>", "</statusInfo><deliveryInfo><sentVia>Mail</sentVia></deliveryInfo>")
    assert hear(ANSWER, sent, version="").edition is Edition.Y2017
    for version in ("1.0", "1.1", "1.2", "2021-2", "2021-3", "", "nonsense"):
        assert hear(ANSWER, version=version).message == hear(ANSWER).message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-01T10:00:00+0000", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123Z", datetime(2026, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123456789Z", datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T10:00:00-06:00", datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=-6)))),
        ("2026-03-01T24:00:00Z", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1)),
        ("0001-01-01T00:00:00.000Z", NEVER),
        ("9999-12-31T23:59:59-14:00", NEVER),
        ("_TIMESTAMP_", NEVER),
        ("2026-02-30T10:00:00Z", NEVER),
        ("", NEVER),
    ],
)  # fmt: skip
def test_every_way_to_write_a_time_is_read(written: str, meant: datetime) -> None:
    understood = hear(ACTION, ("2026-03-01T10:00:00Z", written))

    assert understood.message.header.timestamp == meant
    assert understood.message.header.timestamp.utcoffset() == meant.utcoffset()
    strict = (
        "2026-03-01T10:00:00.123Z",
        "2026-03-01T10:00:00.123456789Z",
        "2026-03-01T10:00:00-06:00",
        "2026-03-01T24:00:00Z",
    )
    assert (understood.forgiven == ()) == (written in strict)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Y", "Y"),
        ("N", "N"),
        ("Yes", "Y"),
        ("No", "N"),
        ("true", "Y"),
        ("false", "N"),
        ("y", "Y"),
        (" N ", "N"),
        ("1", "Y"),
    ],
)
def test_every_yes_is_a_yes(written: str, meant: str) -> None:
    answer = (
        "StatusChange</reasonForMessage>",
        f"RenewResponse</reasonForMessage><answerYesNo>{written}</answerYesNo>",
    )

    assert hear(ANSWER, answer).message.messageInfo.answerYesNo == meant
    assert (hear(ANSWER, answer).forgiven == ()) == (written.strip() in "YN")


def test_elements_in_any_order_empty_ones_and_unknown_ones_do_no_harm() -> None:
    understood = hear(
        f"<supplyingAgencyMessage>{STATUS}{INFO}{HEADER}</supplyingAgencyMessage>",
        ("<reasonForMessage>", "<note/><reasonUnfilled/><colour>blue</colour><reasonForMessage>"),
        ("</statusInfo>", "<dueDate/></statusInfo><deliveryInfo><loanCondition></loanCondition></deliveryInfo>"),
    )

    assert understood.message == hear(ANSWER).message
    assert understood.forgiven == (
        "supplyingAgencyMessage: its elements stand in another order than the standard's.",
        '"colour": isn\'t known in messageInfo; it was passed over.',
        "messageInfo: its elements stand in another order than the standard's.",
        "note: is empty; that says nothing.",
        "reasonUnfilled: is empty; that says nothing.",
        "statusInfo: its elements stand in another order than the standard's.",
        "dueDate: is empty; that says nothing.",
        "loanCondition: is empty; that says nothing.",
        "deliveryInfo: is empty; that says nothing.",
    )


def test_names_and_places_of_both_editions_say_the_same() -> None:
    old = hear(
        ANSWER,
        ("</reasonForMessage>", "</reasonForMessage><offeredCosts><currencyCode>USD</currencyCode><monetaryValue>5"
         "</monetaryValue></offeredCosts><retryAfter>2026-04-01T00:00:00Z</retryAfter>"),
        ("</statusInfo>", "</statusInfo><deliveryInfo><dateSent>2026-03-01T10:00:00Z</dateSent><sentVia>Mail</sentVia>"
         "<deliveredFormat>Book</deliveredFormat></deliveryInfo>"),
    )  # fmt: skip
    new = hear(
        ANSWER.replace("<multipleItemRequestId/>", ""),
        ("</statusInfo>", "</statusInfo><retryInfo><offeredCosts><currencyCode>USD</currencyCode><monetaryValue>5"
         "</monetaryValue></offeredCosts><retryAfter>2026-04-01T00:00:00Z</retryAfter></retryInfo><deliveryInfo>"
         "<dateSent>2026-03-01T10:00:00Z</dateSent><deliveryMethod>Mail</deliveryMethod><itemFormat>Book</itemFormat>"
         "</deliveryInfo>"),
        version="2021-2",
    )  # fmt: skip

    assert old.message == new.message
    assert (old.edition, new.edition) == (Edition.Y2017, Edition.Y2021)
    assert old.forgiven == new.forgiven == ()
    assert old.message.retryInfo.offeredCosts == Costs(currencyCode="USD", monetaryValue=Decimal(5))


def test_a_number_of_the_item_and_a_region_are_read_either_way() -> None:
    number = "<bibliographicItemIdentifier>1</bibliographicItemIdentifier>"
    code = "<bibliographicItemIdentifierCode ill:scheme='x'>ISBN</bibliographicItemIdentifierCode>"
    for both in (number + code, code + number):
        understood = hear(REQUEST, ("</title>", f"</title><bibliographicItemId>{both}</bibliographicItemId>"))
        assert understood.message.bibliographicInfo.isbn == "1"
    region = "<region scheme='y'>MN</region>"
    place = (
        f"<requestedDeliveryInfo><address><physicalAddress>{region}</physicalAddress></address></requestedDeliveryInfo>"
    )
    understood = hear(REQUEST, ("</serviceInfo>", f"</serviceInfo>{place}"))
    assert understood.message.requestedDeliveryInfo[0].address.physicalAddress.region == "MN"
    assert understood.forgiven == (f"scheme: {BARE}",)


def test_ids_are_kept_as_they_are() -> None:
    understood = hear(ACTION, ("XPX-1~1", " XPX-1~1\n"), ("HILL", "hill "))

    assert understood.message.header.requestingAgencyRequestId == " XPX-1~1\n"
    assert understood.message.header.supplyingAgencyId.agencyIdValue == "hill "


def test_codes_of_open_lists_are_kept_and_those_of_closed_ones_are_known_by_their_letters() -> None:
    reason = ("</reasonForMessage>", "</reasonForMessage><reasonUnfilled>missing</reasonUnfilled>")
    assert hear(ANSWER, reason).message.messageInfo.reasonUnfilled == "missing"
    assert hear(ANSWER, ("Loaned", " loaned ")).message.statusInfo.status == "Loaned"
    assert hear(ANSWER, ("Loaned", "loaned")).forgiven == ('status: "loaned" was read as Loaned.',)
    assert hear(ANSWER, ("Loaned", "")).message.statusInfo.status == ""


def test_a_notification_needs_no_status() -> None:
    understood = hear(ANSWER, ("StatusChange", "Notification"), (STATUS, ""))

    assert understood.message.statusInfo.status == ""
    assert refused(ANSWER, (STATUS, "")) == (
        "UnrecognisedDataElement", "statusInfo: is missing in supplyingAgencyMessage",
    )  # fmt: skip


def test_a_date_that_cannot_be_read_is_no_date_and_a_person_reads_it_in_the_note() -> None:
    understood = hear(
        ANSWER,
        ("</status>", "</status><dueDate>after Easter</dueDate>"),
        ("</reasonForMessage>", "</reasonForMessage><note>Hi.</note>"),
    )

    assert understood.message.statusInfo.dueDate is None
    assert understood.message.messageInfo.note == "Hi.\ndueDate as given: after Easter"
    assert understood.forgiven == ('dueDate: "after Easter" is no point in time; it was taken as not said.',)


def test_a_link_in_the_note_of_a_copy_is_its_link() -> None:
    note = "</reasonForMessage><note>Here it is.\nURL: https://copies.example/7\nBye.</note>"

    understood = hear(ANSWER, ("Loaned", "CopyCompleted"), ("</reasonForMessage>", note))

    assert understood.message.deliveryInfo.URL == "https://copies.example/7"


@pytest.mark.parametrize(
    ("message", "old", "new", "error", "value"),
    [
        (ACTION, "Received", "Eaten", "UnsupportedActionType", 'action: "Eaten" doesn\'t exist'),
        (ACTION, "Received", "", "UnsupportedActionType", "action: is empty"),
        (ACTION, "<action>Received</action>", "", "UnrecognisedDataElement",
         "action: is missing in requestingAgencyMessage"),
        (ANSWER, "StatusChange", "Gossip", "UnsupportedReasonForMessageType",
         'reasonForMessage: "Gossip" doesn\'t exist'),
        (ANSWER, "StatusChange", "", "UnsupportedReasonForMessageType", "reasonForMessage: is empty"),
        (ANSWER, "Loaned", "Gone", "UnrecognisedDataValue", 'status: "Gone" doesn\'t exist'),
        (ANSWER, "<status>Loaned</status>", "", "UnrecognisedDataElement", "status: is missing in statusInfo"),
        (ANSWER, INFO, "", "UnrecognisedDataElement", "messageInfo: is missing in supplyingAgencyMessage"),
        (ANSWER, HEADER, "", "UnrecognisedDataElement", "header: is missing in supplyingAgencyMessage"),
        (ANSWER, "XPX-1~1", " ", "UnrecognisedDataValue", "requestingAgencyRequestId: is empty"),
        (ANSWER, "<requestingAgencyRequestId>XPX-1~1</requestingAgencyRequestId>", "", "UnrecognisedDataElement",
         "requestingAgencyRequestId: is missing in header"),
        (ANSWER, "<timestamp>2026-03-01T10:00:00Z</timestamp>", "", "UnrecognisedDataElement",
         "timestamp: is missing in header"),
        (ANSWER, "HILL", "", "UnrecognisedDataValue", "supplyingAgencyId: is empty"),
        (REQUEST, "MAIN", "", "UnrecognisedDataValue", "requestingAgencyId: is empty"),
        (REQUEST, "<bibliographicInfo><title>Walden</title></bibliographicInfo>", "", "UnrecognisedDataElement",
         "bibliographicInfo: is missing in request"),
        (REQUEST, "<serviceType>Loan</serviceType>", "<note>x</note>", "UnrecognisedDataElement",
         "serviceType: is missing in serviceInfo"),
        (REQUEST, "Loan<", "Gift<", "UnrecognisedDataValue", 'serviceType: "Gift" doesn\'t exist'),
        (REQUEST, "<serviceInfo>", "<serviceInfo><requestType>Again</requestType>", "UnrecognisedDataValue",
         'requestType: "Again" doesn\'t exist'),
        (ANSWER, "</reasonForMessage>", "</reasonForMessage><answerYesNo>maybe</answerYesNo>", "UnrecognisedDataValue",
         'answerYesNo: "maybe" is neither Y nor N'),
        (ANSWER, "</reasonForMessage>", "</reasonForMessage><offeredCosts><monetaryValue>5</monetaryValue>"
         "</offeredCosts>",
         "UnrecognisedDataElement", "currencyCode: is missing in offeredCosts"),
        (ANSWER, "</reasonForMessage>", "</reasonForMessage><offeredCosts><currencyCode>EUR</currencyCode>"
         "<monetaryValue>12,50</monetaryValue></offeredCosts>", "UnrecognisedDataValue",
         'monetaryValue: "12,50" is no amount'),
        (ANSWER, "</status>", "</status><status>Unfilled</status>", "BadlyFormedMessage",
         "status: is there 2 times, and says different things"),
        (ANSWER, "</supplyingAgencyMessage>", f"</supplyingAgencyMessage>{ACTION}", "BadlyFormedMessage",
         "ISO18626Message: there are 2 messages in it, and one is taken"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_and_the_sender_is_told_which_element(
    message: str, old: str, new: str, error: str, value: str
) -> None:
    assert refused(message, (old, new)) == (error, value)


def test_a_request_to_nobody_in_particular_is_one() -> None:
    supplier = HEADER[HEADER.index("<supplyingAgencyId>") : HEADER.index("<requestingAgencyId>")]

    understood = hear(REQUEST, (supplier, ""), ("<multipleItemRequestId/>", ""), version="2021-2")

    assert isinstance(understood.message, Request)
    assert understood.message.header.supplyingAgencyId.agencyIdValue == ""
    assert understood.forgiven == ()


@pytest.mark.parametrize(
    ("codec", "declared", "content_type"),
    [
        ("utf-8", None, ""),
        ("utf-8-sig", None, "text/xml"),
        ("utf-16", None, "application/xml"),
        ("utf-16-le", "utf-16", ""),
        ("utf-16-be", "UTF-16BE", ""),
        ("utf-8", "utf-16", "application/xml; charset=utf-16"),
        ("iso-8859-1", "ISO-8859-1", "application/xml"),
        ("iso-8859-1", "UTF-8", "text/xml; charset=ISO-8859-1"),
        ("utf-8", "UTF-8", "text/xml; charset=ISO-8859-1"),
        ("windows-1252", None, 'text/xml; charset="windows-1252"'),
        ("utf-8", None, "text/xml; charset=us-ascii"),
        ("utf-8", "ISO-8859-1", "text/xml; charset=utf-8"),
        ("iso-8859-1", "ISO-8859-1", "text/xml; charset=utf-8"),
        ("utf-8", None, "text/xml; charset=no-such-thing"),
    ],
)  # fmt: skip
def test_text_in_any_encoding_is_the_same_text(codec: str, declared: str | None, content_type: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    message = wrapped(ACTION.replace("</action>", "</action><note>Café</note>"))

    understood = read(f"{declaration}{message}".encode(codec), content_type)

    assert isinstance(understood.message, RequestingAgencyMessage)
    assert understood.message.note == "Café"


def test_another_content_type_is_as_good_and_is_named() -> None:
    assert read(wrapped(ACTION).encode(), "Text/XML; charset=utf-8").forgiven == ()
    assert read(wrapped(ACTION).encode(), "text/html").forgiven == (
        'content type: "text/html" instead of application/xml.',
    )


@pytest.mark.parametrize("declared", ["UTF-8", "utf-7", "no-such-thing", "zip"])
def test_text_that_is_not_what_it_says_is_not_guessed_at(declared: str) -> None:
    message = wrapped(ACTION.replace("</action>", "</action><note>Café</note>"))

    with pytest.raises(Unreadable) as refusal:
        read(f'<?xml version="1.0" encoding="{declared}"?>{message}'.encode("latin-1"))

    assert refusal.value.error.errorType == "BadlyFormedMessage"
