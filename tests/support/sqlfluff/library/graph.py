"""Stands in for dbt, which sqlfluff does not run."""

nodes: dict[str, object] = {}
functions: dict[str, object] = {}
