{#-
    The end of a materialization that replaced its relation in place: grants, comments, hooks, commit.
    Grants are only added: those that others gave stay.

    Args:
        target: the relation.
-#}
{% macro finish_in_place(target) %}
    {%- do apply_grants(target, config.get('grants'), should_revoke=False) -%}
    {%- do persist_docs(target, model) -%}
    {%- do run_hooks(post_hooks, inside_transaction=True) -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(post_hooks, inside_transaction=False) -%}
{% endmacro %}
