"""Which scenario a request is answered with: the one that it names itself, else the one that was chosen."""

import re

from ill_workflow.messages.content import Request
from ill_workflow.mock_partner.script import SUPPLIER, Scenarios

_BEFORE_A_COLON = re.compile(r"\s*([A-Za-z][\w:-]*):(\s|$)")
_BETWEEN = re.compile(r"[\s:_-]+")


def named_in(request: Request, scenarios: Scenarios) -> str | None:
    """The scenario that the request asks for: `LENDS` as supplierUniqueRecordId, or `RETRY:COST: Emma` as title.

    Capitals or not, and `:`, `-` or `_` between the words, are all the same.
    """
    info = request.bibliographicInfo
    title = _BEFORE_A_COLON.match(info.title)
    for words in (info.supplierUniqueRecordId, info.supplierUniqueRecordId.partition(":")[0], title and title[1]):
        name = _BETWEEN.sub("_", (words or "").strip().lower()).strip("_")
        if name in scenarios and scenarios[name].role == SUPPLIER:
            return name
    return None
