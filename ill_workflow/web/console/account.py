"""One's own account: another password, and where one is signed in."""

from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ill_workflow.accounts import Account
from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Unauthorised, Unavailable
from ill_workflow.signing_in import begin_session, check_password, end_session, sessions_of, set_password
from ill_workflow.throttle import TooManyTries, begin_try, not_looked_at, succeeded
from ill_workflow.web.browsers import browser_called
from ill_workflow.web.console.sign_in import signed_in_at
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Passwords, Person, Posted, Somebody, lasting
from ill_workflow.web.words import _

router = APIRouter(prefix="/account")


@router.get("")
def look(request: Request, person: Somebody, services: Here, done: str = "") -> Response:
    return _page(request, person, services, done=_("This is your password now.") if done == "password" else "")


@router.post("/password")
def change_password(request: Request, person: Somebody, services: Here, passwords: Passwords, form: Posted) -> Response:
    """Another password ends all sessions, and begins a new one here."""
    now, new, again = (str(form.get(name, "")) for name in ("now", "new", "again"))
    address = request.client.host if request.client else ""
    try:
        if new != again:
            raise BadInput(_("These two are not the same."), field="again")
        with services.db.writing() as session:
            begin_try(session, person.account.name, address)
        token = _changed(request, person, services, passwords, now, new, address)
    except TooManyTries as wait:
        again_later = _page(request, person, services, wrong=BadInput(wait.message, field="now"), status=429)
        again_later.headers["Retry-After"] = str(wait.seconds)
        return again_later
    except Unavailable as crowd:
        with services.db.writing() as session:
            not_looked_at(session, person.account.name, address)
        return _page(request, person, services, wrong=BadInput(crowd.message, field="now"), status=503)
    except Unauthorised:
        wrong = BadInput(_("This is not your password now."), field="now")
        return _page(request, person, services, wrong=wrong, status=422)
    except BadInput as wrong:
        wrong.field = "new" if wrong.field == "password" else wrong.field
        return _page(request, person, services, wrong=wrong, status=422)
    given_by_somebody_else = person.account.password_until is not None
    return signed_in_at(request, "/" if given_by_somebody_else else "/account?done=password", token)


@router.post("/sessions/{number}/end")
def end(person: Somebody, services: Here, number: int) -> Response:
    with services.db.writing() as session:
        end_session(session, number if 0 < number < 2**31 else 0, person.account.id)
    return RedirectResponse("/account", status_code=303)


def _changed(
    request: Request, person: Person, services: Services, passwords: PasswordHasher, now: str, new: str, address: str
) -> str:
    with services.db.reading() as session:
        held = check_password(session, person.account.name, now, passwords).password_hash
    if now == new:
        raise BadInput(_("This is your password already. Take another one."), field="new")
    with services.db.writing() as session:
        account = session.get_one(Account, person.account.id, with_for_update={"of": Account})
        if account.password_hash != held or not account.active:  # another one was faster: theirs was the last word
            raise Unauthorised(field="now")
        set_password(session, account, new, passwords)
        succeeded(session, account.name, address)
        browser = request.headers.get("user-agent", "")
        return begin_session(session, account, address=address, browser=browser, lasting=lasting(services))


def _page(
    request: Request, person: Person, services: Services, *, wrong: BadInput | None = None, done: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        sessions = sessions_of(session, person.account)
    errors = {wrong.field: wrong.message} if wrong else {}
    zone = person.libraries[0].zone if person.libraries else ZoneInfo("UTC")
    return render(
        request, "account.html", person, status=status, sessions=sessions, errors=errors, done=done, zone=zone,
        must=person.account.password_until is not None, called=browser_called,
    )  # fmt: skip
