declare
    place integer;
    kept text;
    given text;
    groups jsonb := '{}';
    orders text[];
begin
    -- every order begins on its own; each pair makes one group of the two of its orders, named after
    -- the order that sorts first
    orders := array(select distinct one.order_key from unnest(ones || twos) as one (order_key));
    select coalesce(jsonb_object_agg(one.order_key, one.order_key), '{}')
    into groups
    from unnest(orders) as one (order_key);
    for place in 1 .. coalesce(cardinality(ones), 0) loop
        kept := least(
            (groups ->> ones[place]) collate "C", (groups ->> twos[place]) collate "C"
        );
        given := greatest(
            (groups ->> ones[place]) collate "C", (groups ->> twos[place]) collate "C"
        );
        if kept != given then
            select jsonb_object_agg(
                one.key, case when one.value = given then kept else one.value end
            )
            into groups
            from jsonb_each_text(groups) as one (key, value);
        end if;
    end loop;
    return query
    select
        one.key,
        one.value
    from jsonb_each_text(groups) as one (key, value);
end
