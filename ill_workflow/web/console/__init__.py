"""The pages of the console, a router each."""
