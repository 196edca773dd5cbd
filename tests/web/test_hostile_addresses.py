"""What no page has room for is refused in a sentence, on both databases."""

import pytest

from ill_workflow.web.limits import LARGEST_FORM, LARGEST_OF_STRANGERS, LimitedBody

pytestmark = pytest.mark.long

#: More digits than Python makes a number of.
DIGITS = "9" * 5000


@pytest.mark.long
def test_a_value_that_no_database_can_hold_is_refused(bare_stage, visiting):
    stage, page = bare_stage, visiting(bare_stage)("manager")
    for address in (
        "partners?q=%00", "partners?after=%00&status=%00", "letters/sent?to=%00", "letters/sent?reference=%00",
        "letters/%00", "slips?reference=%00&logo=%00", "slips/logo/%00.png", "closed-days?year=%00",
        f"slips/preview.png?loan={stage.lends(partner_id='').id}&layout=routing&logo=%00",
    ):  # fmt: skip
        assert page.get(f"/l/MAIN/{address}").status_code in (200, 404, 422), address
    hill = stage.partner("MAIN", "HILL").id
    for address, fields in (
        ("partners/new", {"code": "A\0", "name": "x"}), (f"partners/{hill}/status", {"status": "\0"}),
        ("closed-days", {"day": "2026-12-25", "reason": "\0"}), ("slips/logo/use", {"logo": "\0"}),
        ("letters/overdue", {"source": "S\n\0\n", "seen": "0"}), ("lists/partners", {"carried": "\0"}),
    ):  # fmt: skip
        assert page.submit(f"/l/MAIN/{address}", **fields).status_code in (404, 422), address
    huge = page.submit("/l/MAIN/letters/overdue", source="x" * 3_000_000, seen="0")
    assert huge.status_code in (400, 413, 422)
    assert "There is no such page" not in huge.text


def test_a_number_of_any_length_is_a_number_that_nothing_has(quick_stage, visiting):
    page = visiting(quick_stage)("manager")
    for address in (
        f"partners?hub={DIGITS}", f"closed-days?partner={DIGITS}", f"closed-days?year={DIGITS}",
        "closed-days?done=closed&days=%C2%B2", f"lending?after={DIGITS}", f"today?after={DIGITS}",
    ):  # fmt: skip
        assert page.get(f"/l/MAIN/{address}").status_code in (200, 422), address
    for number in (DIGITS, str(2**63), "²"):
        for address, fields in (
            ("lending/bulk", {"request": number, "trigger": "print_slip"}),
            ("borrowing/new", {"like": number, "title": "A book", "patron": "1"}),
            ("closed-days", {"partner": number, "day": "2026-12-25"}),
        ):
            answer = page.submit(f"/l/MAIN/{address}", **fields)
            assert answer.status_code in (200, 422), f"{address}: {answer.status_code}"
    for address in (f"today/seen/{2**63}", f"today/again/{2**63}", f"operations/work/{2**63}/again"):
        assert page.submit(f"/l/MAIN/{address}", at="2026-02-02T12:00:00+00:00").status_code == 404, address
    assert page.submit(f"/l/MAIN/scan/undo/{2**63}").status_code == 200, "at the table everything has an answer"


@pytest.mark.parametrize("origin", ["http://[::1", "http://[x]", "null", ""])
def test_an_origin_that_is_no_address_is_elsewhere(quick_stage, visiting, origin):
    page = visiting(quick_stage)("manager")
    for address in ("/sign-in", "/language", "/l/MAIN/settings"):
        answer = page.client.post(address, data={"csrf": page.csrf, "language": "de"}, headers={"origin": origin})
        assert answer.status_code == 403, address


@pytest.mark.parametrize("encoding", ["undefined", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"])
def test_forms_are_read_in_the_encoding_of_our_pages_alone(quick_stage, visiting, encoding):
    """Others read half a character, or fail, where a page expects a text."""
    page = visiting(quick_stage)("manager")
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n' for name in ("csrf", "name")
    )
    kind = {"content-type": f"multipart/form-data; boundary=b; charset={encoding}"}
    for address in ("/sign-in", "/language", "/account/password", "/l/MAIN/settings"):
        answer = page.client.post(address, content=f"{body}--b--\r\n", headers=kind)
        assert answer.status_code == 422, address
        assert "can&#39;t be read" in answer.text


def test_a_length_of_any_number_of_digits_is_too_long():
    said = []

    async def remember(message):
        said.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", DIGITS.encode())]}
    # It awaits nothing else, so one step takes it to its end; a loop may be running here for a browser.
    with pytest.raises(StopIteration):
        LimitedBody(None)(scope, None, remember).send(None)
    assert said[0]["status"] == 413


FORM, FILES = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


@pytest.mark.parametrize("length_is_told", [True, False])
@pytest.mark.parametrize(
    ("address", "kind", "size"),
    [("/sign-in", FORM, LARGEST_OF_STRANGERS), ("/language", FILES, LARGEST_OF_STRANGERS),
     ("/l/MAIN/settings", FORM, LARGEST_FORM)],
)  # fmt: skip
def test_no_form_is_so_long_that_everybody_waits_while_it_is_taken_apart(
    quick_stage, visiting, address, kind, size, length_is_told
):
    """Thirty megabytes of nothing but `&` take a quarter of a minute, in which no page is answered."""
    page = visiting(quick_stage)("manager")
    body = b"&" * (size + 1)
    says = {"content-type": kind, "x-csrf": page.csrf}
    answer = page.client.post(address, content=body if length_is_told else iter([body]), headers=says)
    assert (answer.status_code, "too large" in answer.text) == (413, True)
