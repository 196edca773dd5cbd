"""The words of a language: read from its catalog, with those that letters have already."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from ill_workflow.mail.sentences import in_words, words_of
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

FOLDER = Path(__file__).parent / "locales"
#: Marks a text in a catalog in which values stand already when it is shown.
SENTENCE = "a sentence with values in it"
_VALUE = re.compile(r"\{\w*\}")
_JOINTS = re.compile(r"(, | or | and )")
_END = re.compile(r"(?<=[.!?]) +")
#: So many letters of its own a sentence needs, to be told from others by them.
_ENOUGH = 6
#: No text of ours is longer, or of more sentences: to look for ours in whatever somebody typed would never end.
_LONGEST, _MOST = 4000, 30


@dataclass(frozen=True)
class Sentence:
    """A sentence with names for values, recognised with whatever values stand in it."""

    text: str
    pattern: re.Pattern[str]
    literal: str  #: its longest part without a value: what has no such part is no such sentence
    names: tuple[str, ...]
    said: str
    short: bool  #: too few words of its own: recognised where one of its values is a word of the tables


@dataclass(frozen=True, eq=False)
class Catalog:
    """What is said in a language."""

    words: Mapping[str, str]
    plurals: Mapping[str, tuple[str, ...]]
    sentences: tuple[Sentence, ...]  #: those with the most words of their own first

    def say(self, text: str) -> str | None:
        """A text in this language; None for what isn't known."""
        known = self.words.get(text)
        return known if known is not None or len(text) > _LONGEST else _say_parts(self, text)


@cache
def catalog(language: str) -> Catalog:
    return _read(language, from_elsewhere(language))


@cache
def patterns_of(language: str, say: Callable[[str], str]) -> Catalog:
    """Of that language's catalog the words and the sentences with values, said as `say` does."""
    sentences = [replace(each, said=say(each.text)) for each in catalog(language).sentences]
    return Catalog({text: say(text) for text in catalog(language).words}, {}, tuple(sentences))


def from_elsewhere(language: str) -> dict[str, str]:
    """Words that letters say too: they stand there, and only there."""
    words = words_of(language)
    if words.language != language:
        return {}
    found = dict(words.codes) | {in_words(code): said for code, said in words.codes.items()}
    found |= {**words.values, **words.labels}
    english = words_of("en")
    for of_english, of_this in (
        (english.subjects, words.subjects), (english.alerts, words.alerts), (english.messages, words.messages),
    ):  # fmt: skip
        found |= {said: of_this[name] for name, said in of_english.items() if name in of_this}
    for lifecycle in (LENDING, BORROWING):
        found |= {s.label: words.states[s.name] for s in lifecycle.states if s.name in words.states}
    return found


def _read(language: str, elsewhere: Mapping[str, str]) -> Catalog:
    words, plurals, sentences = dict(elsewhere), dict[str, tuple[str, ...]](), list[Sentence]()
    with (FOLDER / f"{language}.po").open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id]
    for message in messages:
        if isinstance(message.id, str):
            if said := str(message.string):
                words[message.id] = said
            if SENTENCE in message.auto_comments:
                sentences.extend(_sentence(message.id, said or message.id))
        elif isinstance(message.string, tuple | list) and all(message.string):
            plurals[message.id[0]] = tuple(message.string)
    sentences.sort(key=lambda sentence: -len(sentence.pattern.pattern))
    return Catalog(words, plurals, tuple(sentences))


def _sentence(text: str, said: str) -> Iterator[Sentence]:
    literals = _VALUE.split(text)
    letters = sum(c.isalpha() for literal in literals for c in literal)
    if letters:
        pattern = "(.+?)".join(map(re.escape, literals))
        names = tuple(name[1:-1] for name in _VALUE.findall(text))
        yield Sentence(text, re.compile(pattern, re.DOTALL), max(literals, key=len), names, said, letters < _ENOUGH)


@lru_cache(maxsize=4096)
def _say_parts(catalog: Catalog, text: str) -> str | None:
    """A text of one or more sentences: the longest that is known first, and what isn't known as it is."""
    ends = [found.start() for found in _END.finditer(text)]
    if len(ends) > _MOST:
        return _say_one(catalog, text, whole=True)
    # A value may hold the end of a sentence ("St. Paul"), but several sentences are more likely.
    for whole in (False, True):
        for end in (len(text), *reversed(ends)):
            first, rest = _say_one(catalog, text[:end], whole), text[end:].lstrip(" ")
            if first is not None:
                return f"{first} {catalog.say(rest) or rest}" if rest else first
    if ends:
        known = catalog.say(text[ends[0] :].lstrip(" "))
        return None if known is None else f"{text[: ends[0]]} {known}"
    return None


def _say_one(catalog: Catalog, text: str, whole: bool) -> str | None:
    """One sentence; `whole`: with values in which a sentence may end."""
    if text in catalog.words:
        return catalog.words[text]
    for sentence in catalog.sentences:
        if sentence.literal in text and (found := sentence.pattern.fullmatch(text)):
            if not whole and any(_END.search(value) for value in found.groups()):
                continue
            if sentence.short and not any(value in catalog.words for value in found.groups()):
                continue
            values = dict(zip(sentence.names, (_value(catalog, value) for value in found.groups()), strict=True))
            return _fill(sentence.said, values)
    return None


def _fill(said: str, values: Mapping[str, str]) -> str:
    return _VALUE.sub(lambda name: values.get(name[0][1:-1], name[0]), said)


def _value(catalog: Catalog, value: str) -> str:
    """A value as it is, but for words of the tables: one, or several with commas and a last "or"."""
    parts = _JOINTS.split(value)
    if all(part in catalog.words for part in parts[::2]):
        return "".join(_joint(catalog, part) if n % 2 else catalog.words[part] for n, part in enumerate(parts))
    return value


def _joint(catalog: Catalog, joint: str) -> str:
    word = joint.strip()
    return joint if word == "," else f" {catalog.words.get(word, word)} "
