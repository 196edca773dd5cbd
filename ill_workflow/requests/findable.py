"""By which words a request is found, and how it is put in order: the same on every database."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from stdnum import isbn as isbn_number

from ill_workflow.requests.fields import as_isbn

#: Words of a request that are kept, and characters of a word: a search by more finds what begins like that.
MOST_WORDS, LONGEST_WORD = 80, 40
#: Characters of a title or name by which it is put in order.
LONGEST_KEY = 60
#: Behind everything that begins with a word.
LAST = "\U0010ffff"

#: Letters that no decomposition makes plain ones.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "’": "'", "ʻ": "'"}
)
_PART = re.compile(r"[^\W_]+")
#: Scripts that put no blank between words: each place in them may begin one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def fold(text: str) -> str:
    """A text without capitals and accents."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    # Once more: what folding has taken apart may bear accents of its own.
    folded = unicodedata.normalize("NFKD", bare.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c)).translate(_PLAIN)


def sort_key(text: str) -> str:
    """By what a title or a name is put in order: without accents, and without what stands before its first word."""
    return " ".join(_PART.findall(fold(text)))[:LONGEST_KEY]


def words_of_text(text: str | None) -> Iterator[str]:
    """The words of a title or a name; `O'Neill` is found as oneill and as neill."""
    for token in fold(text or "").split():
        parts = _PART.findall(token)
        yield from _kept(["".join(parts), *(parts if len(parts) > 1 else ())])


def words_of_code(code: str | None) -> Iterator[str]:
    """A reference, barcode or number, with its hyphens and without: 978-0-14 is found as 978014."""
    yield from words_of_text(code)
    if len((code or "").split()) > 1:
        yield from _kept(["".join(_PART.findall(fold(code or "")))])


def wanted_words(typed: str) -> list[str]:
    """What is looked for: a request has to have a word that begins with each of these."""
    found = []
    for token in fold(typed).split():
        word = "".join(_PART.findall(token))
        if isbn_number.isbn_type(word.upper()) == "ISBN10":
            word = as_isbn(word)  # kept with thirteen digits
        found.append(word[:LONGEST_WORD])
    return list(dict.fromkeys(word for word in found if word))


def distinct(words: Iterable[str]) -> list[str]:
    """Each once, as many as are kept."""
    return list(dict.fromkeys(words))[:MOST_WORDS]


def _kept(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word:
            yield word[:LONGEST_WORD]
        for found in _UNSPACED.finditer(word):
            if found.start():
                yield word[found.start() : found.start() + LONGEST_WORD]
