"""Copenhagen Networks Study: some 700 students, 28 days of 2013."""
