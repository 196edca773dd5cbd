"""Messages that somebody has broken, by accident or on purpose; and what has to be true of the answer to each.

The whole of it: `python -m tests.iso18626.hostile --folder FOLDER [--mutations 10000] [--seed 0]`. It takes some
minutes, names the slowest message and the memory that was needed, and fails at the first that is not answered as it
has to be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import CLOSED, NAMESPACE, Edition
from ill_workflow.iso18626.reading import Understood, Unreadable, read
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.values import NEVER, as_time
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import ConfirmationHeader, RequestConfirmation, SupplyingAgencyMessage
from ill_workflow.messages.kept import to_dict

#: Seconds that one message may take on a machine that is busy with other things, and megabytes that all of them may.
SLOWEST, MOST_MEMORY = 20.0, 1500


def answered(raw: bytes, content_type: str = "", schemas: Path | None = None) -> Understood | Unreadable:
    """Reads a message: it is understood and can be kept and passed on, or refused with an error that can be sent."""
    try:
        outcome: Understood | Unreadable = read(raw, content_type)
    except Unreadable as refused:
        outcome = refused
    if isinstance(outcome, Unreadable):
        assert outcome.error.errorType in CLOSED[Edition.Y2017]["errorType"]
        assert len(outcome.error.errorValue) < 500
        _is_valid(_refusal(outcome), schemas)
    else:
        assert len(outcome.forgiven) <= 51
        assert all(len(sentence) < 500 for sentence in outcome.forgiven)
        json.dumps(to_dict(outcome.message)).encode()
        try:
            _is_valid(outcome.message, schemas)
        except BadInput as wrong:
            _is_never_written(wrong, outcome)
    return outcome


def known_attacks(canary: str, address: str) -> Iterator[tuple[str, bytes]]:
    """Each by its name. `canary` is a file that nobody may read, `address` a URL that nobody may call."""
    inside = "<requestingAgencyRequestId>&x;</requestingAgencyRequestId>"
    for name, dtd in {
        "a file as an entity": f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{canary}">]>',
        "an address as an entity": f'<!DOCTYPE r [<!ENTITY x SYSTEM "{address}/x">]>',
        "an external DTD": f'<!DOCTYPE r SYSTEM "{address}/r.dtd">',
        "a public DTD": f'<!DOCTYPE r PUBLIC "-//x//y" "{address}/r.dtd">',
        "a parameter entity": f'<!DOCTYPE r [<!ENTITY % p SYSTEM "{address}/p.dtd"> %p;]>',
        "an entity": '<!DOCTYPE r [<!ENTITY x "y">]>',
        "a billion laughs": _laughs(),
        "a quadratic blow-up": f'<!DOCTYPE r [<!ENTITY x "{"a" * 50_000}">]>',
        "a default attribute": '<!DOCTYPE r [<!ATTLIST r version CDATA "1.2">]>',
    }.items():
        yield name, f"{dtd}<request><header>{inside}</header></request>".encode()
    yield "a billion laughs in use", f"{_laughs()}<request>{'&l9;' * 100}</request>".encode()
    yield (
        "an include",
        (
            f'<request xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file://{canary}"/></request>'
        ).encode(),
    )
    yield "a style sheet", f'<?xml-stylesheet href="{address}/s.xsl"?><request/>'.encode()
    yield (
        "a schema's place",
        (
            '<request xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{NAMESPACE} {address}/s.xsd"/>'
        ).encode(),
    )


def floods() -> Iterator[tuple[str, bytes]]:
    """Too much of something."""
    yield "100 MB", b"<request>" + b" " * 100_000_000
    yield "100,000 deep", b"<a>" * 100_000
    yield "100,000 deep inside", b"<request><header>" + b"<header>" * 100_000
    yield "many elements", b"<request>" + b"<a/>" * 400_000 + b"</request>"
    yield "many names", b"<request>" + b"".join(b"<a%d/>" % n for n in range(15_000)) + b"</request>"
    yield "many attributes", b"<request " + b" ".join(b'a%d="1"' % n for n in range(200_000)) + b"/>"
    yield "many namespaces", b"<request " + b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(100_000)) + b"/>"
    yield "a long name", b"<" + b"a" * 5_000_000 + b"/>"
    yield "a long text", _request(title="x" * 9_000_000)
    yield "many comments", b"<request>" + b"<!-- -->" * 500_000 + b"</request>"
    yield "many instructions", b"<request>" + b"<?a b?>" * 500_000 + b"</request>"
    yield "many pieces of text", _request(title="<![CDATA[x]]>y" * 100_000)
    yield "many titles", _request(title="a</title><title>b</title><title>" * 5_000)
    yield "a large number", _request(extra=f"<supplierInfo><sortOrder>{'9' * 1_000_000}</sortOrder></supplierInfo>")
    yield "a large amount", _request(extra=_maximum("9" * 1_000_000))
    yield "a tiny amount", _request(extra=_maximum(f"0.{'0' * 100_000}1"))
    yield "an exponent", _request(extra=_maximum("1E999999999"))
    yield "no number", _request(extra=_maximum("NaN"))
    yield "a long date", _request(timestamp="2026-01-01T00:00:00." + "1" * 1_000_000 + "Z")
    yield "nothing", b""
    yield "blanks", b" \n " * 1000


def in_other_bytes(raw: bytes) -> Iterator[tuple[str, bytes, str]]:
    """The same message in right and wrong encodings: its name, its bytes, and with which content type it comes."""
    text = raw.decode().partition("?>")[2] if raw.startswith(b"<?xml") else raw.decode()
    for name in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1", "windows-1252", "cp037", "utf-7"):
        for declared in (None, name, "utf-8", "utf-16", "ascii", "no-such", "zip", "unicode_escape"):
            head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
            for content_type in (
                "",
                "application/xml",
                "text/xml; charset=iso-8859-1",
                "text/xml; charset=utf-16",
                "x;;=",
            ):
                yield f"{name} as {declared}, {content_type}", (head + text).encode(name, "ignore"), content_type
    for bom in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"):
        yield f"with the mark {bom!r}", bom + raw, ""
    middle = len(raw) // 2
    for bad in (
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xc0\x80",
        b"\x1b",
        b"&#0;",
        b"&#xD800;",
    ):
        yield f"with {bad!r}", raw[:middle] + bad + raw[middle:], "application/xml"


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """The message with one to four things done to its bytes; or to its elements, so that it is XML still."""
    mutations = chance.choice([_MUTATIONS, (_replant,)])
    for _ in range(chance.randint(1, 4)):
        raw = mutations[chance.randrange(len(mutations))](raw, chance)
    return raw


def _replant(raw: bytes, chance: random.Random) -> bytes:
    """An element goes, comes again, moves, changes its name, or says something else."""
    root = etree.fromstring(raw)
    elements = list(root.iter())
    one, other = chance.choice(elements), chance.choice(elements)
    match chance.randrange(6):
        case 0 if one is not root:
            one.getparent().remove(one)
        case 1:
            other.append(deepcopy(one))
        case 2 if one is not root:
            other.addprevious(deepcopy(one)) if other is not root else root.append(deepcopy(one))
        case 3:
            one.tag = chance.choice(
                [other.tag, etree.QName(other).localname, "{urn:other}" + etree.QName(one).localname]
            )
        case 4:
            one.set(f"{{{NAMESPACE}}}scheme", "x")
        case _:
            nasty = chance.choice(_NASTY).decode("latin-1")
            one.text = "".join(sign for sign in nasty if sign >= " ")
    return etree.tostring(root)


def _flip(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :]


def _cut(raw: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    return raw[:start] + raw[min(end, start + 200) :]


def _repeat(raw: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    return raw[:end] + raw[start:end] + raw[end:]


def _insert(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + chance.choice(_NASTY) + raw[place:]


def _replace_text(raw: bytes, chance: random.Random) -> bytes:
    """What stands between two tags, or a tag, is another."""
    pieces = raw.split(b"<")
    if len(pieces) > 2:
        place = chance.randrange(1, len(pieces))
        tag, _, text = pieces[place].partition(b">")
        pieces[place] = tag + b">" + chance.choice(_NASTY) if chance.random() < 0.7 else tag[::-1] + b">" + text
    return b"<".join(pieces)


def _move_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    if not lines:
        return raw
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.randrange(3)):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return b"".join(lines)


def _rename(raw: bytes, chance: random.Random) -> bytes:
    old, new = (chance.choice(_WORDS) for _ in range(2))
    return raw.replace(old, new, chance.choice([-1, 1, 2]))


_MUTATIONS = (_flip, _cut, _repeat, _insert, _replace_text, _replace_text, _move_lines, _move_lines, _rename)
_NASTY = (
    b"", b" ", b"\x00", b"&amp;", b"&x;", b"&#x10FFFF;", b"\xc3\xa9", b"\xe9", b"<a>", b"</a>", b"<!--", b"]]>",
    b"<![CDATA[", b"<!DOCTYPE a>", b"<?xml version='1.1'?>", b"Y", b"No", b"true", b"maybe", b"-1", b"1e9", b"NaN",
    b"9" * 5000, b"2026-02-30T25:61:61Z", b"0001-01-01T00:00:00.000Z", b"9999-12-31T23:59:59.999999-14:00",
    b"2026-01-01", b"+0000", b"12,50", b"Loaned", b"HoldReturn", b"Retry", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\r",
    b"<status>Loaned</status>", b"<dueDate>soon</dueDate>", b"<retryInfo><offeredCosts/></retryInfo>",
    b"<URL>javascript:alert(1)</URL>", b"<answerYesNo>Yes</answerYesNo>", b"<volume>1</volume><volume>2</volume>",
)  # fmt: skip
_WORDS = (
    b"header", b"status", b"request", b"action", b"note", b"timestamp", b"illtransactions", b"agencyIdValue", b"scheme",
    b"supplyingAgencyMessage", b"requestingAgencyMessage", b"ISO18626Message", b"Confirmation", b"xmlns", b"version",
    b"bibliographicInfo", b"loanCondition", b"dueDate", b"URL", b"itemId", b"reasonForMessage", b"Info", b"utf-8",
)  # fmt: skip


def _request(*, title: str = "Walden", extra: str = "", timestamp: str = "2026-01-01T00:00:00Z") -> bytes:
    agency = "<agencyIdType>ISIL</agencyIdType><agencyIdValue>{}</agencyIdValue>"
    return (
        f'<ISO18626Message xmlns="{NAMESPACE}" version="1.2"><request><header>'
        f"<supplyingAgencyId>{agency.format('S')}</supplyingAgencyId>"
        f"<requestingAgencyId>{agency.format('R')}</requestingAgencyId>"
        f"<timestamp>{timestamp}</timestamp><requestingAgencyRequestId>R-1</requestingAgencyRequestId></header>"
        f"<bibliographicInfo><title>{title}</title></bibliographicInfo>"
        f"<serviceInfo><serviceType>Loan</serviceType></serviceInfo>{extra}</request></ISO18626Message>"
    ).encode()


def _maximum(amount: str) -> str:
    costs = f"<currencyCode>USD</currencyCode><monetaryValue>{amount}</monetaryValue>"
    return f"<billingInfo><maximumCosts>{costs}</maximumCosts></billingInfo>"


def _laughs() -> str:
    deeper = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY l0 "ha"><!ENTITY x "&l9;">{deeper}]>'


def _refusal(refused: Unreadable) -> RequestConfirmation:
    header = refused.header
    return RequestConfirmation(
        confirmationHeader=ConfirmationHeader(
            supplyingAgencyId=header.supplyingAgencyId, requestingAgencyId=header.requestingAgencyId,
            timestamp=as_time(header.timestamp) or NEVER, requestingAgencyRequestId=header.requestingAgencyRequestId,
            multipleItemRequestId=header.multipleItemRequestId, timestampReceived=datetime(2026, 1, 1, tzinfo=UTC),
            messageStatus="ERROR",
        ),
        errorData=(refused.error,),
    )  # fmt: skip


def _is_never_written(wrong: BadInput, understood: Understood) -> None:
    """Two words are understood that we don't write: no status at all, and in a confirmation an unknown error."""
    answer = isinstance(understood.message, SupplyingAgencyMessage)
    assert wrong.field == ("status" if answer else "errorType"), wrong.message


def _is_valid(message: object, schemas: Path | None) -> None:
    for edition in Edition:
        raw = write(message, edition)
        if schemas is not None:
            assert validate(raw, edition, schemas) == []


def _whole(folder: Path, mutations: int, seed: int) -> None:
    samples = {path.stem: path.read_bytes() for path in sorted((folder / "samples").glob("*.xml"))}
    chance = random.Random(seed)
    names = sorted(samples)
    sets = {
        "attacks": ((n, raw, "") for n, raw in known_attacks("/etc/hostname", "http://127.0.0.1:9")),
        "floods": ((n, raw, "") for n, raw in floods()),
        "encodings": (one for raw in samples.values() for one in in_other_bytes(raw)),
        "mutated": ((f"mutation {n}", mutated(samples[chance.choice(names)], chance), "") for n in range(mutations)),
        "truncated": ((f"{n} to {end}", raw[:end], "") for n, raw in samples.items() for end in range(len(raw))),
    }
    for kind, messages in sets.items():
        counted: Counter[str] = Counter()
        slowest, which, began = 0.0, "", time.perf_counter()
        for name, raw, content_type in messages:
            at = time.perf_counter()
            outcome = answered(raw, content_type, folder)
            took = time.perf_counter() - at
            slowest, which = max((slowest, which), (took, name))
            counted["understood" if isinstance(outcome, Understood) else outcome.error.errorType] += 1
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        found = ", ".join(f"{name} {count}" for name, count in counted.most_common())
        print(f"{kind}: {counted.total()} in {time.perf_counter() - began:.1f} s: {found}")
        print(f"  slowest: {which}, {slowest * 1000:.1f} ms; memory at most: {memory} MB", flush=True)
        assert slowest < SLOWEST, which
        assert memory < MOST_MEMORY


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description="Reads hostile messages of ISO 18626.")
    wanted.add_argument(
        "--folder", type=Path, default=os.environ.get("ILL_ISO18626") or None, help="schemas and samples"
    )
    wanted.add_argument("--mutations", type=int, default=10_000)
    wanted.add_argument("--seed", type=int, default=0)
    given = wanted.parse_args()
    if not given.folder:
        wanted.error("--folder or ILL_ISO18626 has to name the folder of schemas and samples")
    _whole(given.folder, given.mutations, given.seed)
