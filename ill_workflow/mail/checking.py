"""Looks a library's own template over before it is kept: what passes here can't fail when a letter is sent.

A letter's template prints values, chooses by `if` and repeats by `for` what is a list already. Nothing else is allowed
in it, so that it always ends, stays short, and asks for nothing that is not there.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import fields, replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from traceback import walk_tb
from typing import Any, NoReturn

from jinja2 import TemplateSyntaxError, meta, nodes

from ill_workflow.errors import BadInput
from ill_workflow.mail.letters import (
    LONGEST_VALUE,
    MESSAGES,
    Entry,
    LetterValues,
    environment,
    fill,
    known_values,
)

LONGEST_TEMPLATE = 20_000
#: What an expression may come down to, at most.
MOST_ALTERNATIVES = 100
FILTERS = ("day", "join", "upper", "lower", "capitalize", "title", "trim", "length", "count", "default")
TESTS = ("none", "defined", "odd", "even")
#: What a template may know of the loop that it is in.
LOOP = ("index", "index0", "revindex", "first", "last", "length")
_LISTS = ("conditions", "lines", "notices")
_ENTRY = tuple(field.name for field in fields(Entry))
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
_EXPRESSIONS = (
    nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.CondExpr, nodes.Getattr, nodes.Concat, nodes.Tuple, nodes.List, nodes.Keyword,
)  # fmt: skip
_DAY = date(2026, 3, 31)
_LONG = "W" * (2 * LONGEST_VALUE)


def check_template(name: str, language: str, source: str) -> None:
    """Raises BadInput, with the line, for whatever is wrong with a template of this letter."""
    if len(source) > LONGEST_TEMPLATE:
        _refuse(None, f"The template has more than {LONGEST_TEMPLATE} characters, which are the most.")
    if any("\ud800" <= sign <= "\udfff" or (sign < " " and sign not in "\n\r\t") for sign in source):
        _refuse(None, "The template holds a control character, or half of one.")
    try:
        tree = environment(language).parse(source)
        _look_over(tree, name, language)
        _try_out(tree, name, language, source)
    except TemplateSyntaxError as wrong:
        _refuse(wrong.lineno, f"{(wrong.message or 'it is no template').rstrip('.')}.")
    except RecursionError:
        _refuse(None, "The template is nested too deeply.")


def values_for(name: str) -> list[str]:
    """The names of the values that a template of this letter can use."""
    return sorted(_samples(name, "en")[0])


def _look_over(tree: nodes.Template, name: str, language: str) -> None:
    """Refuse whatever is no plain printing, choosing or repeating."""
    known, loops = values_for(name), _loop_names(tree)
    for node in _all(tree):
        match node:
            case nodes.For():
                _check_loop(node, known)
            case nodes.Filter() if node.name not in FILTERS:
                _refuse(node.lineno, f"There is no filter “{node.name}”.{_near(node.name, FILTERS)}")
            case nodes.Test() if node.name not in TESTS:
                _refuse(node.lineno, f"There is no test “{node.name}”.{_near(node.name, TESTS)}")
            case nodes.Getattr():
                _check_part(node, loops)
            case nodes.CondExpr() if node.expr2 is None:
                _refuse(node.lineno, "An “if” inside of braces needs its “else”.")
            case nodes.Compare():
                _check_comparison(node)
            case _ if not isinstance(node, (*_STATEMENTS, *_EXPRESSIONS)):
                _refuse(
                    node.lineno,
                    f"A letter prints values, chooses by “if” and repeats by “for”; it can't do this: "
                    f"{type(node).__name__}.",
                )
    unknown = meta.find_undeclared_variables(tree) - set(known)
    for used in tree.find_all(nodes.Name):
        if used.name in unknown:
            _refuse(used.lineno, f"There is no value “{used.name}”.{_near(used.name, known)}")


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _all(child)


def _loop_names(tree: nodes.Template) -> dict[str, str]:
    """The names that loops give, and the list that each stands for."""
    return {
        loop.target.name: loop.iter.name
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name)
    }


def _check_loop(loop: nodes.For, known: Sequence[str]) -> None:
    lists = [name for name in _LISTS if name in known]
    if not isinstance(loop.iter, nodes.Name) or loop.iter.name not in lists:
        _refuse(loop.lineno, f"A letter repeats only what is a list: {', '.join(lists)}.")
    if loop.recursive or any(isinstance(inner, nodes.For) for inner in _all(loop)):
        _refuse(loop.lineno, "A loop inside of a loop is too much for a letter.")


def _check_part(node: nodes.Getattr, loops: dict[str, str]) -> None:
    owner = node.node.name if isinstance(node.node, nodes.Name) else ""
    parts = LOOP if owner == "loop" else _ENTRY if loops.get(owner) == "notices" else ()
    if node.attr not in parts:
        where = owner or "This"
        _refuse(node.lineno, f"“{where}” has no part “{node.attr}”.{_near(node.attr, parts)}")


def _check_comparison(node: nodes.Compare) -> None:
    """Greater and less are for numbers alone: a day that isn't set is neither."""
    for operand in node.ops:
        number = isinstance(operand.expr, nodes.Const) and isinstance(operand.expr.value, int)
        if operand.op in ("lt", "lteq", "gt", "gteq") and not number:
            _refuse(node.lineno, "Greater and less compare with a number, as in: level > 1.")


def _try_out(tree: nodes.Template, name: str, language: str, source: str) -> None:
    """Fill it with much and with little, and each of its parts as well, whether or not an `if` would reach it."""
    parts = nodes.Template(list(_each_part(tree.body)), lineno=1)
    parts.set_environment(environment(language))
    every_part = environment(language).from_string(parts)
    for known in _samples(name, language):
        try:
            every_part.render(known)
            letter = fill(name, language, source, known)
        except RecursionError:
            raise
        except Exception as wrong:
            trouble = wrong.__cause__ or wrong
            _refuse(_line_of(trouble), f"It fails for some letters: {trouble}.")
        if not letter.subject:
            _refuse(1, "This is the subject, and is empty for some letters.")
        if not letter.text.strip():
            _refuse(None, "Below the subject, which is the first line, the letter is empty for some letters.")


def _line_of(trouble: BaseException) -> int | None:
    """The line of the template in which it went wrong."""
    lines = [line for frame, line in walk_tb(trouble.__traceback__) if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else None


def _each_part(body: Sequence[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        match node:
            case nodes.Output():
                for child in node.nodes:
                    if not isinstance(child, nodes.TemplateData):
                        yield from _printed(child)
            case nodes.If():
                yield from _printed(node.test)
                yield from _each_part([*node.body, *node.elif_, *node.else_])
            case nodes.For():
                inner = [*(_printed(node.test) if node.test else ()), *_each_part(node.body)]
                yield nodes.For(node.target, node.iter, inner, [], None, False, lineno=node.lineno)
                yield from _each_part(node.else_)


def _printed(expression: nodes.Node) -> Iterator[nodes.Node]:
    """An expression and all that it consists of, each printed by itself, whatever is chosen in it."""
    for chosen in (expression, *_alternatives(expression)):
        yield nodes.Output([chosen], lineno=expression.lineno)
    for child in expression.iter_child_nodes():
        if isinstance(child, nodes.Operand):
            yield from _printed(child.expr)
        elif isinstance(child, nodes.Expr):
            yield from _printed(child)


def _alternatives(node: nodes.Node) -> list[nodes.Node]:
    """What an expression may come down to: `a if b else c` is `a` or `c`, and so is all that is done with it."""
    match node:
        case nodes.CondExpr():
            return _few(node, [_alternatives(part) for part in (node.expr1, node.expr2) if part is not None])
        case nodes.And() | nodes.Or():
            return _few(node, [_alternatives(node.left), _alternatives(node.right)])
    found = [node]
    for name, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            options = _alternatives(value)
            found = _few(node, [[_with(one, name, option) for option in options] for one in found])
        elif isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, nodes.Node):
                    lists = [[*value[:place], option, *value[place + 1 :]] for option in _alternatives(item)]
                    found = _few(node, [[_with(one, name, listed) for listed in lists] for one in found])
    if isinstance(node, nodes.Filter) and node.name == "default":
        found = _few(node, [found, *(_alternatives(value) for value in node.args)])
    return found


def _few(node: nodes.Node, groups: Sequence[Sequence[nodes.Node]]) -> list[nodes.Node]:
    found = [one for group in groups for one in group]
    if len(found) > MOST_ALTERNATIVES:
        _refuse(node.lineno, "There is too much to choose from in one expression. Use “if” blocks.")
    return found


def _with(node: nodes.Node, name: str, value: object) -> nodes.Node:
    other = copy(node)
    setattr(other, name, value)
    return other


@cache
def _samples(name: str, language: str) -> tuple[dict[str, Any], ...]:
    """The values of letters of this name with all that they may hold, and with no more than they must."""
    entry = Entry(_LONG, _LONG, _LONG)
    full_entry = replace(
        entry, subject=_LONG, author=_LONG, partner_name=_LONG, state_label="New", reason=_LONG, note=_LONG,
        amount="1.00 USD", due_date=_DAY, call_number=_LONG,
    )  # fmt: skip
    occasion = MESSAGES.get(name) or name.removeprefix("alert_")
    bare = LetterValues(
        reference="XPX-1", title="T", library_name="L", occasion=occasion, lines=(("a", "b"),), notices=(entry,)
    )
    full = LetterValues(
        reference="XPX-1", title=_LONG, author=_LONG, library_name="L", library_reply_to="a@b.example",
        library_address="1\n2", patron_name="P", pickup_location="D", partner_name="H", due_date=_DAY, return_by=_DAY,
        level=2, reason="NotOnShelf", note=f"1\n{_LONG}", amount="1.00 USD", link=_LONG, file=True, state_label="New",
        occasion=occasion, service="copy", need_by=_DAY, call_number=_LONG, item_barcode="1", partner_reference="P",
        conditions=("LibraryUseOnly", _LONG) * 10, lines=(("Note", _LONG),) * 30, notices=(full_entry, entry) * 25,
    )  # fmt: skip
    few = replace(full, notices=(full_entry, entry))
    letters = (full, bare, replace(few, level=0), replace(few, level=1), replace(bare, level=0))
    return tuple(known_values(name, values, language) for values in letters)


def _near(wrong: str, known: Sequence[str]) -> str:
    near = get_close_matches(wrong, known, 1, 0.6)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"{meant} Known: {', '.join(known)}." if known else meant


def _refuse(line: int | None, sentence: str) -> NoReturn:
    raise BadInput(f"Line {line}: {sentence}" if line else sentence, field="template")
