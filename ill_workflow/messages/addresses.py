"""An address as people write it, line by line, in the parts that the standard has for it."""

import re

from ill_workflow.messages.content import PhysicalAddress

#: How a line names a place with its code: `Chicago, IL 60605`, `D-20146 Hamburg`, `London WC1E 7HU`.
_PLACES = (
    re.compile(r"(?P<locality>[^\d,]+?),?\s+(?P<region>[A-Z]{2})\s+(?P<code>\d{5}(?:-\d{4})?)"),
    re.compile(r"(?P<locality>[^\d,]+?),?\s+(?P<region>[A-Z]{2})\s+(?P<code>[A-Z]\d[A-Z]\s?\d[A-Z]\d)"),
    re.compile(r"(?P<code>(?:[A-Z]{1,2}-)?\d{4,5}|\d{3}\s\d{2})\s+(?P<locality>[^\d]+)"),
    re.compile(r"(?P<locality>[^\d,]+?),?\s+(?P<code>[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})"),
)


def split(text: str) -> PhysicalAddress | None:
    """The parts of an address; what is not known as one of them stays in its first two lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    for place, line in list(enumerate(lines))[1:][-2:]:
        found = next((match for pattern in _PLACES if (match := pattern.fullmatch(line))), None)
        if found is not None:
            parts = found.groupdict()
            return PhysicalAddress(
                line1=lines[0], line2="\n".join(lines[1:place]), locality=parts["locality"].strip(),
                postalCode=parts["code"], region=parts.get("region") or "", country="\n".join(lines[place + 1 :]),
            )  # fmt: skip
    return PhysicalAddress(line1=lines[0], line2="\n".join(lines[1:]))
