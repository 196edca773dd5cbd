"""The messages of ISO 18626 as XML: read as leniently as they come, written strictly in the partner's edition."""
