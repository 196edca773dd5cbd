"""Goes over the console as somebody does who follows every link."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from lxml import html
from starlette.routing import compile_path

from tests.plugins.visiting import Page

#: Which links lead to pages: of anchors, of forms that only ask, and what htmx fetches.
LINKS = "//a/@href | //form[not(@method) or @method='get']/@action | //*/@hx-get | //iframe/@src | //img/@src"
#: What is asked by programs, not read by people.
NO_PAGES = re.compile(r"/static/|/api/|/flower|/live$|/changes$|/healthz$|/readyz$|/metrics$|\{path:path\}")


@dataclass(frozen=True)
class Stop:
    """A page that was seen: its address, and the route that made it."""

    route: str
    address: str
    text: str  #: as HTML; empty for a file, and for one that sends on

    @property
    def tree(self) -> html.HtmlElement:
        return html.fromstring(self.text)


def walk(app: FastAPI, page: Page, start: str = "/", *, each: int = 4) -> list[Stop]:
    """All that can be reached by links, and at most `each` pages of one route. What isn't there fails."""
    routes = {path: compile_path(path)[0] for path in pages_of(app)}
    todo, known, seen, stops = deque([start]), {start}, Counter[str](), list[Stop]()
    while todo:
        address = todo.popleft()
        route = next((path for path, pattern in routes.items() if pattern.match(urlsplit(address).path)), "")
        assert route or NO_PAGES.search(address), f"a link to {address}, which is no page"
        if not route or seen[route] >= each:
            continue
        seen[route] += 1
        answer = page.get(address)
        if answer.is_redirect:
            stops.append(Stop(route, address, ""))
            found = [answer.headers["location"]]
        else:
            assert answer.status_code == 200, f"{address}: {answer.status_code} {_words(answer.text)}"
            is_page = answer.headers["content-type"].startswith("text/html")
            stops.append(Stop(route, address, answer.text if is_page else ""))
            found = html.fromstring(answer.text).xpath(LINKS) if is_page and answer.text.strip() else []
        for link in found:
            there = urljoin(f"http://testserver{address}", link)
            if urlsplit(there).netloc == "testserver":
                clean = there.removeprefix("http://testserver").partition("#")[0]
                if clean not in known:
                    known.add(clean)
                    todo.append(clean)
    return stops


def pages_of(app: FastAPI) -> list[str]:
    """The routes that people read, those with the fewest names to fill in first."""
    found = {
        context.path
        for context in iter_route_contexts(app.routes)
        if "GET" in (getattr(context, "methods", None) or ()) and not NO_PAGES.search(context.path)
    }
    return sorted(found, key=lambda path: (path.count("{"), path))


#: In these stands what people have written, or what is the same in every language.
DATA = ("script", "style", "pre", "code", "kbd", "samp", "textarea", "time", "svg")
SHOWN = ("title", "aria-label", "placeholder", "alt", "aria-description", "aria-roledescription")


def shown(tree: html.HtmlElement) -> Iterator[tuple[str, str]]:
    """What people read or hear of a page, each with the element in which it stands."""
    for element in tree.iter():
        if not isinstance(element.tag, str) or _is_data(element):
            continue
        for name in SHOWN:
            if element.get(name, "").strip():
                yield element.tag, element.get(name, "")
        if element.tag == "input" and element.get("type") in ("submit", "button"):
            yield element.tag, element.get("value", "")
        for text in (element.text, *(child.tail for child in element)):
            if text and text.strip():
                yield element.tag, text


def _is_data(element: Any) -> bool:
    return any(each.tag in DATA or each.get("translate") == "no" for each in (element, *element.iterancestors()))


def _words(text: str) -> str:
    return " ".join(html.fromstring(text).text_content().split())[:500] if text.strip() else ""
