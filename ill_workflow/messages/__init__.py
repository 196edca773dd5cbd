"""What partners say to each other about a request, in the words of ISO 18626."""
