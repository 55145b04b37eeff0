"""Usage ledgers: what tasks cost, added up by quarters of an hour."""
