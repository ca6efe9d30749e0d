-- Rollover units were paid for when they were earned; they can be used, debited, expire or be left,
-- once. A row here would be units that a subscriber lost, or gets twice.
{{ config(meta={
    'invariant': 'Units are conserved',
    'proves': 'each bucket: earned = used + debited + expired + remaining, none below zero',
}) }}

select
    account_id,
    bucket_id,
    earned_quantity,
    used_quantity,
    debited_quantity,
    expired_quantity,
    remaining_quantity
from {{ ref('rollover_buckets') }}
where
    earned_quantity is distinct from (
        used_quantity + debited_quantity + expired_quantity + remaining_quantity
    )
    or least(
        used_quantity, debited_quantity, expired_quantity, remaining_quantity
    ) < 0
