"""Speed, as a ratio measured in one run: the pipeline against the least that Postgres needs for
the same rows, and the thirtieth night against the first."""
