"""Where one can go from every page."""

from dataclasses import dataclass

from ill_workflow.web.visitor import Person, Visitor


@dataclass(frozen=True)
class Place:
    """A page that is named on every page. `path` is below the library."""

    path: str
    label: str
    managers: bool = False


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


DAILY = (
    Place("today", N_("Today")),
    Place("lending", N_("Lending Requests")),
    Place("borrowing", N_("Borrowing Requests")),
    Place("scan", N_("Scan In Items")),
    Place("borrowing/new", N_("Create Request")),
)
RARE = (
    Place("partners", N_("Partners")),
    Place("letters", N_("Letters"), managers=True),
    Place("settings", N_("Settings"), managers=True),
    Place("accounts", N_("Accounts"), managers=True),
    Place("operations", N_("Operations")),
)


@dataclass(frozen=True)
class Way:
    """A place as it is shown on one page."""

    address: str
    label: str
    here: str = ""  #: `page` where one is there, `true` where one is somewhere below it


def daily(person: Person | None, address: str) -> list[Way]:
    return _ways(person, address, DAILY)


def rare(person: Person | None, address: str) -> list[Way]:
    return _ways(person, address, RARE)


def _ways(person: Person | None, address: str, places: tuple[Place, ...]) -> list[Way]:
    if not isinstance(person, Visitor):
        return []
    base = f"/l/{person.library.code}"
    return [
        Way(f"{base}/{place.path}", place.label, _here(base, place, address))
        for place in places
        if person.manages or not place.managers
    ]


def _here(base: str, place: Place, address: str) -> str:
    if address == f"{base}/{place.path}":
        return "page"
    below = address.removeprefix(f"{base}/")
    deeper = [other for other in DAILY + RARE if below == other.path or below.startswith(f"{other.path}/")]
    return "true" if deeper and max(deeper, key=lambda other: len(other.path)) == place else ""
