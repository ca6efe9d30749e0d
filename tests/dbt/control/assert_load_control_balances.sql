-- Every row of every file is billable, a repetition or refused with a reason. A row here would be
-- calls that nobody is billed for and nobody knows of.

select
    load_id,
    rows_read,
    accepted,
    duplicate,
    rejected
from {{ ref('load_control') }}
where rows_read is distinct from accepted + duplicate + rejected
