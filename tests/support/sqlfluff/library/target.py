"""Stands in for dbt, which sqlfluff does not run."""

database = "tandem"
