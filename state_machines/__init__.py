"""What may happen to a request: two lifecycles, declared as tables and run by `transitions`."""
