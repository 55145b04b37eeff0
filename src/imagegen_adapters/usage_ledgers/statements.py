"""The SQL that both databases have in common."""

SUMS = """
    sum(tasks) AS tasks, sum(images) AS images, sum(unknown_attempts) AS unknown_attempts,
    sum(known >> 32) AS known_high, sum(known & 4294967295) AS known_low,
    sum(estimated >> 32) AS estimated_high, sum(estimated & 4294967295) AS estimated_low,
    sum(possible >> 32) AS possible_high, sum(possible & 4294967295) AS possible_low
"""
"""The columns of totals; amounts in halves, since a sum may be more than a column of SQLite holds."""

SPAN = """
SELECT (SELECT min(quarter) FROM usage_totals) AS first, (SELECT max(quarter) FROM usage_totals) AS last
"""
