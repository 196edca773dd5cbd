"""In which language the console speaks: each browser keeps the choice of whoever sits there."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ill_workflow.errors import BadInput
from ill_workflow.web.languages import COOKIE
from ill_workflow.web.visitor import Posted, same_origin, within
from ill_workflow.web.words import NAMES, PSEUDO, _

router = APIRouter()
A_YEAR = 365 * 24 * 60 * 60


@router.post("/language")
def choose(request: Request, form: Posted) -> Response:
    """No sign-in is needed: whoever signs in wants to read that page, too."""
    same_origin(request)
    language = str(form.get("language", ""))
    if language not in (*NAMES, PSEUDO):
        raise BadInput(_("The console doesn't speak this language."), field="language")
    answer = RedirectResponse(within(str(form.get("next", "/"))), status_code=303)
    answer.set_cookie(
        COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer
