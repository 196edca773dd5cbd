"""The paper that travels with an item: routing slip, book strap, return slip and shipping label.

`render` turns what a slip says into a PDF, `write` puts a PDF on the disk so that it survives a power cut.
"""

from ill_workflow.slips.content import Address, Layout, Service, SlipContent
from ill_workflow.slips.layouts import render
from ill_workflow.slips.storage import write

__all__ = ["Address", "Layout", "Service", "SlipContent", "render", "write"]
