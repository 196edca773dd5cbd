"""Signing in and out, and the way to one's own pages."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ill_workflow.errors import Unauthorised
from ill_workflow.signing_in import begin_session, check_password, end_session
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Anybody, Here, Passwords, Posted, Somebody, cookie_name, same_origin, within

router = APIRouter()
own = APIRouter()


@router.get("/sign-in")
def ask(request: Request, person: Anybody, next: str = "/") -> Response:
    if person is not None:
        return RedirectResponse(within(next), status_code=303)
    return render(request, "sign_in.html", next=within(next), name="", error="")


@router.post("/sign-in")
def begin(request: Request, services: Here, passwords: Passwords, form: Posted) -> Response:
    same_origin(request)
    name, password, to = str(form.get("name", "")), str(form.get("password", "")), within(str(form.get("next", "/")))
    try:
        with services.db.reading() as session:
            account = check_password(session, name.strip(), password, passwords)
    except Unauthorised as wrong:
        return render(request, "sign_in.html", status=401, next=to, name=name, error=wrong.message)
    with services.db.writing() as session:
        address = request.client.host if request.client else ""
        token = begin_session(session, account, address=address, browser=request.headers.get("user-agent", ""))
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
        end_session(session, person.sign_in_id)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(cookie_name(request), path="/")
    return answer
