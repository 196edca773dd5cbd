"""What staff have to know on every page of a library."""

from babel.dates import format_date
from fastapi import Request

from ill_workflow.web.visitor import Person, Visitor, services
from ill_workflow.web.words import _


def banner(request: Request, person: Person | None) -> str:
    """Whether nothing is lent today, and until when; empty where there is nothing to say."""
    if not isinstance(person, Visitor):
        return ""
    library = person.library
    if not library.lends_nothing(library.today(services(request).clock.now())):
        return ""
    if library.lending_suspended or library.lending_suspended_until is None:
        return _("Lending is suspended. New requests of partners are rejected until a manager lifts it.")
    until = format_date(library.lending_suspended_until, "medium", locale=person.locale)
    return _("Lending is suspended until {day}. New requests of partners are rejected until then.").format(day=until)
