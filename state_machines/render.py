"""Prints a lifecycle: as a table, a diagram, and as JSON for programs."""

import json
from typing import Any

from state_machines.declaration import SAME, Action, Lifecycle, Target


def as_table(lifecycle: Lifecycle) -> str:
    """A Markdown table, a row for each action in the order of the story."""
    lines = [
        "| trigger (label) | from | to | by | needs | effects |",
        "|---|---|---|---|---|---|",
    ]
    for action in lifecycle.actions:
        cells = (
            f"`{action.trigger}` ({action.label})",
            _sources(action),
            " \\| ".join(_target(target) for target in lifecycle.targets(action)),
            ", ".join(action.by),
            ", ".join(need.label if need.required else f"[{need.label}]" for need in action.needs),
            "; ".join(_effects(lifecycle, action)),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_mermaid(lifecycle: Lifecycle) -> str:
    """A state diagram for Mermaid: an arrow for each way from one state to another, with what takes it."""
    ways: dict[tuple[str, str], list[str]] = {}
    for action in lifecycle.actions:
        for target in lifecycle.targets(action):
            for source in lifecycle.sources(action):
                inside = not target.source or source in lifecycle.expand(target.source)
                if inside and target.dest in {s.name for s in lifecycle.states} - {source}:
                    triggers = ways.setdefault((source, target.dest), [])
                    if action.trigger not in triggers:
                        triggers.append(action.trigger)
    lines = ["stateDiagram-v2"]
    lines += [f"    {state.name} : {state.label}" for state in lifecycle.states]
    lines += [f"    [*] --> {name}" for name in lifecycle.initial]
    # Closing by hand leads from nearly everywhere to nearly everything that is closed: it would hide the rest.
    for (source, dest), triggers in ways.items():
        if shown := [trigger for trigger in triggers if trigger != "close"]:
            lines.append(f"    {source} --> {dest} : {', '.join(shown)}")
    lines += [f"    {state.name} --> [*]" for state in lifecycle.states if state.name in lifecycle.terminal]
    return "\n".join(lines) + "\n"


def as_json(lifecycle: Lifecycle) -> str:
    """Everything that the table says, for programs."""
    return json.dumps(
        {
            "name": lifecycle.name,
            "initial": lifecycle.initial,
            "groups": lifecycle.groups,
            "states": [
                {
                    "name": s.name,
                    "label": s.label,
                    "attention": s.attention,
                    "terminal": s.name in lifecycle.terminal,
                    "timers": lifecycle.timers.get(s.name, ()),
                }
                for s in lifecycle.states
            ],
            "actions": [_row(lifecycle, action) for action in lifecycle.actions],
        },
        indent=2,
        ensure_ascii=False,
    )


def _row(lifecycle: Lifecycle, action: Action) -> dict[str, Any]:
    return {
        "trigger": action.trigger,
        "label": action.label,
        "by": action.by,
        "from": lifecycle.sources(action),
        "to": [
            {
                "state": target.dest,
                "from": lifecycle.expand(target.source) if target.source else None,
                "if": target.only_if.label if target.only_if else None,
                "effects": [effect.label for effect in target.then],
            }
            for target in lifecycle.targets(action)
        ],
        "only_if": [{"label": guard.label, "otherwise": guard.otherwise} for guard in action.only_if],
        "needs": [
            {
                "name": need.name,
                "label": need.label,
                "type": need.type,
                "required": need.required,
                "choices": need.choices,
                "hint": need.hint,
            }
            for need in action.needs
        ],
        "effects": [effect.label for effect in action.then],
        "ledger": [entry.do for entry in action.ledger],
        "hears": [*action.hears, *action.hears_else],
        "timers": [*action.fires, *action.fires_in],
        "primary": action.primary,
        "first_in": lifecycle.expand(action.first_in),
        "undo": action.undo,
    }


def _sources(action: Action) -> str:
    names = ", ".join({"not_terminal": "any not terminal"}.get(name, name) for name in action.source)
    return f"{names} less {', '.join(action.less)}" if action.less else names


def _target(target: Target) -> str:
    conditions = [", ".join(target.source), target.only_if.label if target.only_if else ""]
    said = "; ".join(word for word in conditions if word)
    name = {SAME: "same"}.get(target.dest, target.dest)
    return f"{name} ({said})" if said else name


def _effects(lifecycle: Lifecycle, action: Action) -> list[str]:
    found = [f"ledger: {entry.do}{' provisional' if entry.provisional else ''}" for entry in action.ledger]
    for effect in action.then:
        limits = [f"from {', '.join(effect.only_from)}" if effect.only_from else ""]
        limits.append(f"if {effect.only_if.label}" if effect.only_if else "")
        said = "; ".join(limit for limit in limits if limit)
        found.append(f"{effect.label} ({said})" if said else effect.label)
    for target in lifecycle.targets(action):
        found += [f"{target.dest}: {effect.label}" for effect in target.then]
    return found
