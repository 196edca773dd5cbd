"""Which edition a message looks like. What it says itself is believed only where nothing else tells."""

from collections.abc import Iterator

from lxml import etree

from ill_workflow.iso18626.editions import Edition

#: An element inside of another one, which only one of the editions has there.
_OF_2021 = frozenset({
    ("supplyingAgencyMessage", "retryInfo"), ("supplyingAgencyMessage", "shippingInfo"), ("header", "consortialId"),
    ("bibliographicInfo", "authorId"), ("publicationInfo", "publisherId"), ("serviceInfo", "itemFormat"),
    ("serviceInfo", "preferredEdition"), ("serviceInfo", "loanCondition"), ("deliveryInfo", "URL"),
    ("requestedDeliveryInfo", "deliveryMethod"), ("requestedDeliveryInfo", "courierName"),
    ("deliveryInfo", "deliveryMethod"), ("deliveryInfo", "address"), ("deliveryInfo", "itemFormat"),
    ("deliveryInfo", "serviceType"), ("deliveryInfo", "paymentMethod"),
})  # fmt: skip
_OF_2017 = frozenset({
    ("serviceInfo", "preferredFormat"), ("deliveryInfo", "sentVia"), ("deliveryInfo", "deliveredFormat"),
    ("messageInfo", "offeredCosts"), ("messageInfo", "retryAfter"), ("messageInfo", "retryBefore"),
    ("confirmationHeader", "multipleItemRequestId"),
})  # fmt: skip
_WORDS_OF_2021 = frozenset({"HoldReturn", "ReleaseHoldReturn", "Lost"})


def edition_of(message: etree._Element, version: str | None) -> Edition:
    """The edition of which a message looks."""
    new, old = set(), set()
    for parent, child in _pairs(message):
        pair = (local(parent), local(child))
        if pair in _OF_2021 or (pair[1] in ("status", "action") and (child.text or "").strip() in _WORDS_OF_2021):
            new.add(pair)
        elif pair in _OF_2017:
            old.add(pair)
    if bool(new) != bool(old):
        return Edition.Y2021 if new else Edition.Y2017
    claimed = (version or "").strip()
    if new and old:
        return Edition.Y2021 if claimed.startswith("202") else Edition.Y2017
    if claimed.startswith("202"):
        return Edition.Y2021
    header = next((child for child in message if local(child) == "header"), None)
    if header is None:
        return Edition.Y2017
    # In 2017 no header is without it, however empty.
    named = any(local(child) == "multipleItemRequestId" for child in header)
    return Edition.Y2017 if named else Edition.Y2021


def local(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(element: etree._Element) -> str:
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def _pairs(message: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    for child in message:
        yield message, child
        for grandchild in child:
            yield child, grandchild
            for greatgrandchild in grandchild:
                yield grandchild, greatgrandchild
