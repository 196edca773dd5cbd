"""Letters to patrons, staff and partners, and the way they leave the house."""
