"""What can't be done or read is refused with a sentence, in one form, whatever was sent."""

AT = "libraries/MAIN"
JSON = {"Content-Type": "application/json"}


def refused(answer, status, detail=None, field=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) <= {"type", "title", "status", "detail", "instance", "field", "errors"}
    assert told["type"].startswith("/api/#")
    assert told["status"] == status
    assert told["detail"].endswith((".", "…")), told["detail"]
    if detail:
        assert detail in told["detail"]
    if field:
        assert told["field"] == field
    return told


def test_unknown_addresses_and_methods(catalogue):
    refused(catalogue.get("nothing"), 404)
    refused(catalogue.get("/api/v2/me"), 404)
    refused(catalogue.get(f"{AT}/"), 404)
    refused(catalogue.get("/api/v1/libraries/M%0AAIN"), 404)
    refused(catalogue.get("/api/v1/libraries/M%00AIN"), 422)
    refused(catalogue._send("PUT", f"{AT}/requests"), 405)
    assert catalogue._send("PUT", f"{AT}/requests").headers["allow"] == "GET, POST"
    assert refused(catalogue.get("libraries/%C3%84 x"), 404)["instance"] == "/api/v1/libraries/%C3%84%20x"


def test_the_sentence_is_in_the_language_that_is_asked_for(catalogue):
    for asked, spoken, said in (("de-AT, en;q=0.5", "de", "Bestellung"), ("fr", "en", "There is no")):
        answer = catalogue.get(f"{AT}/requests/99999", headers={"Accept-Language": asked})
        refused(answer, 404, detail=said)
        assert (answer.headers["content-language"], answer.headers["vary"]) == (spoken, "Accept-Language")


def test_numbers_that_no_request_has(catalogue):
    for number in ("0", "-1", "x", "1.0", "2147483648", "99999999999999999999999", "1%20"):
        refused(catalogue.get(f"{AT}/requests/{number}"), 404, field="number")


BODIES = (
    (b"{", 400, "can't be read as JSON: line 1, column 2"),
    (b'{"code": NaN}', 400, "NaN is no number"),
    (b'{"code": -Infinity}', 400, "no number"),
    (b'{"code": 1e999}', 422, "too large"),
    (b'{"code": 1' + b"0" * 5000 + b"}", 422, "more than 18 digits"),
    (b"\xff\xfe{}", 400, "UTF-8"),
    (b"[" * 100_000, 400, None),
    (b"[" * 100_000 + b"]" * 100_000, 400, None),
    (b'{"a":' * 30 + b"1" + b"}" * 30, 422, "levels"),
    (b"[" + b"1," * 30_000 + b"1]", 422, "values"),
    (b'{"code": "a", "code": "b"}', 422, "stands twice"),
    (b'{"code": "a\\u0000b"}', 422, "no text has"),
    (b'{"code": "\\ud800"}', 422, "no text has"),
    (b'{"\\ud800": 1}', 422, "no text has"),
    (b'{"x": {"a\\u0000": 1}}', 422, "no text has"),
    (b"null", 422, None),
    (b'"text"', 422, None),
    (b"[]", 422, None),
    (b"{}", 422, "code is needed"),
    (b'{"code": ""}', 422, "code"),
    (b'{"code": 5}', 422, "code"),
    (b'{"code": "x", "more": 1}', 422, "There is no field more."),
    (b'{"code": "x", "checked": "yes"}', 422, "checked"),
    (b'{"code": "x", "side": "both"}', 422, "side"),
    (b'{"code": "x\\u001fy"}', 422, "control character"),
    (b'{"code": "' + b"x" * 300_000 + b'"}', 413, "262144"),
    (b"\xef\xbb\xbf{}", 400, None),
)


def test_bodies_that_nobody_can_take(catalogue):
    for body, status, detail in BODIES:
        answer = catalogue.client.post(f"/api/v1/{AT}/scans", content=body, headers=_with_token(catalogue))
        refused(answer, status, detail)


def test_a_body_without_a_length_is_counted_as_it_comes(catalogue):
    def endless():
        for _ in range(100):
            yield b" " * 10_000

    answer = catalogue.client.post(f"/api/v1/{AT}/scans", content=endless(), headers=_with_token(catalogue))
    refused(answer, 413)


def test_other_types_are_refused(catalogue):
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "",
        "application/xml",
        "multipart/form-data; boundary=x",
    ):
        headers = {**_with_token(catalogue), "Content-Type": kind}
        refused(catalogue.client.post(f"/api/v1/{AT}/scans", content=b'{"code": "x"}', headers=headers), 415)


INPUTS = (
    ({"condition_checked": "yes", "item_barcode": "x"}, "inputs.condition_checked"),
    ({"condition_checked": False, "item_barcode": "x"}, "inputs.condition_checked"),
    ({"condition_checked": True}, "inputs.item_barcode"),
    ({"condition_checked": True, "item_barcode": ""}, "inputs.item_barcode"),
    ({"condition_checked": True, "item_barcode": "x" * 65}, "inputs.item_barcode"),
    ({"condition_checked": True, "item_barcode": ["x"]}, "inputs.item_barcode"),
    ({"condition_checked": True, "item_barcode": None}, "inputs.item_barcode"),
    ({"condition_checked": True, "item_barcode": "x", "due_date": "20260301"}, "inputs.due_date"),
    ({"condition_checked": True, "item_barcode": "x", "due_date": "2026-02-30"}, "inputs.due_date"),
    ({"condition_checked": True, "item_barcode": "x", "due_date": "0001-01-01"}, "inputs.due_date"),
    ({"condition_checked": True, "item_barcode": "x", "due_date": "9999-12-31"}, "inputs.due_date"),
    ({"condition_checked": True, "item_barcode": "x", "pieces": "a,b"}, "inputs.pieces"),
    ({"condition_checked": True, "item_barcode": "x", "pieces": ["a"] * 101}, "inputs.pieces"),
    ({"condition_checked": True, "item_barcode": "x", "colour": "red"}, "inputs.colour"),
    ({"condition_checked": True, "item_barcode": "x", "ä" * 1000: "red"}, None),
)


def test_wrong_inputs_are_named_and_nothing_happens(quick_stage, catalogue):
    lent = quick_stage.lends()
    for inputs, field in INPUTS:
        refused(catalogue.post(f"{AT}/requests/1/actions/ship", {"inputs": inputs}), 422, field=field)
    assert lent.history == ["create"]


NO_REQUESTS = (
        ({"fields": {}}, "title"), ({"fields": {"title": " "}}, "title"), ({"fields": {"title": 5}}, "fields.title"),
        ({"fields": {"title": "x", "isbn": "123"}}, "isbn"), ({"fields": {"title": "x", "colour": "red"}}, "colour"),
        ({"fields": {"title": "x", "need_by": "2020-01-01"}}, "need_by"), ({"partners": ["NO"]}, None),
        ({"side": "x"}, "side"), ({"side": None}, "side"), ({"patron": {}}, "patron.barcode"),
        ({"patron": {"barcode": " "}}, "patron"), ({"patron": {"barcode": "1", "email": "no"}}, "email"),
        ({"service": "gift"}, "service"), ({"side": "lending"}, "partner"),
    ({"side": "lending", "partner": "NO"}, "partner"),
)  # fmt: skip


def test_requests_that_can_not_be_made(catalogue):
    for more, field in NO_REQUESTS:
        body = {"side": "borrowing", "fields": {"title": "Emma"}, **more}
        refused(catalogue.post(f"{AT}/requests", body), 422, field=field)
    assert catalogue.told(f"{AT}/events?after=0")["items"] == []


QUERIES = (
    "", "side=both", "side=lending&state=nowhere", "side=lending&sort=colour", "side=lending&after=x",
     "side=lending&after=1.x", "side=lending&due=never", "side=lending&printed=perhaps", "side=lending&search=%00",
     "side=lending&search=%ff", "side=lending&search=" + "x" * 300, "code=" + "x" * 65,
     "side=lending&after=99999999999999999999.2026-01-01", "side=lending&sort=age&after=1.99999999999999999999999",
)  # fmt: skip


def test_lists_that_nobody_can_make(catalogue):
    for query in QUERIES:
        refused(catalogue.get(f"{AT}/requests?{query}"), 422)


def test_a_partner_that_is_not_there_is_no_filter(catalogue):
    refused(catalogue.get(f"{AT}/requests?side=lending&partner=NO"), 404, field="partner")


def test_keys_that_are_none(catalogue):
    for key in ("", "x" * 201, "ä"):
        headers = {"Idempotency-Key": key.encode()}
        refused(catalogue.post(f"{AT}/scans", {"code": "x"}, headers=headers), 422, field="Idempotency-Key")


def test_what_went_wrong_here_is_said_and_nothing_is_shown(catalogue, monkeypatch):
    from ill_workflow.web.api import about_libraries

    def breaks(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(about_libraries.telling, "library_shown", breaks)
    catalogue.client._transport.raise_server_exceptions = False
    answer = catalogue.get(AT)
    refused(answer, 500)
    assert "secret" not in answer.text


def test_a_database_that_is_gone_is_unavailable(catalogue, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def gone(*_, **__):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(type(catalogue.stage.db), "reading", gone)
    answer = catalogue.get(AT)
    refused(answer, 503)
    assert answer.headers["retry-after"] == "5"


def _with_token(system):
    return {"Authorization": f"Bearer {system.token}", **JSON}


def test_the_same_form_everywhere(quick_stage, catalogue):
    quick_stage.lends()
    told = refused(catalogue.post(f"{AT}/requests/1/actions/check_in", {}), 409)
    assert told["detail"].startswith("XPX-1001 is New. Scan In is possible while it is")
    assert "What can be done: Print Slip" in told["detail"]
