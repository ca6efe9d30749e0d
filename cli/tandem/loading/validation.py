"""SQL that judges the text rows of a feed and turns the good ones into typed rows.

The rows of a file stand as text in a scratch table. ``reason_sql`` gives the first reason that
holds, in the order of the feeds' documentation, as ``code`` and the column it is about;
``typed_columns_sql`` the values of a row without a reason.
"""

from __future__ import annotations

from psycopg import sql

from tandem.feeds import (
    DATE,
    DECIMAL,
    E164,
    FUTURE_TOLERANCE,
    MAX_FIELD_LENGTH,
    SHORT_CODE,
    TIMESTAMP,
    Column,
    Feed,
)

SENTENCES = {
    "bad_shape": "The row has not the shape of the feed",
    "missing_value": "{column} is empty",
    "too_long": f"{{column}} is longer than {MAX_FIELD_LENGTH} characters",
    "bad_type": "{column} is not {kind}",
    "bad_value": "{column} is not allowed",
    "bad_number": "{column} is not {kind}",
    "future_time": f"{{column}} lies more than {FUTURE_TOLERANCE} after the load",
    "conflicting_duplicate": "A record with this id and other content was loaded before",
}
KINDS = {
    "timestamp": "a date and time with offset (ISO 8601)",
    "moment": "a date and time with offset (ISO 8601), or a date",
    "date": "a date (YYYY-MM-DD)",
    "decimal": "a decimal number",
    "whole_number": "a whole number",
    "number": "a service number (+ and digits)",
    "other_number": "a service number (+ and digits) or a short code",
}

# Most times look like one of these once digits are all made 0; the regular expression is for
# the others. (On 3 million rows: 1.6 s instead of 6.4 s.)
_COMMON_TIMESTAMPS = (
    "0000-00-00T00:00:00Z",
    "0000-00-00T00:00:00+00:00",
    "0000-00-00T00:00:00-00:00",
    "0000-00-00 00:00:00Z",
    "0000-00-00 00:00:00.000000Z",
)
_ZEROS = "translate({0}, '123456789', '000000000')"


def reason_sql(feed: Feed, columns: list[str]) -> sql.Composed:
    """An expression over the scratch table: ``code:column`` of the first reason, or null.

    Args:
        feed: whose rules are applied.
        columns: which of its columns the scratch table fills; the others are null.
    """
    present = [column for column in feed.columns if column.name in columns]
    branches: list[tuple[str, str]] = []
    for column in feed.columns:
        if column.required is True and column in present:
            branches.append((f"{column.name} is null", f"missing_value:{column.name}"))
        elif column.required and column.required is not True:
            branches.append(
                (f"{column.name} is null and {column.required}", f"missing_value:{column.name}")
            )
    branches += [
        (f"length({column.name}) > {MAX_FIELD_LENGTH}", f"too_long:{column.name}")
        for column in present
    ]
    branches += [
        (f"not ({_is_of_type(column)})", f"bad_type:{column.name}")
        for column in present
        if column.kind in ("timestamp", "moment", "date", "whole_number", "decimal")
    ]
    for column in present:
        if column.choices:
            listed = ", ".join(f"'{choice}'" for choice in column.choices)
            branches.append((f"{column.name} not in ({listed})", f"bad_value:{column.name}"))
        if column.minimum is not None:
            branches.append(
                (
                    f"{column.name}::{column.sql_type} < {column.minimum}",
                    f"bad_value:{column.name}",
                )
            )
        if column.maximum is not None:
            branches.append(
                (
                    f"{column.name}::{column.sql_type} > {column.maximum}",
                    f"bad_value:{column.name}",
                )
            )
        if column.kind == "time_zone":
            branches.append(
                (
                    f"{column.name} <> all (array(select name from pg_timezone_names))",  # noqa: S608
                    f"bad_value:{column.name}",
                )
            )
    branches += [(condition, f"bad_value:{sentence}") for condition, sentence in feed.bad_values]
    for column in present:
        if column.kind == "number":
            branches.append((f"not ({_is_e164(column.name)})", f"bad_number:{column.name}"))
        elif column.kind == "other_number":
            # the served number, without which the row is nothing, is E.164; the other's may also
            # be a short code
            branches.append(
                (
                    f"case when {column.required} then not ({_is_e164(column.name)})"
                    f" else not ({_is_e164(column.name)} or {column.name} ~ '{SHORT_CODE}') end",
                    f"bad_number:{column.name}",
                )
            )
    branches += [
        (
            f"{_typed(column)} > now() + interval '{FUTURE_TOLERANCE}'",
            f"future_time:{column.name}",
        )
        for column in present
        if column.not_in_future
    ]
    return sql.SQL("case {} end").format(
        sql.SQL(" ").join(
            sql.SQL("when {} then {}").format(sql.SQL(condition), sql.Literal(reason))
            for condition, reason in branches
        )
    )


def typed_columns_sql(feed: Feed, columns: list[str]) -> list[tuple[str, sql.Composable]]:
    """Name and typed expression, over the scratch table, of every column of the feed."""
    result: list[tuple[str, sql.Composable]] = []
    for column in feed.columns:
        value = _typed(column) if column.name in columns else "null"
        if column.default is not None:
            default = column.default
            if default in columns:
                default = f"{default}::{column.sql_type}"
            value = f"coalesce({value}, {default})"
        expression = f"({value})::{column.sql_type}"
        result.append((column.name, sql.SQL(expression)))
    return result


def sentence(feed: Feed, reason: str) -> tuple[str, str]:
    """Reason code and sentence of a ``code:column``."""
    code, _, subject = reason.partition(":")
    names = {column.name: column for column in feed.columns}
    if subject and subject not in names:
        return code, subject[0].upper() + subject[1:]
    column = names.get(subject)
    text = SENTENCES[code].format(
        column=subject, kind=KINDS.get(column.kind, column.kind) if column else ""
    )
    if code == "bad_value" and column is not None:
        if column.choices:
            text = f"{subject} is none of {', '.join(column.choices)}"
        elif column.kind == "time_zone":
            text = f"{subject} is not a time zone of the IANA list"
        elif column.maximum is not None and column.minimum is not None:
            text = f"{subject} is not between {column.minimum} and {column.maximum}"
        elif column.maximum is not None:
            text = f"{subject} is above {column.maximum}"
        elif column.minimum is not None:
            text = f"{subject} is below {column.minimum}"
    return code, text


def _typed(column: Column) -> str:
    if column.sql_type == "text":
        return column.name
    if column.kind == "moment":
        # a date stands for the midnight, in UTC, with which it begins
        return (
            f"case when {column.name} ~ '{DATE}'"
            f" then {column.name}::timestamp at time zone 'UTC'"
            f" else {column.name}::timestamptz end"
        )
    return f"{column.name}::{column.sql_type}"


def _is_of_type(column: Column) -> str:
    name = column.name
    valid = f"pg_input_is_valid({name}, '{column.sql_type}')"
    if column.kind == "whole_number":
        return f"{name} ~ '^-?[0-9]+$' and {valid}"
    if column.kind == "decimal":
        return f"{name} ~ '{DECIMAL}'"
    if column.kind == "date":
        return f"{name} ~ '{DATE}' and {valid}"
    common = ", ".join(f"'{form}'" for form in _COMMON_TIMESTAMPS)
    forms = f"{_ZEROS.format(name)} in ({common}) or {name} ~ '{TIMESTAMP}'"
    if column.kind == "moment":
        forms += f" or {name} ~ '{DATE}'"
    return f"({forms}) and {valid}"


def _is_e164(name: str) -> str:
    # the same as the regular expression, for the usual length, in a third of the time
    return (
        f"(length({name}) = 12 and {_ZEROS.format(name)} = '+00000000000'"
        f" and substr({name}, 2, 1) <> '0') or {name} ~ '{E164}'"
    )
