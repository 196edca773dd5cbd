"""Signing in and out, and the way to one's own pages."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ill_workflow.errors import Unauthorised, Unavailable
from ill_workflow.signing_in import begin_session, check_password, end_session, renew_hash
from ill_workflow.throttle import TooManyTries, begin_try, not_looked_at, succeeded
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import (
    Anybody,
    Here,
    Passwords,
    Posted,
    Somebody,
    cookie_name,
    lasting,
    same_origin,
    within,
)

router = APIRouter()
own = APIRouter()


@router.get("/sign-in")
def ask(request: Request, person: Anybody, next: str = "/", lost: str = "") -> Response:
    if person is not None:
        return RedirectResponse(within(next), status_code=303)
    return render(request, "sign_in.html", next=within(next), name="", error="", lost=bool(lost))


@router.post("/sign-in")
def begin(request: Request, person: Anybody, services: Here, passwords: Passwords, form: Posted) -> Response:
    """A try is counted before the password is looked at, so that many at once are counted, too."""
    same_origin(request)
    name, password, to = _text(form.get("name")).strip(), _text(form.get("password")), within(_text(form.get("next")))
    address = request.client.host if request.client else ""
    try:
        with services.db.writing() as session:
            begin_try(session, name, address)
        with services.db.reading() as session:
            account = check_password(session, name, password, passwords)
        with services.db.writing() as session:
            browser = request.headers.get("user-agent", "")
            token = begin_session(session, account, address=address, browser=browser, lasting=lasting(services))
            succeeded(session, name, address)
            renew_hash(session, account.id, password, passwords)
            if person:  # who sat here before; no token outlives a sign-in
                end_session(session, person.sign_in_id, person.account.id)
    except TooManyTries as wait:
        again = render(request, "sign_in.html", status=429, next=to, name=name, lost=False, error=wait.message)
        again.headers["Retry-After"] = str(wait.seconds)
        return again
    except Unavailable as crowd:
        with services.db.writing() as session:
            not_looked_at(session, name, address)
        return render(request, "sign_in.html", status=503, next=to, name=name, lost=False, error=crowd.message)
    except Unauthorised as wrong:
        return render(request, "sign_in.html", status=401, next=to, name=name, lost=False, error=wrong.message)
    return signed_in_at(request, "/account" if account.password_until else to, token)


def signed_in_at(request: Request, to: str, token: str) -> Response:
    """To a page, with the cookie of a session that has just begun."""
    answer = RedirectResponse(to, status_code=303)
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie_name(request), token, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


@own.get("/")
def first(person: Somebody) -> Response:
    """Today, at the first of the libraries for which somebody works."""
    to = f"/l/{person.libraries[0].code}/today" if person.libraries else "/account"
    return RedirectResponse(to, status_code=303)


@own.post("/sign-out")
def end(request: Request, person: Somebody, services: Here) -> Response:
    with services.db.writing() as session:
        end_session(session, person.sign_in_id, person.account.id)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True)
    return answer


def _text(value: object) -> str:
    # A NUL is no character that a database keeps.
    return value.replace("\x00", "") if isinstance(value, str) else ""
