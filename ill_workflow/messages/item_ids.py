"""What stands in an `itemId`: a barcode, or all that a system knows of the item in one text."""

from ill_workflow.messages.marks import Piece

_SEVERAL = "multivol:"


def read_item_id(text: str) -> Piece:
    """Barcode, call number and title, of whichever of these forms it has:

    `barcode`; `name##callNumber##barcode`; `barcode,callNumber,title`; `multivol:name,callNumber,barcode`, where the
    call number may be missing, and the parts may also be told apart by `##`.
    """
    said = text.strip()
    several = said.lower().startswith(_SEVERAL)
    said = said[len(_SEVERAL) :].strip() if several else said
    if "##" in said:
        name, *middle = (part.strip() for part in said.split("##"))
        return Piece(middle[-1], " ".join(filter(None, middle[:-1])), name)
    parts = [part.strip() for part in said.split(",")]
    if several and len(parts) > 1:
        return Piece(parts[-1], ", ".join(filter(None, parts[1:-1])), parts[0])
    if len(parts) > 1 and parts[0] and " " not in parts[0]:
        return Piece(parts[0], parts[1], ", ".join(parts[2:]))
    return Piece(said)
