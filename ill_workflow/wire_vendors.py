"""What is usual with the systems of each vendor: only what they, or whoever connected to them, have published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Vendor:
    """Whose system it is, what is usual with it, and why."""

    called: str
    about: str  #: what is known of it, in a sentence
    usual: Mapping[str, tuple[Any, str]] = field(default_factory=dict)  #: setting: its value, and the reason


_BROKER = {
    "broker": (True, "It asks one supplier after another, and passes on what each of them says."),
    "id_suffix": (True, "ReShare's systems number the suppliers that they ask behind the id of the request."),
    "patience_seconds": (60, "Its answer may have to wait for the library behind it."),
}
_NOTHING_KNOWN = "Nothing is published of how its ISO 18626 differs, so the standard is spoken as it is written."

KNOWN_VENDORS: Mapping[str, Vendor] = {
    "standard": Vendor("Another system", "The standard as it is written, in the edition that nearly everybody speaks."),
    "reshare": Vendor(
        "ReShare",
        "Project ReShare's system, which puts marks into notes and a suffix behind ids.",
        {
            "marks": (
                True,
                "It reads conditions, their acceptance, return addresses and sets of items from marks in notes.",
            ),
            "id_suffix": (True, "It numbers the suppliers that it asks behind the id: X-12~1."),
        },
    ),
    "broker": Vendor(
        "Opaque broker",
        "A broker such as ReShare's CrossLink that speaks under its own id: who supplies stands in notes at most.",
        _BROKER,
    ),
    "transparent_broker": Vendor(
        "Transparent broker",
        "A broker such as ReShare's CrossLink that names the library behind it in the header: it is known by what it "
        "shows, not by the id in the header.",
        _BROKER,
    ),
    "alma": Vendor(
        "Alma",
        "Ex Libris names version 1.1 of the schema, of which 1.2 (the 2017 edition) is the later revision.",
        {"edition": ("2017", "Its documentation names the schema ISO-18626-v1_1.")},
    ),
    "oclc": Vendor("OCLC (WorldShare ILL, Tipasa)", _NOTHING_KNOWN),
    "relais": Vendor("Relais D2D", _NOTHING_KNOWN),
}
