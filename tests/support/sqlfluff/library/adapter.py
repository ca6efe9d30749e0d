"""Stands in for dbt, which sqlfluff does not run."""


def get_relation(*_names: str) -> None:
    """No relation exists."""
