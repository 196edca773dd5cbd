"""The order in which things stand on the shelves, so that whoever fetches them walks through the stacks once."""

import re
import unicodedata

#: One step of the comparison; numbers stand before letters, and nothing stands before something.
Step = tuple[int, str] | tuple[int, int, str, str, str] | tuple[int, str, str, str]
Place = tuple[object, ...]

#: Marks of shelves beside the run: oversize, reference, for the young. What bears one stands after all that bear none.
BESIDE = frozenset(
    "F FOL FOLIO Q QUARTO OVERSIZE LARGE XX REF REFERENCE R J JUV JUVENILE YA RARE MEDIA".split()  # noqa: SIM905
)
#: Library of Congress (and NLM, whose W stands in a gap of it): class letters, a number, perhaps with decimals.
_CONGRESS = re.compile(r"(DAW|DJK|K[A-Z]{2}|[A-HJ-NP-WZ][A-Z]?)\s*([0-9]{1,4})(?:\.([0-9]+))?(?![0-9:])(.*)", re.DOTALL)
#: Dewey: three digits, perhaps with decimals.
_DEWEY = re.compile(r"([0-9]{3})(?:\.([0-9]+))?(?![0-9])(.*)", re.DOTALL)
_PRIME_MARK = re.compile(r"(?<=[0-9.])['’/](?=\.?[0-9])")
_WORD = re.compile(r"([A-Za-z]+)\.?\s+(.*)", re.DOTALL)
#: A cutter is a decimal: C662 stands before C7.
_CUTTER = re.compile(r"\.?([A-Z]{1,3})([0-9]+)([A-Za-z]*)")
#: Volumes, copies and parts count as people do: v.2 stands before v.10.
_COUNTED = re.compile(
    r"(volumes?|vols?|v|copy|c|no|nr|part|pt|ser|bd|t|suppl|index)\b\.?\s*(?=[0-9])|"
    r"(v|vol|c|no|nr|pt|bd|t)(?=[0-9])", re.IGNORECASE,
)  # fmt: skip
_NUMBER = re.compile(r"([0-9]+)([a-z]*)")
_LETTERS = re.compile(r"[^\W\d_]+")
_SAME_WORD = {"VOLUME": "V", "VOLUMES": "V", "VOL": "V", "VOLS": "V", "COPY": "C", "PART": "PT", "NR": "NO"}


def place(location: str | None, call_number: str | None, title: str = "", reference: str = "") -> Place:
    """Where something stands: sorts by location, then by call number; what has none comes last, by its title."""
    where, number = _plain(location or ""), _plain(call_number or "")
    beside, steps = read(number)
    # Of two that stand at the same place the texts decide, so that the order is always the same.
    last = (natural(_plain(title)), where, number, title, reference)
    return (not where, natural(where), not number, beside, steps, *last)


def read(call_number: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The mark of a shelf beside the run, if it bears one, and the steps of the call number proper."""
    call_number = _plain(call_number)
    if call_number.islower():
        call_number = call_number.upper()  # typed in haste: c662 is a cutter, and no copy
    if (steps := _classified(call_number)) is not None:
        return (), steps
    if (found := _WORD.match(call_number)) and found[1].upper() in BESIDE:
        steps = _classified(found[2])
        if steps is not None:
            return ((1, found[1].upper(), "", ""),), steps
    return (), natural(call_number)


def natural(text: str) -> tuple[Step, ...]:
    """Words and numbers as people read them: Level 2 stands before Level 10."""
    return tuple(
        _number(digits) if (digits := found[1]) else (1, found[0].upper(), "", "")
        for found in re.finditer(r"([0-9]+)|[^\W\d_]+", text)
    )


def _classified(call_number: str) -> tuple[Step, ...] | None:
    """A call number of one of the two great classifications; None for any other."""
    if found := _CONGRESS.fullmatch(call_number[:4].upper() + call_number[4:]):
        letters, number, decimals, rest = found.groups()
        if _begins_anew(rest):
            return (1, letters, "", ""), _number(number, decimals or ""), *_rest(rest)
    if found := _DEWEY.fullmatch(_PRIME_MARK.sub("", call_number)):
        number, decimals, rest = found.groups()
        if _begins_anew(rest):
            return _number(number, decimals or ""), *_rest(rest)
    return None


def _begins_anew(rest: str) -> bool:
    """Whether the class number ends where it seems to: 823rd and PR12-7 are none."""
    return not rest or rest[0] in " ./" or (rest[0].isascii() and rest[0].isupper())


def _rest(text: str) -> list[Step]:
    """What follows the class number: cutters, years, volumes, words."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _COUNTED.match(text, at)
        if found and (found[1] or text[at].islower() or _after_a_year(steps)):
            word = (found[1] or found[2]).upper()
            steps.append((1, _SAME_WORD.get(word, word), "", ""))
        elif found := _CUTTER.match(text, at):
            steps.append((1, found[1], found[2], found[3].upper()))
        elif found := _NUMBER.match(text, at):
            steps.append(_number(found[1], suffix=found[2].upper()))
        elif found := _LETTERS.match(text, at):
            steps.append((1, found[0].upper(), "", ""))
        at = found.end() if found else at + 1
    return steps


def _after_a_year(steps: list[Step]) -> bool:
    """V2 behind a year is a volume; anywhere else a capital with digits is a cutter."""
    return bool(steps) and steps[-1][0] == 0


def _number(digits: str, decimals: str = "", suffix: str = "") -> Step:
    # By length and then by digits: numbers of any length, and no limit of `int`.
    whole = digits.lstrip("0")
    return 0, len(whole), whole, decimals.rstrip("0"), suffix


def _plain(text: str) -> str:
    """One line, without accents: Österreich stands under O."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.split())
