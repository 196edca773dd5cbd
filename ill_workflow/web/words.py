"""The language of the console: what is shown goes through here."""


def _(text: str) -> str:
    """The text in the language of whoever looks."""
    return text


def ngettext(one: str, many: str, number: int) -> str:
    return one if number == 1 else many
