"""What a discovery page says of a title in a link: the keys of OpenURL, or the names of our own fields."""

import re
from collections.abc import Iterable

from ill_workflow.requests.fields import LABELS, LONGEST, LONGEST_TEXT
from state_machines.changes import TRAVELLING

#: Our own names are taken as they are.
OURS = (*TRAVELLING, "service", "patron", "partner_note", "patron_note", "internal_note")
#: OpenURL (ANSI/NISO Z39.88-2004), KEV of books and journals, and version 0.1: the first that is there is taken.
THEIRS = {
    "isbn": ("isbn",), "issn": ("issn", "eissn"), "publisher": ("pub", "publisher"), "year": ("date", "year"),
    "title": ("btitle", "jtitle", "title", "stitle"), "article_title": ("atitle",), "pages": ("pages",),
}  # fmt: skip
COPIES = ("article", "bookitem", "proceeding", "chapter")
MOST = 100


def from_link(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Our fields for the keys of a link. What isn't known is left out, and nothing is refused: a person looks at it."""
    given: dict[str, list[str]] = {}
    for key, value in list(pairs)[:MOST]:
        value = " ".join("".join(c if c.isprintable() else " " for c in value).split())
        if value:
            given.setdefault(key.removeprefix("rft."), []).append(value)
    found = {name: given[key][0] for name, keys in THEIRS.items() for key in reversed(keys) if key in given}
    found |= _numbers(given.get("rft_id", []) + given.get("id", []))
    found |= {name: value for name, value in (("author", _author(given)), ("volume", _volume(given))) if value}
    if "pages" not in found and (first := given.get("spage")):
        found["pages"] = "-".join([first[0], *given.get("epage", [])[:1]])
    if "year" in found and (year := re.match(r"\d{4}", found["year"])):
        found["year"] = year[0]
    genre = given.get("genre", [""])[0].casefold()
    if genre in COPIES or ("article_title" in found and not genre):
        found["service"] = "copy"
    found = {name: given[name][0] for name in OURS if name in given} | found
    return {name: value[: LONGEST.get(name, LONGEST_TEXT)] for name, value in found.items() if name in (*OURS, *LABELS)}


def _numbers(ids: list[str]) -> dict[str, str]:
    found = {}
    for said in ids:
        scheme, _, number = said.removeprefix("urn:").rpartition(":")
        if scheme.casefold() in ("isbn", "issn"):
            found[scheme.casefold()] = number
    return found


def _author(given: dict[str, list[str]]) -> str:
    if people := given.get("au") or given.get("aucorp"):
        return "; ".join(people)
    last, first = given.get("aulast", [""])[0], (given.get("aufirst") or given.get("auinit") or [""])[0]
    return ", ".join(name for name in (last, first) if name)


def _volume(given: dict[str, list[str]]) -> str:
    volume, issue = given.get("volume", [""])[0], given.get("issue", [""])[0]
    return f"{volume}({issue})" if volume and issue else volume or issue
