"""Whether a message is valid by the official schema of an edition, where an installation has the schemas."""

from functools import cache
from pathlib import Path
from threading import Lock

from lxml import etree

from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.parsing import Malformed, parse

#: The names of the official files.
SCHEMAS = {Edition.Y2017: "ISO-18626-v1_2.xsd", Edition.Y2021: "ISO-18626-2021-2.xsd"}

#: Characters of a line: values are quoted in it.
LONGEST = 400


def validate(raw: bytes, edition: Edition, folder: Path) -> list[str]:
    """What is wrong with a message by the schema of an edition, a line each; none if it is valid.

    Raises BadInput where the folder doesn't have the schema.
    """
    schema = _schema(folder / SCHEMAS[edition])
    try:
        root = parse(raw).root
    except Malformed as wrong:
        return [f"The message {wrong.why}."]
    with _ONE_AT_A_TIME:
        schema.validate(root.getroottree())
        entries = list(schema.error_log)
    # The prefix of the namespace makes the lines longer and says nothing.
    lines = [f"line {entry.line}: {entry.message}".replace(_PREFIX, "")[:LONGEST] for entry in entries]
    return list(dict.fromkeys(lines))


#: A schema keeps what it found last.
_ONE_AT_A_TIME = Lock()
_PREFIX = "{http://illtransactions.org/2013/iso18626}"


@cache
def _schema(path: Path) -> etree.XMLSchema:
    try:
        return etree.XMLSchema(etree.fromstring(path.read_bytes(), _parser()))
    except OSError as trouble:
        raise BadInput(f"{path} can't be read: {trouble.strerror}.", field="ILL_ISO18626") from None
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as trouble:
        raise BadInput(f"{path} is no schema: {trouble}", field="ILL_ISO18626") from None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
