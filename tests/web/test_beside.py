"""Whoever looks at many pictures keeps nobody from their pages."""

import threading
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from ill_workflow.errors import BadInput
from ill_workflow.web.console import slips

#: More than there are threads for everything in a process.
MANY = 50


def test_while_pictures_are_being_drawn_pages_are_answered(quick_stage, visiting, monkeypatch):
    visit, loan, drawn = visiting(quick_stage), quick_stage.lends(), threading.Event()

    def draws_slowly(*_asked):
        assert drawn.wait(120)
        raise BadInput("It was drawn in a test.")

    monkeypatch.setattr(slips, "_drawn", draws_slowly)
    ann = visit("operator").client.cookies["ill"]
    address = f"/l/MAIN/slips/preview.png?loan={loan.id}&layout=routing"
    with TestClient(visit.app, cookies={"ill": ann}) as browser, ThreadPoolExecutor(MANY + 1) as people:
        pictures = [people.submit(browser.get, address) for _person in range(MANY)]
        try:
            assert people.submit(browser.get, "/l/MAIN/lending").result(timeout=120).status_code == 200
            assert not any(picture.done() for picture in pictures)
        finally:
            drawn.set()
        assert {picture.result().status_code for picture in pictures} == {422}
