"""state_machines"""
