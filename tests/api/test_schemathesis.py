"""Whatever is sent to the API, in whatever form: it is answered as described, and never by an accident."""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from schemathesis import config as how
from schemathesis.engine import Status, events, from_schema

pytestmark = pytest.mark.long

#: Made up for each operation, by chance that is the same each time.
EXAMPLES = 20
#: Its inputs have a form for each action of both tables: to go through all edges of all of them takes too long.
TOO_MANY_EDGES = "take_action"


def test_everything_is_answered_as_described(quick_stage, calls):
    quick_stage.services.settings.api_per_minute = 10**9
    system = calls(quick_stage)()
    prepare(quick_stage)

    edges = run(system, coverage=True)
    chance = run(system, coverage=False)

    assert [*edges.wrong, *chance.wrong] == []
    for operation in ("GET /libraries/{library}/requests/{number}", "POST /libraries/{library}/requests"):
        seen = {status for (label, status), _ in (edges.seen + chance.seen).items() if label == operation}
        assert seen & {200, 201}, operation
        assert seen & {404, 422}, operation


def prepare(stage):
    """Something of each half, so that not everything that is made up is nowhere."""
    stage.lends()
    stage.borrows()
    stage.lends(partner_id="H-78").does("ship", condition_checked=True, item_barcode="31234000551187")
    stage.borrows(send=False)


class Tried:
    """What was answered, and what was wrong with it."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, int | None]] = Counter()
        self.wrong: list[str] = []


def run(system, *, coverage: bool) -> Tried:
    project = how.ProjectConfig(
        headers={"Authorization": f"Bearer {system.token}"},
        generation=how.GenerationConfig(max_examples=EXAMPLES, deterministic=True, no_shrink=True, database="none"),
        phases=how.PhasesConfig(
            examples=how.ExamplesPhaseConfig(enabled=not coverage),
            coverage=how.CoveragePhaseConfig(enabled=coverage),
            fuzzing=how.FuzzingPhaseConfig(enabled=not coverage),
            stateful=how.StatefulPhaseConfig(enabled=False),
        ),
        # What is well-formed may still be refused: no schema tells check digits, days in the past, or states.
        checks=how.ChecksConfig(positive_data_acceptance=how.PositiveDataAcceptanceConfig(enabled=False)),
        continue_on_failure=True,
    )
    config = how.SchemathesisConfig(
        projects=how.ProjectsConfig(default=project), seed=1, suppress_health_check=[how.HealthCheck.all]
    )
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", system.client.app, config=config)
    schema.hook(map_path_parameters)
    tried = Tried()
    for event in from_schema(schema.exclude(operation_id=TOO_MANY_EDGES) if coverage else schema).execute():
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for interaction in recorder.interactions.values():
                tried.seen[recorder.label, interaction.response and interaction.response.status_code] += 1
            failed = [c for some in recorder.checks.values() for c in some if c.status == Status.FAILURE]
            tried.wrong += [
                f"{recorder.label}: {c.failure_info.failure} {c.failure_info.code_sample}" for c in failed
            ]  # fmt: skip
        elif isinstance(event, events.NonFatalError | events.FatalError):
            tried.wrong.append(repr(event.value if isinstance(event, events.NonFatalError) else event.exception))
    return tried


def map_path_parameters(context, path_parameters):
    """Most of what is made up is nowhere: let it be at Main, and one of the requests there."""
    mapped = dict(path_parameters or {})
    if len(str(mapped.get("library", ""))) % 4:
        mapped["library"] = "MAIN"
    for name in ("number", "slip"):
        if isinstance(mapped.get(name), int) and 4 < mapped[name] < 2**31:
            mapped[name] = 1 + mapped[name] % 4
    return mapped
