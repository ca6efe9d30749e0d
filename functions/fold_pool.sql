declare
    cycle integer;
    a integer;
    b integer;
    made integer;  -- bucket that an adjustment makes
    about integer;  -- bucket that it is about
    new_buckets integer;
    adjustments integer := coalesce(cardinality(adjustment_ids), 0);
    need bigint;
    taken bigint;
    position_ bigint;
    live bigint;
    room bigint;
    unused bigint;
    -- cycles before this one that are not closed: buckets have not aged in them
    open_cycles integer := cycles_before;
    buckets integer := coalesce(cardinality(bucket_ids), 0);
    bucket_cycles_left integer[] := bucket_cycles_lefts;
    bucket_remaining bigint[] := bucket_remainings;
    bucket_earned_quantity bigint[] := bucket_earned_quantities;
    -- all that ever expired in a bucket, and what of it was sold again
    bucket_lapsed bigint[] := bucket_lapseds;
    bucket_resold bigint[] := bucket_resolds;
    bucket_is_archived boolean[] := array_fill(false, array[buckets]);
    bucket_opening bigint[];
    bucket_given bigint[];
    bucket_debited bigint[];
    bucket_is_extended boolean[];
    bucket_used bigint[];
    bucket_expired bigint[];
    bucket_archived bigint[];
    bucket_from bigint[];
    bucket_to bigint[];
    pool_ended_at date := ended_at_before;
    pool_retention_left integer := retention_left_before;
    is_archived boolean := false;
    expiring_next_age integer;
begin
    for cycle in 1 .. cardinality(cycle_starts) loop
        cycle_start := cycle_starts[cycle];
        demand_quantity := demands[cycle];
        allowance_quantity := allowances[cycle];
        has_rollover := has_rollovers[cycle];
        opening_quantity := 0;
        adjusted_quantity := 0;
        balance_quantity := 0;
        expiring_quantity := 0;
        accumulated_quantity := 0;
        expired_quantity := 0;
        capped_quantity := 0;
        archived_quantity := 0;
        plan_used_quantity := 0;
        rollover_used_quantity := 0;
        is_archived := false;

        for b in 1 .. buckets loop
            bucket_opening[b] := bucket_remaining[b];
            bucket_given[b] := 0;
            bucket_debited[b] := 0;
            bucket_is_extended[b] := false;
            bucket_used[b] := 0;
            bucket_expired[b] := 0;
            bucket_archived[b] := 0;
            bucket_from[b] := null;
            bucket_to[b] := null;
            opening_quantity := opening_quantity + bucket_remaining[b];
        end loop;

        if has_rollover then
            pool_ended_at := null;
            pool_retention_left := null;
        elsif pool_ended_at is null or left_ons[cycle] > pool_ended_at then
            -- no day of it in the open cycles: it ended where they begin
            pool_ended_at := coalesce(left_ons[cycle], cycle_starts[1]);
            -- the cycle in which it ended is not one of those that follow it
            pool_retention_left := retentions[cycle]
                + case when pool_ended_at > cycle_starts[cycle] then 1 else 0 end;
        end if;

        -- Adjustments: those that give units come first, debits after; what they make has its place
        -- in the order of draws whatever the order in which they are taken
        new_buckets := 0;
        for a in 1 .. adjustments loop
            continue when adjustment_cycle_starts[a] != cycle_starts[cycle];
            adjustment_id := adjustment_ids[a];
            applied_quantity := 0;
            charged_quantity := 0;
            status := null;
            made := null;
            about := array_position(bucket_ids, bucket_prefix || to_char(
                adjustment_bucket_starts[a], 'YYYYMMDD') || '-plan');
            if adjustment_actions[a] in ('credit', 'resale') then
                new_buckets := new_buckets + 1;
                made := buckets + adjustment_ranks[a];
                bucket_ids[made] := bucket_prefix || to_char(cycle_starts[cycle], 'YYYYMMDD')
                    || '-' || case adjustment_actions[a]
                        when 'credit' then 'adjustment' else 'resale'
                    end || '-' || adjustment_ids[a];
                bucket_sources[made] := case adjustment_actions[a]
                    when 'credit' then 'adjustment' else 'resale'
                end;
                bucket_earned_starts[made] := cycle_starts[cycle];
                bucket_available_froms[made] := cycle_starts[cycle];
                bucket_cycles_left[made] := 0;
                bucket_earned_quantity[made] := 0;
                bucket_remaining[made] := 0;
                bucket_opening[made] := 0;
                bucket_given[made] := 0;
                bucket_debited[made] := 0;
                bucket_is_extended[made] := false;
                bucket_used[made] := 0;
                bucket_expired[made] := 0;
                bucket_archived[made] := 0;
                bucket_from[made] := null;
                bucket_to[made] := null;
                bucket_lapsed[made] := 0;
                bucket_resold[made] := 0;
                bucket_is_archived[made] := false;
            end if;
            if not has_rollover then
                status := 'no_rollover';
            elsif adjustment_actions[a] = 'debit' then
                -- the new buckets stand in drawing order already: none gives units after a debit
                for b in 1 .. buckets + new_buckets loop
                    exit when applied_quantity = adjustment_quantities[a];
                    if bucket_remaining[b] > 0
                        and bucket_available_froms[b] <= cycle_starts[cycle]
                        and bucket_cycles_left[b] > open_cycles
                    then
                        taken := least(
                            adjustment_quantities[a] - applied_quantity, bucket_remaining[b]
                        );
                        bucket_debited[b] := bucket_debited[b] + taken;
                        bucket_remaining[b] := bucket_remaining[b] - taken;
                        applied_quantity := applied_quantity + taken;
                    end if;
                end loop;
                adjusted_quantity := adjusted_quantity - applied_quantity;
            elsif adjustment_actions[a] = 'extension' then
                if about is not null
                    and bucket_cycles_left[about] > open_cycles
                    and not bucket_is_archived[about]
                then
                    bucket_cycles_left[about] := bucket_cycles_left[about]
                        + adjustment_extend_cycles[a];
                    bucket_is_extended[about] := true;
                    applied_quantity := adjustment_quantities[a];
                    charged_quantity := bucket_opening[about];
                end if;
            else
                applied_quantity := adjustment_quantities[a];
                if adjustment_actions[a] = 'resale' then
                    applied_quantity := least(
                        applied_quantity,
                        coalesce(bucket_lapsed[about] - bucket_resold[about], 0)
                    );
                    charged_quantity := applied_quantity;
                    if applied_quantity > 0 then
                        bucket_resold[about] := bucket_resold[about] + applied_quantity;
                    end if;
                    if applied_quantity < adjustment_quantities[a] then
                        status := 'over_resale';
                    end if;
                end if;
                bucket_earned_quantity[made] := applied_quantity;
                bucket_given[made] := applied_quantity;
                bucket_remaining[made] := applied_quantity;
                -- a life of X cycles, this one counted
                bucket_cycles_left[made] := rollover_lives[cycle] + open_cycles;
                adjusted_quantity := adjusted_quantity + applied_quantity;
            end if;
            bucket_id := case
                when adjustment_actions[a] = 'credit' and applied_quantity > 0
                    then bucket_ids[made]
                when adjustment_actions[a] in ('resale', 'extension') then bucket_ids[about]
            end;
            return next;
        end loop;
        buckets := buckets + new_buckets;
        adjustment_id := null;

        for b in 1 .. buckets loop
            if has_rollover
                and bucket_available_froms[b] <= cycle_starts[cycle]
                and bucket_cycles_left[b] > open_cycles
            then
                balance_quantity := balance_quantity + bucket_remaining[b];
                if bucket_cycles_left[b] = open_cycles + 1 then
                    expiring_quantity := expiring_quantity + bucket_remaining[b];
                end if;
            end if;
        end loop;

        -- Draw: the axis of the cycle's units is cut into ranges, one per source in burn order
        need := demand_quantity;
        position_ := 0;
        plan_from := 0;
        plan_to := allowance_quantity;
        if is_closings[cycle] and reported_useds[cycle] is not null then
            -- another system billed the cycle: it says what was used, we say what there was
            demand_quantity := reported_plan_useds[cycle] + reported_overages[cycle];
            plan_used_quantity := reported_plan_useds[cycle];
            need := reported_useds[cycle];
            position_ := allowance_quantity;
        elsif not is_rollover_firsts[cycle] or not has_rollover then
            plan_used_quantity := least(need, allowance_quantity);
            need := need - plan_used_quantity;
            position_ := allowance_quantity;
        end if;
        rollover_from := position_;
        if has_rollover then
            for b in 1 .. buckets loop
                if bucket_remaining[b] > 0
                    and bucket_available_froms[b] <= cycle_starts[cycle]
                    and bucket_cycles_left[b] > open_cycles
                then
                    taken := least(need, bucket_remaining[b]);
                    bucket_from[b] := position_;
                    bucket_to[b] := position_ + bucket_remaining[b];
                    position_ := bucket_to[b];
                    bucket_used[b] := taken;
                    bucket_remaining[b] := bucket_remaining[b] - taken;
                    need := need - taken;
                    rollover_used_quantity := rollover_used_quantity + taken;
                end if;
            end loop;
        end if;
        rollover_to := position_;
        if is_closings[cycle] and reported_useds[cycle] is not null then
            need := reported_overages[cycle] - rollover_used_quantity;
        elsif is_rollover_firsts[cycle] and has_rollover then
            plan_from := position_;
            plan_to := position_ + allowance_quantity;
            plan_used_quantity := least(need, allowance_quantity);
            need := need - plan_used_quantity;
        end if;
        overage_quantity := need;

        if is_closings[cycle] then
            live := 0;
            if has_rollover then
                -- Expire: the last cycle of a bucket's life is over
                for b in 1 .. buckets loop
                    if bucket_cycles_left[b] > 0
                        and bucket_available_froms[b] <= cycle_starts[cycle]
                    then
                        bucket_cycles_left[b] := bucket_cycles_left[b] - 1;
                        if bucket_cycles_left[b] = 0 then
                            bucket_expired[b] := bucket_remaining[b];
                            bucket_lapsed[b] := bucket_lapsed[b] + bucket_remaining[b];
                            bucket_remaining[b] := 0;
                            expired_quantity := expired_quantity + bucket_expired[b];
                        end if;
                    end if;
                    live := live + bucket_remaining[b];
                end loop;
                -- Earn: what is left of the allowance; the cap limits only the new bucket
                unused := allowance_quantity - plan_used_quantity;
                room := greatest(coalesce(rollover_caps[cycle] - live, unused), 0);
                accumulated_quantity := least(unused, room, reported_accumulateds[cycle]);
                capped_quantity := unused - accumulated_quantity;
                if accumulated_quantity > 0 then
                    buckets := buckets + 1;
                    bucket_ids[buckets] := bucket_prefix
                        || to_char(cycle_starts[cycle], 'YYYYMMDD') || '-plan';
                    bucket_sources[buckets] := 'plan';
                    bucket_earned_starts[buckets] := cycle_starts[cycle];
                    bucket_available_froms[buckets] := cycle_ends[cycle];
                    bucket_cycles_left[buckets] := rollover_lives[cycle];
                    bucket_earned_quantity[buckets] := accumulated_quantity;
                    bucket_remaining[buckets] := accumulated_quantity;
                    bucket_lapsed[buckets] := 0;
                    bucket_resold[buckets] := 0;
                    bucket_is_archived[buckets] := false;
                    bucket_opening[buckets] := 0;
                    bucket_given[buckets] := 0;
                    bucket_debited[buckets] := 0;
                    bucket_is_extended[buckets] := false;
                    bucket_used[buckets] := 0;
                    bucket_expired[buckets] := 0;
                    bucket_archived[buckets] := 0;
                    bucket_from[buckets] := null;
                    bucket_to[buckets] := null;
                end if;
            else
                -- Leaving: frozen buckets do not age; after the cycles of retention they are
                -- archived
                pool_retention_left := greatest(pool_retention_left - 1, 0);
                if pool_retention_left = 0 then
                    for b in 1 .. buckets loop
                        bucket_archived[b] := bucket_remaining[b];
                        bucket_is_archived[b] := bucket_is_archived[b] or bucket_remaining[b] > 0;
                        bucket_remaining[b] := 0;
                        archived_quantity := archived_quantity + bucket_archived[b];
                    end loop;
                    is_archived := true;
                end if;
            end if;
        end if;

        -- one row per bucket that lived in the cycle
        for b in 1 .. buckets loop
            if bucket_opening[b] > 0
                or bucket_given[b] > 0
                or bucket_remaining[b] > 0
                or bucket_is_extended[b]
            then
                bucket_id := bucket_ids[b];
                source := bucket_sources[b];
                earned_cycle_start := bucket_earned_starts[b];
                available_from := bucket_available_froms[b];
                cycles_left := bucket_cycles_left[b];
                earned_quantity := bucket_earned_quantity[b];
                bucket_opening_quantity := bucket_opening[b];
                bucket_given_quantity := bucket_given[b];
                bucket_debited_quantity := bucket_debited[b];
                bucket_accumulated_quantity := case
                    when bucket_opening[b] = 0 and bucket_given[b] = 0 then bucket_remaining[b]
                    else 0
                end;
                bucket_used_quantity := bucket_used[b];
                bucket_expired_quantity := bucket_expired[b];
                bucket_archived_quantity := bucket_archived[b];
                bucket_remaining_quantity := bucket_remaining[b];
                range_from := bucket_from[b];
                range_to := bucket_to[b];
                status := case
                    when bucket_archived[b] > 0 then 'archived'
                    when bucket_expired[b] > 0 then 'expired'
                    when bucket_remaining[b] = 0 then 'depleted'
                    when not has_rollover then 'retained'
                    else 'available'
                end;
                return next;
            end if;
        end loop;

        -- and one for the pool
        closing_quantity := opening_quantity + adjusted_quantity - rollover_used_quantity - expired_quantity
            + accumulated_quantity - archived_quantity;
        expiring_next_quantity := 0;
        expiring_next_age := case when is_closings[cycle] then 1 else 2 end;
        for b in 1 .. buckets loop
            if bucket_cycles_left[b] - open_cycles = expiring_next_age then
                expiring_next_quantity := expiring_next_quantity + bucket_remaining[b];
            end if;
        end loop;
        ended_at := pool_ended_at;
        retention_cycles_left := pool_retention_left;
        bucket_id := null;
        status := case
            when has_rollover then 'active'
            when is_archived and archived_quantity > 0 then 'archived'
            when opening_quantity > 0 then 'retained'
            else 'none'
        end;
        return next;

        if not is_closings[cycle] then
            open_cycles := open_cycles + 1;
        end if;
    end loop;
end
