"""The filters of a list as an address says them, and back: what is in the address is all there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from ill_workflow.errors import BadInput
from ill_workflow.partners import Partner, find_partner
from ill_workflow.requests.worklists import ANY, ASSIGNED, DUES, UNDER_WAY, Filter, Place, overdue_view
from ill_workflow.web.words import _

YES, NO = "yes", "no"
LONGEST_SEARCH = 200
#: What people call the groups of the tables; one that is new is called by its name.
GROUPS = {
    "OPEN": "Not sent yet", "ON_LOAN": "On loan", "BACK": "On the way back", "REFUSED": "Not supplied",
    "CLOSED": "Closed", "PREPARING": "In preparation", "SEEKING": "Asked for", "INBOUND": "On the way here",
    "HELD": "Here", "GOING_BACK": "Going back",
}  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """One filter that is on, in words, and the address of the list without it."""

    words: str
    without: str


@dataclass(frozen=True)
class View:
    """A view that has a link of its own."""

    label: str
    query: str
    here: bool


def read(session: Session, place: Place, params: QueryParams) -> tuple[Filter, Partner | None]:
    """What an address asks for. Raises BadInput naming the field."""
    if any("\0" in value for _name, value in params.multi_items()):
        raise BadInput(_("This address can't be read."))
    search = params.get("q", "").strip()
    if len(search) > LONGEST_SEARCH:
        raise BadInput(_("That is too long to look for."), field="q")
    code = params.get("partner", "")
    partner = find_partner(session, place.library.id, code) if code else None
    return Filter(
        states=tuple(dict.fromkeys(state for state in params.getlist("status") if state)),
        partner_id=partner.id if partner else None,
        due=params.get("due", ""),
        printed={YES: True, NO: False}.get(params.get("printed", "")),
        assigned=params.get("assigned", ""),
        location=params.get("location", ""),
        attention=params.get("attention") == YES,
        search=search,
        sort=params.get("sort") or "due",
        descending=params.get("down") == YES,
    ), partner


def query(wanted: Filter, partner: str = "", **more: str) -> str:
    """The query of an address that asks for it, with its question mark; empty where nothing is asked for."""
    usual = Filter()
    pairs: list[tuple[str, str]] = []
    if wanted.search:
        pairs.append(("q", wanted.search))
    pairs += [("status", state) for state in wanted.states]
    if partner:
        pairs.append(("partner", partner))
    pairs += [(name, getattr(wanted, name)) for name in ("due", "assigned", "location") if getattr(wanted, name)]
    if wanted.printed is not None:
        pairs.append(("printed", YES if wanted.printed else NO))
    if wanted.attention:
        pairs.append(("attention", YES))
    if wanted.sort != usual.sort:
        pairs.append(("sort", wanted.sort))
    if wanted.descending:
        pairs.append(("down", YES))
    pairs += [(name, value) for name, value in more.items() if value]
    return f"?{urlencode(pairs)}" if pairs else ""


def chips(place: Place, wanted: Filter, partner: Partner | None) -> list[Chip]:
    """The filters that are on."""
    code, found = partner.code if partner else "", list[tuple[str, Filter, str]]()
    if wanted.search:
        found.append((_("“{words}”").format(words=wanted.search), replace(wanted, search=""), code))
    for state in wanted.states:
        rest = tuple(other for other in wanted.states if other != state)
        found.append((name_of(place, state), replace(wanted, states=rest), code))
    if partner is not None:
        found.append((partner.name, replace(wanted, partner_id=None), ""))
    if wanted.due:
        found.append((_(DUES[wanted.due]), replace(wanted, due=""), code))
    if wanted.printed is not None:
        found.append(
            (_("Slip printed") if wanted.printed else _("Slip not printed"), replace(wanted, printed=None), code)
        )
    if wanted.assigned:
        found.append((_(ASSIGNED[wanted.assigned]), replace(wanted, assigned=""), code))
    if wanted.location:
        found.append((wanted.location, replace(wanted, location=""), code))
    if wanted.attention:
        found.append((_("Needs a person"), replace(wanted, attention=False), code))
    return [Chip(words, query(rest, partner_code)) for words, rest, partner_code in found]


def views(place: Place, wanted: Filter) -> list[View]:
    """The groups of the table, each a view; and those that go across them."""
    overdue, attention = overdue_view(place), Filter(attention=True)
    plain = [
        (_("Under way"), Filter()), (_("Needs a person"), attention),
        *((name_of(place, group), Filter(states=(group,))) for group in place.lifecycle.groups),
        (_("Overdue"), overdue), (_("All"), Filter(states=(ANY,))),
    ]  # fmt: skip
    here = _bare(wanted)
    return [View(label, query(view), _bare(view) == here) for label, view in plain]


def states_to_choose(place: Place) -> Sequence[tuple[str, str]]:
    """Groups and states, with what they are called."""
    lifecycle = place.lifecycle
    groups = [(name, name_of(place, name)) for name in (UNDER_WAY, *lifecycle.groups, ANY)]
    return [*groups, *((state.name, _(state.label)) for state in lifecycle.states)]


def name_of(place: Place, state: str) -> str:
    """What a state, or a group of the table, is called."""
    if state in (UNDER_WAY, ANY):
        return _("Under way") if state == UNDER_WAY else _("All")
    if state in place.lifecycle.groups:
        return _(GROUPS.get(state) or state.replace("_", " ").capitalize())
    return _(place.lifecycle.label(state))


def _bare(wanted: Filter) -> Iterable[Any]:
    """What makes a view: all but the order."""
    return [getattr(wanted, f.name) for f in fields(wanted) if f.name not in ("sort", "descending")]
