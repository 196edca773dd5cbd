"""What no page has room for is refused in a sentence, on both databases."""

import pytest


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
