"""The request on whose data letters and slips are looked at."""

from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.requests.models import Request
from ill_workflow.requests.scan import find
from ill_workflow.web.words import _

LONGEST = 255


def request_by(session: Session, library: Library, reference: str, side: str | None = None) -> Request:
    """The library's request of that reference or barcode, of this half where both fit. Raises BadInput."""
    found = find(session, library, reference[:LONGEST]) if reference.isprintable() else []
    exact = [request for request in found if request.reference == reference] or list(found)
    fitting = [request for request in exact if request.side == side] or exact
    if not fitting:
        raise BadInput(_("There is no request “{code}” here.").format(code=reference[:40]), field="reference")
    return fitting[-1]
