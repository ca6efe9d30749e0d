declare
    place integer;
    used text[] := '{}';
    taken integer[] := '{}';
begin
    for place in 1 .. coalesce(cardinality(ones), 0) loop
        -- an order is used up for a carrier, not for all: three carriers make three pairs
        if not (
            (ones[place] || chr(30) || two_carriers[place]) = any(used)
            or (twos[place] || chr(30) || one_carriers[place]) = any(used)
        ) then
            taken := taken || place;
            used := used
                || (ones[place] || chr(30) || two_carriers[place])
                || (twos[place] || chr(30) || one_carriers[place]);
        end if;
    end loop;
    return taken;
end
