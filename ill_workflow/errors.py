"""What can go wrong, in sentences on which a person can act."""


class IllError(Exception):
    """Something went wrong."""

    status = 500

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip()
        self.field = field  #: the input that has to be mended, where it is one
        super().__init__(self.message)

    def as_dict(self) -> dict[str, object]:
        return {"error": self.message, "field": self.field, "status": self.status}


class BadInput(IllError):
    """A value is missing or wrong."""

    status = 422


class NotFound(IllError):
    """There is no such thing here."""

    status = 404


class Unauthorised(IllError):
    """Say who you are."""

    status = 401


class NotAllowed(IllError):
    """This account may not do that at this library."""

    status = 403


class Refused(IllError):
    """The request can't do that now."""

    status = 409


class Conflict(IllError):
    """Somebody else was faster. Look at the request again."""

    status = 409


class Simultaneous(Conflict):
    """The same command is being carried out already. Ask again in a moment."""


class Unavailable(IllError):
    """A part of the system can't be reached. Try again in a moment."""

    status = 503
