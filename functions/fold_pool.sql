declare
    cycle integer;
    b integer;
    need bigint;
    taken bigint;
    position_ bigint;
    live bigint;
    room bigint;
    unused bigint;
    open_cycles integer := 0;  -- cycles before this one that are not closed: buckets have not aged in them
    buckets integer := coalesce(cardinality(bucket_ids), 0);
    bucket_cycles_left integer[] := bucket_cycles_lefts;
    bucket_remaining bigint[] := bucket_remainings;
    bucket_earned_quantity bigint[] := bucket_earned_quantities;
    bucket_opening bigint[];
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
        accumulated_quantity := 0;
        expired_quantity := 0;
        capped_quantity := 0;
        archived_quantity := 0;
        plan_used_quantity := 0;
        rollover_used_quantity := 0;
        is_archived := false;

        for b in 1 .. buckets loop
            bucket_opening[b] := bucket_remaining[b];
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

        -- Draw: the axis of the cycle's units is cut into ranges, one per source in burn order
        need := demand_quantity;
        position_ := 0;
        plan_from := 0;
        plan_to := allowance_quantity;
        if not is_rollover_firsts[cycle] or not has_rollover then
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
        if is_rollover_firsts[cycle] and has_rollover then
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
                    if bucket_opening[b] > 0 then
                        bucket_cycles_left[b] := bucket_cycles_left[b] - 1;
                        if bucket_cycles_left[b] <= 0 then
                            bucket_expired[b] := bucket_remaining[b];
                            bucket_remaining[b] := 0;
                            expired_quantity := expired_quantity + bucket_expired[b];
                        end if;
                    end if;
                    live := live + bucket_remaining[b];
                end loop;
                -- Earn: what is left of the allowance; the cap limits only the new bucket
                unused := allowance_quantity - plan_used_quantity;
                room := greatest(coalesce(rollover_caps[cycle] - live, unused), 0);
                accumulated_quantity := least(unused, room);
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
                    bucket_opening[buckets] := 0;
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
                        bucket_remaining[b] := 0;
                        archived_quantity := archived_quantity + bucket_archived[b];
                    end loop;
                    is_archived := true;
                end if;
            end if;
        end if;

        -- one row per bucket that lived in the cycle
        for b in 1 .. buckets loop
            if bucket_opening[b] > 0 or bucket_remaining[b] > 0 then
                bucket_id := bucket_ids[b];
                source := bucket_sources[b];
                earned_cycle_start := bucket_earned_starts[b];
                available_from := bucket_available_froms[b];
                cycles_left := bucket_cycles_left[b];
                earned_quantity := bucket_earned_quantity[b];
                bucket_opening_quantity := bucket_opening[b];
                bucket_accumulated_quantity := case
                    when bucket_opening[b] = 0 then bucket_remaining[b] else 0
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
        closing_quantity := opening_quantity - rollover_used_quantity - expired_quantity
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
