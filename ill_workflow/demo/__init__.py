"""Twelve loans that play before your eyes, in a database that is only there for them, by a clock that is turned."""

from ill_workflow.demo.play import Play
from ill_workflow.demo.stories import TWELVE
from ill_workflow.demo.world import PEOPLE, make_world

__all__ = ["PEOPLE", "TWELVE", "Play", "make_world"]
