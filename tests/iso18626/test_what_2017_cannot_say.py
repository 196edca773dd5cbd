"""What the edition of 2017 has no element for is told in the note, but for three ids that only machines read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import CLOSED, YES_NO, Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.shapes import parts_of
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    ErrorData,
    Header,
    MessageInfo,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    StatusInfo,
    SupplyingAgencyMessage,
)

#: What nobody is told in 2017.
LEFT_OUT = {"consortialId", "authorId", "publisherId"}
#: What the edition of 2021 has no place for, in the message that has it.
LEFT_OUT_IN_2021 = {
    Request: {"supplyingAgencyRequestId"},
    RequestingAgencyMessage: {"multipleItemRequestId"},
    SupplyingAgencyMessage: {"multipleItemRequestId", "consortialId", "requestingAgencyAuthentication"},
}
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
HEADER = Header(
    supplyingAgencyId=AgencyId(agencyIdValue="HILL"), requestingAgencyId=AgencyId(agencyIdValue="MAIN"), timestamp=AT,
    requestingAgencyRequestId="XPX-1",
)  # fmt: skip
ANSWER = SupplyingAgencyMessage(
    header=HEADER, messageInfo=MessageInfo(reasonForMessage="StatusChange"),
    statusInfo=StatusInfo(status="Loaned", lastChange=AT),
)  # fmt: skip


def full(kind: type[Any], counter: Iterator[int] | None = None) -> Any:
    """A message in which everything is said, each thing in words of its own; what may repeat is said twice."""
    counter = counter or itertools.count(1000)
    values = {}
    for part in parts_of(kind):
        ones = [_value(part, counter) for _ in range(2 if part.many else 1)]
        values[part.name] = tuple(dict.fromkeys(ones)) if part.many else ones[0]
    return kind(**values)


def _value(part: Any, counter: Iterator[int]) -> Any:
    number = next(counter)
    if part.holds_parts:
        return full(part.kind, counter)
    if part.name in YES_NO:
        return "Y"
    if part.name in CLOSED[Edition.Y2017]:
        return CLOSED[Edition.Y2017][part.name][0]
    if part.name == "preferredEdition":
        return "MostRecentEdition"
    values = {int: number, bool: True, Decimal: Decimal(number), datetime: AT + timedelta(days=number)}
    return values.get(part.kind, f"{part.name}{number}")


def _told(whole: Any, left_out: set[str]) -> Iterator[str]:
    for part in parts_of(type(whole)):
        value = getattr(whole, part.name)
        if part.name in left_out or value is None:
            continue
        for one in value if part.many else (value,):
            if part.holds_parts:
                yield from _told(one, left_out)
            else:
                yield str(one)


@pytest.mark.parametrize("kind", [Request, SupplyingAgencyMessage, RequestingAgencyMessage])
@pytest.mark.parametrize("edition", list(Edition))
def test_nothing_else_is_lost(schemas: Path, kind: type[Any], edition: Edition) -> None:
    message = full(kind)
    left_out = LEFT_OUT if edition is Edition.Y2017 else LEFT_OUT_IN_2021[kind]

    raw = write(message, edition)
    heard = "\n".join(_told(read(raw).message, set()))

    assert validate(raw, edition, schemas) == []
    assert [words for words in _told(message, left_out) if words not in heard] == []
    assert all(words not in heard for words in _told(message, set()) if words.startswith(tuple(left_out)))


def test_a_loss_and_an_item_that_is_kept_are_notifications() -> None:
    lost = RequestingAgencyMessage(header=HEADER, action="Lost", note="On the train.")

    heard = read(write(lost, Edition.Y2017)).message

    assert (heard.action, heard.note) == ("Notification", "On the train.\n#ill:lost# The item is lost.")
    assert read(write(lost, Edition.Y2021)).message == lost
    kept = replace(ANSWER, statusInfo=replace(ANSWER.statusInfo, status="HoldReturn"))
    heard = read(write(kept, Edition.Y2017)).message
    assert heard.messageInfo == MessageInfo(reasonForMessage="Notification", note="Status: HoldReturn")
    assert heard.statusInfo.status == "Loaned"


def test_a_notification_without_a_status_gets_one_that_moves_nothing() -> None:
    said = replace(
        ANSWER,
        messageInfo=MessageInfo(reasonForMessage="Notification"),
        statusInfo=StatusInfo(status="", lastChange=AT),
    )

    for edition in Edition:
        assert read(write(said, edition)).message.statusInfo.status == "RequestReceived"


def test_several_errors_are_told_as_one() -> None:
    header = read(write(ANSWER, Edition.Y2017)).message.header
    confirmed = full(RequestConfirmation)
    errors = (
        ErrorData(errorType="BadlyFormedMessage", errorValue="title: is blue"),
        ErrorData(errorType="UnrecognisedDataValue", errorValue="author: is green"),
    )

    heard = read(write(replace(confirmed, errorData=errors), Edition.Y2017)).message

    assert header == HEADER
    assert heard.errorData == (
        ErrorData(errorType="BadlyFormedMessage", errorValue="title: is blue; UnrecognisedDataValue: author: is green"),
    )
    assert read(write(replace(confirmed, errorData=errors), Edition.Y2021)).message.errorData == errors


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (RequestingAgencyMessage(header=HEADER, action="Eat"), "action"),
        (replace(ANSWER, statusInfo=StatusInfo(status="Gone", lastChange=AT)), "status"),
        (replace(ANSWER, statusInfo=StatusInfo(status="", lastChange=AT)), "status"),
        (replace(ANSWER, messageInfo=MessageInfo(reasonForMessage="Gossip")), "reasonForMessage"),
        (replace(ANSWER, messageInfo=MessageInfo(reasonForMessage="Gossip", answerYesNo="maybe")), "answerYesNo"),
    ],
)  # fmt: skip
def test_a_word_that_is_in_no_list_is_not_written(message: Any, field: str) -> None:
    for edition in Edition:
        with pytest.raises(BadInput) as refusal:
            write(message, edition)
        assert refusal.value.field == field


def test_characters_that_xml_cannot_hold_are_dropped(schemas: Path) -> None:
    note = "a\x00b\x1fc\ud800d\ufffee\r\nf\tg\U0001f4d5"
    raw = write(RequestingAgencyMessage(header=HEADER, action="Renew", note=note), Edition.Y2017)

    assert validate(raw, Edition.Y2017, schemas) == []
    assert read(raw).message.note == "abcde\r\nf\tg\U0001f4d5"
