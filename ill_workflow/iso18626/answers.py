"""Reads what a partner answers to a message of ours: it confirms it, refuses it, or says nothing of the kind."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from ill_workflow.errors import IllError
from ill_workflow.iso18626.calling import Called
from ill_workflow.iso18626.reading import Unreadable, read
from ill_workflow.messages.content import (
    Confirmation,
    ConfirmationHeader,
    ErrorData,
    Message,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)
from ill_workflow.wire_settings import WireSettings

_CONFIRMATIONS = (RequestConfirmation, SupplyingAgencyMessageConfirmation, RequestingAgencyMessageConfirmation)
_ANSWERS = {
    Request: RequestConfirmation,
    SupplyingAgencyMessage: SupplyingAgencyMessageConfirmation,
    RequestingAgencyMessage: RequestingAgencyMessageConfirmation,
}
#: What a server answers to a message that it can't bear, though it may be well otherwise.
_ABOUT_THE_MESSAGE = frozenset({400, 409, 411, 413, 414, 415, 422, 431})


@dataclass(frozen=True)
class Answer:
    """A confirmation, with what was wrong with it and understood all the same."""

    confirmation: Confirmation
    forgiven: tuple[str, ...] = ()


class NotConfirmed(IllError):
    """What was answered is no confirmation of this message."""

    status = 502

    def __init__(self, message: str, *, about_the_message: bool = False) -> None:
        super().__init__(message)
        self.about_the_message = about_the_message  #: others may get through


def answer_to(message: Message, called: Called, settings: WireSettings, at: datetime) -> Answer:
    """What the partner makes of the message. Raises NotConfirmed.

    Only a confirmation counts: an empty 200 or a page may come from whatever stands in front of its system.
    """
    try:
        answer = _confirmation(message, called, settings, at)
    except NotConfirmed as wrong:
        raise wrong if called.status < 300 else _failed(called.status) from None
    # Some say with the status, too, that they refuse it; with any other one nothing was confirmed.
    if called.status >= 500 or (called.status >= 300 and answer.confirmation.ok):
        raise _failed(called.status)
    return answer


def _failed(status: int) -> NotConfirmed:
    about_the_message = status in _ABOUT_THE_MESSAGE
    match status:
        case 401:
            return NotConfirmed(
                "It answered 401: it does not believe who we are. Look at the account, code and token that we show."
            )
        case 403:
            return NotConfirmed(
                "It answered 403: it does not let us in. Look at the account, code and token that we show."
            )
        case 404 | 405:
            return NotConfirmed(f"It answered {status}: nobody takes messages at this address.")
        case _ if status in set(HTTPStatus):
            phrase = HTTPStatus(status).phrase
            return NotConfirmed(f"It answered {status}: {phrase}.", about_the_message=about_the_message)
    return NotConfirmed(f"It answered {status}.", about_the_message=about_the_message)


def _confirmation(message: Message, called: Called, settings: WireSettings, at: datetime) -> Answer:
    if not called.body.strip():
        raise NotConfirmed(f"It answered {called.status} and nothing else: that confirms nothing.")
    try:
        understood = read(called.body, called.content_type)
    except Unreadable as wrong:
        raise NotConfirmed(f"Its answer is no confirmation: {wrong.error.errorValue}.") from None
    found = understood.message
    if not isinstance(found, _CONFIRMATIONS):
        raise NotConfirmed("Its answer is no confirmation but a message.")
    header, forgiven = found.confirmationHeader, understood.forgiven
    if not _same_request(header, message, settings):
        raise NotConfirmed(
            f"It confirmed another request, {header.requestingAgencyRequestId!r}.", about_the_message=True
        )
    if type(found) is not _ANSWERS[type(message)]:
        forgiven = (*forgiven, f"{type(found).__name__}: confirms another kind of message.")
    status = "ERROR" if header.messageStatus == "ERROR" or found.errorData else "OK"
    sentence = "; ".join(_words(error) for error in found.errorData) if status == "ERROR" else ""
    confirmation = Confirmation(
        messageStatus=status,
        timestampReceived=at,
        errorData=found.errorData[0] if found.errorData else None,
        sentence=sentence or ("ERROR, and no reason" if status == "ERROR" else ""),
    )
    return Answer(confirmation, forgiven)


def _same_request(header: ConfirmationHeader, message: Message, settings: WireSettings) -> bool:
    """Whether it names our request, or none."""
    given, ours = header.requestingAgencyRequestId.strip(), message.header.requestingAgencyRequestId.strip()
    if not given or given.casefold() == ours.casefold():
        return True
    return settings.id_suffix and (given.startswith(f"{ours}~") or ours.startswith(f"{given}~"))


def _words(error: ErrorData) -> str:
    return f"{error.errorType} {error.errorValue}".strip()
