"""What the page of a partner says of its ISO 18626: what both sides need, what holds and why, and what is missing."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ill_workflow.config import Settings
from ill_workflow.libraries import Library
from ill_workflow.lists import partner_list
from ill_workflow.partner_health import Remark, remarks_on
from ill_workflow.partner_secrets import FORMER, THEIRS, secrets_of
from ill_workflow.partners import Partner
from ill_workflow.web.entry_form import called
from ill_workflow.web.navigation import N_
from ill_workflow.web.words import _
from ill_workflow.wire_vendors import KNOWN_VENDORS

SECRETS = {
    "code": N_("The code that it shows us"),
    "token": N_("The token that it shows us"),
    "our_code": N_("The code that we show it"),
    "our_token": N_("The token that we show it"),
}


@dataclass(frozen=True)
class InForce:
    """A setting as it holds, and why."""

    label: str
    value: str
    agreed: bool  #: here, and otherwise than its vendor's usual
    why: str


@dataclass(frozen=True)
class Secret:
    """Whether a secret is set; never what it is."""

    name: str
    label: str
    there: bool
    former: bool  #: what was replaced still opens
    theirs: bool


@dataclass(frozen=True)
class Wired:
    """Everything of a partner that speaks ISO 18626 but its form."""

    our_address: str
    our_ids: tuple[str, ...]
    its_id: str
    vendor: str
    about_vendor: str
    remarks: list[Remark]
    settings: list[InForce]
    secrets: list[Secret]


def wired(session: Session, settings: Settings, library: Library, partner: Partner) -> Wired | None:
    """None for a partner that is spoken to by other ways."""
    if partner.transport != "iso18626":
        return None
    agreed = partner.agreed_wire()
    vendor, names = KNOWN_VENDORS.get(agreed.vendor, KNOWN_VENDORS["standard"]), secrets_of(session, partner.id)
    our_type, our_id = agreed.our_agency_type or library.agency_type, agreed.our_agency or library.agency
    return Wired(
        our_address=f"{settings.web_address}/iso18626/{library.code}",
        our_ids=(our_type, our_id or library.code),
        its_id=f"{agreed.agency_type} {partner.agency}",
        vendor=called(agreed.vendor),
        about_vendor=vendor.about,
        remarks=remarks_on(session, partner, private_partners=settings.private_partners),
        settings=_in_force(partner),
        secrets=[
            Secret(name, _(label), name in names, name + FORMER in names, name in THEIRS)
            for name, label in SECRETS.items()
        ],
    )


def _in_force(partner: Partner) -> list[InForce]:
    agreed = partner.agreed_wire()
    usual = partner_list.usual_wire(agreed.vendor)
    reasons = KNOWN_VENDORS[agreed.vendor].usual if agreed.vendor in KNOWN_VENDORS else {}
    columns = {column.name: column for column in partner_list.COLUMNS}
    found = []
    for name, value in vars(agreed).items():
        column, cell = columns[f"wire.{name}"], partner_list.shown_setting(value)
        differs = cell != usual[column.name]
        why = reasons[name][1] if name in reasons and not differs else ""
        is_word = isinstance(value, bool) or bool(column.choices)
        found.append(InForce(_(column.title), called(cell) if is_word else cell, differs, _(why)))
    return found
