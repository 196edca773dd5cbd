"""REST for other systems: what the pages show and do, by tokens."""
