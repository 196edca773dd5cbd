"""Gathers all that the console says: what stands in pages, in the tables, and in the sentences of what can go wrong.

`python docs/words.py` writes the new ones into the catalogs of the other languages, where somebody translates them.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from ill_workflow import errors
from ill_workflow.lists import library_list, partner_list, requests_in
from ill_workflow.lists.sheet import Column
from ill_workflow.mail.letters import LETTERS, MESSAGES
from ill_workflow.requests.by import TOLD_BY
from ill_workflow.web.catalogs import FOLDER, SENTENCE, catalog, from_elsewhere
from ill_workflow.web.console.letters import plain_label
from ill_workflow.wire_vendors import KNOWN_VENDORS
from state_machines import guards
from state_machines.borrowing import BORROWING
from state_machines.declaration import Guard, Input, Lifecycle
from state_machines.lending import LENDING
from state_machines.refusals import WHO

ROOT = Path(__file__).parent.parent
REFUSALS = "state_machines/refusals.py"
#: Doors that don't speak through the console.
SILENT = (
    "ill_workflow/cli/",
    "ill_workflow/config.py",
    "ill_workflow/demo/",
    "ill_workflow/migrations/",
    "ill_workflow/mail/words_",
    "ill_workflow/bootstrap.py",
    "ill_workflow/db.py",
    "ill_workflow/web/browsers.py",
    "ill_workflow/web/flower.py",
    "ill_workflow/web/api/",
    "ill_workflow/web/iso18626.py",
    "ill_workflow/mock_partner/",
    "state_machines/checks.py",
    "state_machines/render.py",
    "state_machines/declaration.py",
)
#: What letters, slips and messages say is said by them alone; of these only what can go wrong is for the console.
ELSEWHERE = (
    "ill_workflow/mail/", "ill_workflow/slips/", "ill_workflow/messages/", "ill_workflow/iso18626/",
    "ill_workflow/lists/", "state_machines/borrowing.py", "state_machines/lending.py",
)  # fmt: skip
#: Prose: begins with a capital, or with a value, and goes on in small letters.
_PROSE = re.compile(r"(?:[A-Z][a-z’']+|I[tsfn]+|A|No|\d+|“?\{\w+\}”?)(?:[,:;.!?]? .*|[.:]?)", re.DOTALL)
_CODE = re.compile(r"[<>_=|\n]|--")
PAGES = [("**.html", "jinja2")]


@dataclass(frozen=True)
class Said:
    """A text, where it is from, and for one that depends on a number how it is said of many."""

    text: str
    where: str
    many: str | None = None
    composed: bool = False  #: values stand in it already when it is shown


def everything() -> list[Said]:
    """All texts, each once, in an order that stays."""
    found: dict[tuple[str, str | None], Said] = {}
    for said in (*_pages(), *_tables(), *_sentences()):
        if not re.sub(r"\{\w*\}", "", said.text).strip():
            continue
        before = found.get((said.text, said.many))
        if before is None or (said.composed and not before.composed):
            found[said.text, said.many] = said
    singles = {said.text for said in found.values() if said.many}
    return sorted(
        (said for said in found.values() if said.many or said.text not in singles), key=lambda s: (s.where, s.text)
    )


def _pages() -> Iterator[Said]:
    """What goes through `_` and `ngettext` in templates and in Python."""
    options = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
    place = ROOT / "ill_workflow" / "web"
    for file, _line, text, _comments, _context in extract_from_dir(place, PAGES, options, keywords=_KEYWORDS):
        one, many = text if isinstance(text, tuple) else (text, None)
        yield Said(one, f"web/{file}", many)
    for path in sorted(place.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"web/{path.relative_to(place).as_posix()}"
            match node:
                case ast.Call(func=ast.Name(id="_" | "N_"), args=[text]):
                    yield from (Said(each, where) for each in _texts(text))
                case ast.Call(func=ast.Name(id="ngettext"), args=[ast.Constant() as one, ast.Constant() as many, _]):
                    yield Said(str(one.value), where, str(many.value))


#: What became of a mail.
FATES = ("waiting", "sent", "uncertain", "refused", "given up", "withdrawn", "skipped", "no address")
#: Whose turn it is in a rota.
TURNS = ("asked", "current", "next", "skipped")
#: Words of lists between values.
JOINTS = ("or", "and")
_KEYWORDS = {"_": None, "ngettext": (1, 2), "N_": None}


def _tables() -> Iterator[Said]:
    """The words of the tables: whatever they show to people."""
    for lifecycle in (LENDING, BORROWING):
        for text in _words_of(lifecycle):
            yield Said(text, "tables")
    for value in vars(guards).values():
        if isinstance(value, Guard):
            yield Said(value.otherwise, "tables", composed="{" in value.otherwise)
    for column in _columns():
        yield from (Said(text, "lists") for text in (column.title, column.help, column.about, column.group) if text)
    for vendor in KNOWN_VENDORS.values():
        yield Said(vendor.called, "partners")
    for name in set(LETTERS) - set(MESSAGES):
        yield Said(plain_label(name), "letters")
    for fate in FATES:
        yield Said(fate, "letters")
    for word in (*TOLD_BY, *(f"by {way}" for way in TOLD_BY), "on paper", *TURNS):
        yield Said(word, "requests")
    for word in (*WHO.values(), "the system", *JOINTS):
        yield Said(word, "tables")


def _columns() -> Iterator[Column]:
    for module in (partner_list, library_list, requests_in):
        for value in vars(module).values():
            for each in value if isinstance(value, tuple) else ():
                if isinstance(each, Column):
                    yield each


def _words_of(lifecycle: Lifecycle) -> Iterator[str]:
    for state in lifecycle.states:
        yield state.label
    for group in lifecycle.groups:
        yield group.replace("_", " ").capitalize()
    for row in lifecycle.actions:
        yield row.label
        for asked in row.needs:
            yield from _shown(asked)


def _shown(asked: Input) -> Iterator[str]:
    yield asked.label
    yield from asked.choices
    if asked.hint:
        yield asked.hint


def _sentences() -> Iterator[Said]:
    """What can go wrong: the sentences of errors, with names for the values in them; and why an action is refused."""
    kinds = {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.IllError)
    }
    for kind in sorted(kinds):
        yield Said((getattr(errors, kind).__doc__ or "").strip(), "errors")
    for package in ("ill_workflow", "state_machines"):
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            if not where.startswith(SILENT):
                yield from _sentences_of(ast.parse(path.read_text(encoding="utf-8")), where, kinds)


def _sentences_of(tree: ast.Module, where: str, kinds: set[str]) -> Iterator[Said]:
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and any(_name(b) in kinds for b in n.bases)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "Phrase" and node.args:
            yield from (Said(text, where) for text in _texts(node.args[0]))
        if isinstance(node, ast.Call) and _name(node.func) in kinds | own and node.args:
            for text in _texts(node.args[0]):
                yield Said(text, where, composed="{" in text)
    if not where.startswith(ELSEWHERE):
        yield from _prose(tree, where)
    if where == REFUSALS:
        inside = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in ast.walk(n) if part != n}
        prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inside | prose:
                yield from (Said(text, where, composed="{" in text) for text in _texts(node) if text.endswith("."))


def _prose(tree: ast.Module, where: str) -> Iterator[Said]:
    """Whatever stands in the code as people say it: labels in tables, and answers with values in them."""
    silent = {id(part) for n in ast.walk(tree) if _is_silent(n) for part in ast.walk(n)}
    inside = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in ast.walk(n) if part != n}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inside | silent:
            for text in _texts(node):
                words = re.sub(r"\{\w*\}", "", text)
                is_prose = _PROSE.fullmatch(text) and (sum(map(str.isalpha, words)) > 2 or text == "No")
                if is_prose and not _CODE.search(words):
                    yield Said(text, where, composed=isinstance(node, ast.JoinedStr))


#: What makes nothing that is read, or goes through the catalogs anyway.
_CALLS = ("cast", "_", "ngettext", "N_", "Field", "mapped_column", "relationship", "TypeVar")


def _is_silent(node: ast.AST) -> bool:
    """Docstrings, what is logged, what names columns, types, headers and the like."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.AnnAssign(value=None):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "sa" | "op" | "re"))):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _CALLS
        case ast.FunctionDef(returns=ast.Constant()):
            return False
    return False


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may come to, with `{name}` where a value will stand."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _texts(each)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield _pattern(node.values)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for left in _texts(node.left):
            yield from (left + right for right in _texts(node.right))


def _pattern(parts: list[ast.expr]) -> str:
    made, seen = "", list[str]()
    for part in parts:
        if isinstance(part, ast.Constant):
            made += str(part.value).replace("{", "(").replace("}", ")")
        elif isinstance(part, ast.FormattedValue):
            name = re.sub(r"\W+", "_", _name(part.value) or "value").strip("_") or "value"
            seen.append(name)
            made += "{" + (name if seen.count(name) == 1 else f"{name}{seen.count(name)}") + "}"
    return made


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ("str", "len", "repr"):
            return _name(first)
        case ast.Call(func=ast.Attribute(attr="join"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=function):
            return _name(function)
        case ast.Subscript(value=value):
            return _name(value)
        case ast.IfExp(body=body):
            return _name(body)
        case ast.GeneratorExp(elt=element):
            return _name(element)
    return ""


def untranslated(language: str) -> list[str]:
    """What has no words in that language yet."""
    known = catalog(language)
    return [each.text for each in everything() if each.text not in (known.plurals if each.many else known.words)]


def update(language: str) -> None:
    """Bring a catalog up to what is said now. What isn't said any more goes."""
    path = FOLDER / f"{language}.po"
    before, now = read_po(path.open("rb"), locale=language), Catalog(locale=language)
    elsewhere = from_elsewhere(language)
    for said in everything():
        key = (said.text, said.many) if said.many else said.text
        if key not in elsewhere:
            known = before.get(key)
            words = known.string if known else (("", "") if said.many else "")
            now.add(key, words, locations=[(said.where, None)], auto_comments=[SENTENCE] if said.composed else ())
    with path.open("wb") as file:
        write_po(file, now, omit_header=True, include_lineno=False, width=116)


if __name__ == "__main__":
    for each in sorted(path.stem for path in FOLDER.glob("*.po")):
        update(each)
        for text in untranslated(each):
            print(f"{each}: {text}")
