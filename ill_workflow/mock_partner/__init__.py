"""A partner that speaks ISO 18626 and does as it is told: for whoever connects a system to ours, and for tests."""
