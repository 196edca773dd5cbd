"""Commands of other systems: signed by the account as which they act, checked like any other door."""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.accounts import Account, find_account, find_secret
from ill_workflow.bootstrap import Services
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput, IllError, NotFound, Simultaneous, Unauthorised, Unavailable
from ill_workflow.libraries import find_library
from ill_workflow.patrons import remember_patron
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request

_log = logging.getLogger(__name__)

#: Seconds by which the time of a command may differ from ours.
STALE = 300


def sign(secret: str, name: str, account: str, arguments: Mapping[str, Any], key: str, time: int) -> str:
    """The signature of a command: HMAC-SHA256, in hexadecimal, over its name, account, arguments, key and time."""
    text = json.dumps([name, account, arguments, key, time], sort_keys=True, separators=(",", ":"))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def take_action(services: Services, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments: library, reference, trigger; side (where both halves are here), inputs, version, told_by.

    Gives the outcome, or the refusal's sentence with its field and status; never raises for what the caller did.
    """
    return _obey(services, "ill.take_action", envelope, _take_action)


def create_request(services: Services, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments: library, fields (title, author, isbn, …); patron (barcode, name, email), service, note, partners."""
    return _obey(services, "ill.create_request", envelope, _create_request)


Deed = Callable[[Services, Session, By, dict[str, Any], str], dict[str, Any]]


def _obey(services: Services, name: str, envelope: Mapping[str, Any], deed: Deed) -> dict[str, Any]:
    """Carry out a command. Raises Unavailable where the database can't be reached: then it is sent again."""
    try:
        try:
            return _obey_once(services, name, envelope, deed)
        except (IntegrityError, OperationalError, Simultaneous):
            # Another command was doing the same at the same moment; now it has ended, one way or the other.
            return _obey_once(services, name, envelope, deed)
    except IllError as refusal:
        return _refused(name, envelope, refusal)
    except (OperationalError, InterfaceError):
        _log.warning("%s of %.64r waits for the database", name, envelope.get("account"))
        raise Unavailable("The database can't be reached. Send the command again, with the same key.") from None
    except DBAPIError:
        return _refused(name, envelope, BadInput("The database has no room for a value of the command."))
    except (TypeError, ValueError, AttributeError, KeyError):
        return _refused(name, envelope, BadInput("The arguments of the command have the wrong form."))


def _refused(name: str, envelope: Mapping[str, Any], refusal: IllError) -> dict[str, Any]:
    # Neither the arguments nor the signature are for the log.
    _log.warning("%s of %.64r refused: %s", name, envelope.get("account"), type(refusal).__name__)
    return {"ok": False, **refusal.as_dict()}


def _obey_once(services: Services, name: str, envelope: Mapping[str, Any], deed: Deed) -> dict[str, Any]:
    with services.db.writing() as session:
        account, arguments, key = _authenticate(session, name, envelope)
        by = By.staff(account, arguments.pop("told_by", None))
        if abs(machine_now().timestamp() - envelope["time"]) > STALE:
            # A worker that died may have carried it out: then this is its answer, and no refusal.
            if (known := actions.answer_to(session, by, key)) is not None:
                return {"ok": True, **known, "repeated": True}
            raise Unauthorised(f"The command is older than {STALE} seconds. Sign it anew.", field="time")
        return {"ok": True, **deed(services, session, by, arguments, key)}


def _authenticate(session: Session, name: str, envelope: Mapping[str, Any]) -> tuple[Account, dict[str, Any], str]:
    for part, kind in (("account", str), ("arguments", dict), ("key", str), ("time", int), ("signature", str)):
        if not isinstance(envelope.get(part), kind):
            raise Unauthorised(f"A command needs {part}.", field=part)
    for part in ("account", "key"):
        typed.check_line(part, envelope[part])
    try:
        secret = find_secret(session, envelope["account"])
    except NotFound as unknown:
        raise Unauthorised(unknown.message, field="account") from None
    parts = (envelope["account"], envelope["arguments"], envelope["key"], envelope["time"])
    if not hmac.compare_digest(sign(secret, name, *parts).encode(), envelope["signature"].encode()):
        raise Unauthorised("The signature does not fit the command.", field="signature")
    return find_account(session, envelope["account"]), dict(envelope["arguments"]), envelope["key"]


def _take_action(services: Services, session: Session, by: By, given: dict[str, Any], key: str) -> dict[str, Any]:
    library = find_library(session, given.pop("library", ""))
    reference, side, trigger = given.pop("reference", ""), given.pop("side", None), given.pop("trigger", "")
    inputs, version = given.pop("inputs", {}), given.pop("version", None)
    _nothing_left(given)
    rows = sa.select(Request.id).where(Request.library_id == library.id, Request.reference == reference)
    found = session.scalars(rows.where(Request.side == side) if side else rows).all()
    if not found:
        raise NotFound(f"There is no request {reference!r} at {library.name}.", field="reference")
    if len(found) > 1:
        raise BadInput(f"{reference} names two requests. Say which: borrowing or lending.", field="side")
    request = actions.locked(session, found[0])
    outcome = actions.perform(
        session, request, trigger, by=by, clock=services.clock, inputs=inputs, key=key, version=version
    )
    return {**asdict(outcome), "sentence": outcome.sentence}


def _create_request(services: Services, session: Session, by: By, given: dict[str, Any], key: str) -> dict[str, Any]:
    library = find_library(session, given.pop("library", ""))
    mark = json.dumps(given, sort_keys=True)
    if known := actions.answered(session, library.id, by, key, mark):
        return {**known, "repeated": True}
    fields, patron = given.pop("fields", {}), given.pop("patron", None)
    service, note, partners = given.pop("service", "loan"), given.pop("note", ""), given.pop("partners", [])
    _nothing_left(given)
    reader = remember_patron(session, library.id, **patron) if patron else None
    request = intake.borrow(
        session, library, fields, by=by, clock=services.clock, patron=reader, service=service, partner_note=note,
        partners=partners,
    )  # fmt: skip
    answer = {"reference": request.reference, "state": request.state, "version": request.version}
    actions.remember_answer(session, library.id, by, key, mark, answer, services.clock.now())
    return {**answer, "repeated": False}


def _nothing_left(given: Mapping[str, Any]) -> None:
    for name in given:
        raise BadInput(f"A command knows no argument {name!r}.", field=str(name)[:64])
