"""Lists that come and go as spreadsheets: requests, partners, libraries and accounts as CSV."""
