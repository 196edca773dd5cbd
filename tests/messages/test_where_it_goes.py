"""Where a partner wants what it asks for: another place than its parcels' is kept, the same is not written twice."""

from datetime import UTC, datetime

import pytest

from ill_workflow.messages.asked_for import delivery_address
from ill_workflow.messages.content import (
    Address,
    AgencyId,
    BibliographicInfo,
    Header,
    PhysicalAddress,
    Request,
    RequestedDeliveryInfo,
)
from ill_workflow.partners import Partner

PARTNER = Partner(
    name="Hilltop", email="ill@hilltop.example", shipping_address="Main Library\n1 North Road",
    billing_address="Annex\n9 South Road", return_address="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (("1 North Road", "Main Library"), None),
        (("Annex", "9 South Road"), "Annex\n9 South Road"),
        (("Main Library", "9 North Road"), "Main Library\n9 North Road"),
    ],
    ids=["where parcels go", "where bills go", "a mixture"],
)
def test_another_place_is_kept(lines, kept):
    at = Address(physicalAddress=PhysicalAddress(line1=lines[0], line2=lines[1]))
    asked = Request(
        header=Header(
            supplyingAgencyId=AgencyId(agencyIdValue="MAIN"), requestingAgencyId=AgencyId(agencyIdValue="HILL"),
            timestamp=datetime(2026, 2, 2, tzinfo=UTC), requestingAgencyRequestId="H-1",
        ),
        bibliographicInfo=BibliographicInfo(title="Emma"),
        requestedDeliveryInfo=(RequestedDeliveryInfo(address=at),),
    )  # fmt: skip

    assert delivery_address(asked, PARTNER) == kept
