"""Says at the very end of a test run which parts could not be run here, and for want of what."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import NoReturn

import pytest

_MARK = "not run: "


def wanting(part: str, why: str, *, can_be_had: bool = True) -> NoReturn:
    """Skip for want of something outside the project; where CI=true all that can be had has to be there, so fail."""
    if can_be_had and os.environ.get("CI") == "true":
        pytest.fail(f"{_MARK}{part} ({why})", pytrace=False)
    pytest.skip(f"{_MARK}{part} ({why})")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Outermost of all, so that nothing is printed after it."""
    result = yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # the processes of pytest-xdist have none
        reasons = [_reason(report) for report in reporter.stats.get("skipped", [])]
        parts = dict.fromkeys(reason.partition(_MARK)[2] for reason in reasons if _MARK in reason)
        if parts:
            reporter.write_line(f"{_MARK}{'; '.join(parts)}", yellow=True)
    return result


def _reason(report: pytest.TestReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
