{{ config(unlogged=true) }}

-- Closes made since the last finished build: their records still stand among the unbilled ones,
-- where every reader passes them over.
-- depends_on: {{ ref('catalog_faults') }}

{% set build_state = adapter.get_relation(target.database, 'control', 'build_state')
    if execute else none %}

select closes.close_id
from {{ source('issued', 'closes') }} as closes
{% if build_state is not none %}
    where
        closes.close_id > (select coalesce(max(last_close_id), 0) from {{ build_state }})
{% endif %}
