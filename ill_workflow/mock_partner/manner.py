"""How the mock behaves, whatever it plays."""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ill_workflow.iso18626.editions import Edition
from ill_workflow.messages.content import AgencyId, Authentication


@dataclass(frozen=True)
class Credentials:
    """What shows who somebody is. What is empty is neither shown nor asked for."""

    account: str = ""
    code: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def in_header(self) -> Authentication | None:
        return Authentication(accountId=self.account, securityCode=self.code) if self.account or self.code else None

    def are_shown_by(self, shown: Authentication | None, bearer: str | None) -> bool:
        pairs = (
            (self.account, shown.accountId if shown else ""), (self.code, shown.securityCode if shown else ""),
            (self.token, bearer or ""),
        )  # fmt: skip
        return all(hmac.compare_digest(wanted.encode(), given.encode()) for wanted, given in pairs if wanted)


@dataclass(frozen=True)
class Manner:
    """`pace` is the time between two steps; everything else that takes time is counted in paces."""

    scenario: str = "lends"  #: for requests that name none
    pace: timedelta = timedelta(seconds=1)
    edition: Edition = Edition.Y2017
    agency: AgencyId | None = None  #: who we are; none: whoever is addressed, and MOCK where we ask
    peer_agency: AgencyId | None = None  #: who the peer is; none: whoever it says
    shows: Credentials = Credentials()
    expects: Credentials = Credentials()
    flavours: tuple[str, ...] = ()
    strict: bool = False
    schemas: Path | None = None  #: the folder with the official schemas
