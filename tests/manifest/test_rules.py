"""Rules of the project that no linter knows, from the manifest, and the docs against a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from tests.support.warehouse import PROJECT, Warehouse

Node = dict[str, Any]

# what `config.meta` may say, and who reads it
KNOWN_META = {
    "follows_rebuild": "run_values, should_full_refresh",
    "units": "get_incremental_replace_units_sql",
    "stale": "get_incremental_replace_units_sql",
    "known_together": "analyze_table",
    "show_to": "show_to, hide_unshown",
    "hide_in_portal": "show_to",
    "server_reads": "let_server_read, hide_unshown",
    "language": "postgres__scalar_function_body_sql",
    "invariant": "tandem check",
    "proves": "tandem check",
}
# a record that a build rates is part of another model and has no table to test
LONGEST_NAME = 50
LONGEST_TEST_NAME = 60


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of the project, parsed apart from everything else; no database is asked."""
    target = tmp_path_factory.mktemp("manifest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_DATABASE_URL", "postgresql://nobody@localhost/none")
        result = dbtRunner().invoke(
            [
                "parse",
                "--project-dir", str(PROJECT),
                "--profiles-dir", str(PROJECT),
                "--target-path", str(target),
                "--log-path", str(target),
                "--log-level", "none",
                "--no-partial-parse",
                "--warn-error-options", '{"error": "all"}',
            ]
        )  # fmt: skip
    assert result.success, result.exception
    parsed: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return parsed


def nodes(manifest: dict[str, Any], kind: str) -> Iterator[Node]:
    """Nodes of the project of one kind."""
    for node in manifest["nodes"].values():
        if node["resource_type"] == kind and node["package_name"] == "tandem":
            yield node


def marts(manifest: dict[str, Any]) -> Iterator[Node]:
    """Models that others may rely on: those with plain names."""
    for model in stored(manifest):
        if not model["name"].startswith(("int_", "stg_")):
            yield model


def stored(manifest: dict[str, Any]) -> Iterator[Node]:
    """Models that are relations of their own."""
    for model in nodes(manifest, "model"):
        if model["config"]["materialized"] != "ephemeral":
            yield model


def test_models_say_what_one_row_is(manifest: dict[str, Any]) -> None:
    silent = [
        model["name"]
        for model in nodes(manifest, "model")
        if not model["description"].startswith("One row per ")
    ]
    assert silent == []


def test_columns_of_models_and_sources_are_described(manifest: dict[str, Any]) -> None:
    tables = [*stored(manifest), *manifest["sources"].values()]
    silent = [
        f"{table['name']}.{name}"
        for table in tables
        for name, column in table["columns"].items()
        if not column["description"].strip()
    ]
    assert silent == []
    assert [table["name"] for table in tables if not table["columns"]] == []


def test_shared_texts_are_doc_blocks(manifest: dict[str, Any]) -> None:
    written: dict[str, list[str]] = {}
    for table in [*nodes(manifest, "model"), *manifest["sources"].values()]:
        for name, column in table["columns"].items():
            if not column["doc_blocks"]:
                written.setdefault(column["description"], []).append(f"{table['name']}.{name}")
    assert [places for places in written.values() if len(places) > 2] == []


def test_doc_blocks_are_used(manifest: dict[str, Any]) -> None:
    used = {
        block
        for table in [*nodes(manifest, "model"), *manifest["sources"].values()]
        for column in table["columns"].values()
        for block in column["doc_blocks"]
    }
    shared = {
        doc_id
        for doc_id, doc in manifest["docs"].items()
        if doc["original_file_path"] == "models/_columns.md"
    }
    assert shared - used == set()


def test_marts_have_contracts_with_scales(manifest: dict[str, Any]) -> None:
    """A contract compares types, not scales, so the scale has to be there to be tested below."""
    loose = []
    for mart in marts(manifest):
        if not mart["config"]["contract"]["enforced"]:
            loose.append(mart["name"])
        for name, column in mart["columns"].items():
            kind = column["data_type"] or "none"
            is_exact = re.fullmatch(r"numeric\(\d+,\s?\d+\)", kind) is not None
            if kind == "none" or ("numeric" in kind and not is_exact) or "float" in kind:
                loose.append(f"{mart['name']}.{name}: {kind}")
    assert loose == []


def test_models_have_a_tested_key(manifest: dict[str, Any]) -> None:
    tested = {
        node["attached_node"].split(".")[-1]
        for node in nodes(manifest, "test")
        if (node.get("test_metadata") or {}).get("name") == "unique_key"
    }
    assert {model["name"] for model in stored(manifest)} - tested == set()


def test_keys_are_tested_over_their_own_columns(manifest: dict[str, Any]) -> None:
    wrong = []
    for node in nodes(manifest, "test"):
        metadata = node.get("test_metadata") or {}
        if metadata.get("name") == "unique_key":
            columns = manifest["nodes"][node["attached_node"]]["columns"]
            key = metadata["kwargs"]["columns"]
            unknown = {*key, *metadata["kwargs"].get("nullable", [])} - set(columns)
            if not key or unknown or "audit" not in node["tags"]:
                wrong.append(node["name"])
    assert wrong == []


def test_what_others_need_is_described(manifest: dict[str, Any]) -> None:
    things = [
        *manifest["sources"].values(),
        *nodes(manifest, "seed"),
        *(m for m in manifest["macros"].values() if m["package_name"] == "tandem"),
        *manifest["functions"].values(),
        *manifest["exposures"].values(),
    ]
    assert [thing["name"] for thing in things if not thing["description"].strip()] == []


def test_macro_arguments_are_described(manifest: dict[str, Any]) -> None:
    """The arguments in the YAML are those of the macro, in its order."""
    wrong = []
    for macro in manifest["macros"].values():
        if macro["package_name"] != "tandem" or macro["name"].startswith("materialization_"):
            continue
        head = re.search(
            r"{%-?\s*(?:macro|test)\s+\w+\s*\((.*?)\)\s*-?%}", macro["macro_sql"], re.DOTALL
        )
        assert head is not None, macro["name"]
        inside = re.sub(r"=\s*(\[[^\]]*\]|'[^']*'|\w+)", "", head[1])
        names = [name.strip() for name in inside.split(",") if name.strip()]
        told = macro["arguments"]
        if [a["name"] for a in told] != names or not all(a["description"] for a in told):
            wrong.append(macro["name"])
    assert wrong == []


def test_function_arguments_are_described(manifest: dict[str, Any]) -> None:
    silent = [
        f"{function['name']}.{argument['name']}"
        for function in manifest["functions"].values()
        for argument in function["arguments"]
        if not (argument.get("description") or "").strip()
    ]
    assert silent == []


def test_names_fit_into_postgres(manifest: dict[str, Any]) -> None:
    """63 characters, less what dbt puts behind a name while it works."""
    longest = {"model": LONGEST_NAME, "seed": LONGEST_NAME, "test": LONGEST_TEST_NAME}
    too_long = [
        node["name"]
        for kind, limit in longest.items()
        for node in nodes(manifest, kind)
        if len(node["name"]) > limit
    ]
    assert too_long == []


def test_models_are_named_after_what_they_hold(manifest: dict[str, Any]) -> None:
    wrong = [
        model["name"]
        for model in nodes(manifest, "model")
        if model["name"].startswith(("fct_", "dim_"))
        or model["name"].startswith("stg_") != (model["schema"] == "staging")
    ]
    assert wrong == []


def test_schemas_are_folders(manifest: dict[str, Any]) -> None:
    wrong = [
        f"{model['path']}: {model['schema']}"
        for model in nodes(manifest, "model")
        if model["schema"] != Path(model["path"]).parts[0]
    ]
    assert wrong == []


def test_meta_keys_are_known(manifest: dict[str, Any]) -> None:
    everything = [
        *manifest["nodes"].values(),
        *manifest["sources"].values(),
        *manifest["functions"].values(),
        *manifest["exposures"].values(),
    ]
    used = {
        key
        for node in everything
        if node["package_name"] == "tandem"
        for key in node["config"].get("meta", {})
    }
    assert used - set(KNOWN_META) == set()


def test_folders_tell_their_part_of_the_story(manifest: dict[str, Any]) -> None:
    folders = {Path(model["path"]).parts[0] for model in nodes(manifest, "model")}
    told = {
        doc["name"].removesuffix("_overview")
        for doc in manifest["docs"].values()
        if doc["package_name"] == "tandem"
        and doc["original_file_path"]
        == f"models/{doc['name'].removesuffix('_overview')}/overview.md"
    }
    assert folders - told == set()
    project = manifest["docs"]["doc.tandem.__overview__"]["block_contents"]
    assert [folder for folder in folders if f"| `{folder}` |" not in project] == []


def test_exposures_stand_on_marts(manifest: dict[str, Any]) -> None:
    """What outsiders build on is a mart."""
    plain = {mart["unique_id"] for mart in marts(manifest)}
    wrong = [
        f"{exposure['name']}: {node}"
        for exposure in manifest["exposures"].values()
        for node in exposure["depends_on"]["nodes"]
        if node not in plain
    ]
    assert wrong == []


def test_docs_and_contracts_are_those_of_the_database(
    manifest: dict[str, Any], warehouse: Warehouse
) -> None:
    """Columns in order, types of the marts with precision and scale, what finance may read."""
    warehouse.build()
    real: dict[tuple[str, str], dict[str, str]] = {}
    for row in warehouse.rows(
        """
        select n.nspname as schema, c.relname as name, a.attname as column,
            format_type(a.atttypid, a.atttypmod) as type
        from pg_attribute as a
        inner join pg_class as c on c.oid = a.attrelid
        inner join pg_namespace as n on n.oid = c.relnamespace
        where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v')
        order by n.nspname, c.relname, a.attnum
        """
    ):
        real.setdefault((row["schema"], row["name"]), {})[row["column"]] = row["type"]
    tables = [*nodes(manifest, "model"), *manifest["sources"].values()]
    wrong = []
    for table in tables:
        if table.get("config", {}).get("materialized") == "ephemeral":
            continue
        found = list(real[table["schema"], table["name"]])
        if list(table["columns"]) != found and table["resource_type"] == "model":
            wrong.append(f"{table['name']}: {list(table['columns'])} told, {found} found")
        elif set(table["columns"]) != set(found):
            wrong.append(f"{table['name']}: {set(table['columns']) ^ set(found)}")
    assert wrong == []

    names = {"timestamptz": "timestamp with time zone", "time": "time without time zone"}
    for mart in marts(manifest):
        for name, column in mart["columns"].items():
            told = column["data_type"].replace(" ", "")
            found_type = real[mart["schema"], mart["name"]][name]
            if found_type != names.get(told, told):
                wrong.append(f"{mart['name']}.{name}: {told} told, {found_type} found")
    assert wrong == []

    readable = {
        f"{row['schema']}.{row['name']}"
        for row in warehouse.rows(
            """
            select n.nspname as schema, c.relname as name
            from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
            where c.relkind in ('r', 'v') and n.nspname !~ '^(pg_|information_schema)'
                and has_schema_privilege('tandem_finance', n.oid, 'usage')
                and has_table_privilege('tandem_finance', c.oid, 'select')
            """
        )
    }
    assert readable == {
        "accounting.deferred_revenue",
        "accounting.deferred_revenue_roll_forward",
        "accounting.journal",
        "accounting.trial_balance",
        "billing.bill_lines",
        "billing.bills",
        "control.load_control",
        "control.money_control",
        "control.usage_control",
        "settlement.settlement_lines",
        "settlement.settlement_statements",
    }
