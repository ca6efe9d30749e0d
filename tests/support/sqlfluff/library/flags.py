"""Stands in for dbt, which sqlfluff does not run."""

FULL_REFRESH = False
