"""Other systems look: lists page by page, whatever has a code, what needs somebody, with whom and when not."""

from datetime import date

from ill_workflow import calendars, libraries, partners
from ill_workflow.requests import worklists
from ill_workflow.web.api import about_libraries

AT = "libraries/MAIN"


def follow(system, address):
    """All pages from there on: the references of each."""
    pages = []
    while address:
        page = system.told(address)
        pages.append([line["reference"] for line in page["items"]])
        address = page["next"]
    return pages, page


def test_a_list_is_followed_to_its_end_and_back(quick_stage, catalogue, monkeypatch):
    monkeypatch.setattr(worklists, "PAGE", 2)
    for number in range(5):
        quick_stage.lends(partner_id=f"H-{number}", title=f"Volume & part {number}")

    pages, last = follow(catalogue, f"{AT}/requests?side=lending&state=new&search=volume&sort=title&partner=HILL")

    assert pages == [["XPX-1001", "XPX-1002"], ["XPX-1003", "XPX-1004"], ["XPX-1005"]]
    assert last["count"] == 5
    before = catalogue.told(last["previous"])
    assert [line["reference"] for line in before["items"]] == ["XPX-1003", "XPX-1004"]
    assert follow(catalogue, f"{AT}/requests?side=borrowing")[0] == [[]]
    assert follow(catalogue, f"{AT}/requests?side=lending&state=completed&state=REFUSED")[0] == [[]]


def test_whatever_has_a_code_is_found_without_doing_anything(quick_stage, catalogue):
    lent = quick_stage.lends(partner_id="H-77")
    lent.does("ship", condition_checked=True, item_barcode="31234000551187")
    for code in ("XPX-1001", "H-77", "31234000551187"):
        (line,) = catalogue.told(f"{AT}/requests", params={"code": code})["items"]
        assert line["href"] == f"/api/v1/{AT}/requests/{lent.id}"
    assert catalogue.told(f"{AT}/requests?code=XPX-1001&side=borrowing")["items"] == []
    assert catalogue.told(f"{AT}/requests", params={"code": "'; DROP TABLE request; --"})["items"] == []
    assert lent.state == "shipped"


def test_what_needs_somebody_is_told_with_what_usually_comes_next(quick_stage, catalogue):
    assert catalogue.told(f"{AT}/today") == {"quiet": True, "sections": []}
    quick_stage.lends()

    told = catalogue.told(f"{AT}/today")

    assert told["quiet"] is False
    (section,) = told["sections"]
    (line,) = section["lines"]
    assert (section["name"], line["request"]["reference"], line["next_action"]) == ("new", "XPX-1001", "print_slip")


def test_partners_and_closed_days(quick_stage, catalogue, monkeypatch):
    monkeypatch.setattr(about_libraries, "PAGE", 1)
    first = catalogue.told(f"{AT}/partners")
    assert [partner["code"] for partner in first["items"]] == ["HILL"]
    second = catalogue.told(first["next"])
    assert [partner["code"] for partner in second["items"]] == ["RIV"]
    assert second["next"] is None
    assert first["items"][0]["iso18626"] is None
    quick_stage.changes(
        "MAIN", "HILL", transport="iso18626", wire={"address": "https://ill.hill.example/", "vendor": "reshare"}
    )
    spoken = catalogue.told(f"{AT}/partners")["items"][0]["iso18626"]
    assert (spoken["address"], spoken["marks"], spoken["edition"]) == ("https://ill.hill.example/", True, "2017")
    with quick_stage.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        hill = partners.find_partner(session, main.id, "HILL")
        calendars.close(session, date(2026, 2, 16), library_id=main.id, reason="Presidents' Day")
        calendars.close(session, date(2026, 1, 1), library_id=main.id, reason="Past")
        calendars.close(session, date(2026, 3, 2), library_id=main.id, partner_id=hill.id)
    assert catalogue.told(f"{AT}/closed-days")["items"] == [
        {"day": "2026-02-16", "partner": None, "reason": "Presidents' Day"},
        {"day": "2026-03-02", "partner": "HILL", "reason": ""},
    ]


def test_operators_see_whether_promised_work_is_done(quick_stage, catalogue):
    catalogue.does(f"{AT}/requests", {"side": "lending", "partner": "HILL", "fields": {"title": "Emma"}})
    told = catalogue.told("health")
    assert told["workers"] == []
    assert told["waiting"]["alert_staff"] == 1
    assert told["oldest_seconds"] >= 0
    quick_stage.work()
    assert catalogue.told("health")["waiting"] == {}
    assert {job["name"] for job in catalogue.told("jobs")["items"]} == {"fire_timers", "housekeeping", "sweep"}
