-- (Inside a macro a column that is named like an argument would be taken for it: hence the underscores.)
CREATE MACRO xb.choose_routes(
    options, demand, lane, cost, quantity, on_time := 1, capacity := NULL, fixed := 0, pool := NULL,
    service_level := 0
) AS TABLE
    WITH offered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY hash(_row)) AS _position, _row.*,
            lane::VARCHAR AS _lane, cost AS _cost, on_time AS _on_time, capacity AS _capacity, fixed AS _fixed,
            pool::VARCHAR AS _pool
        FROM query_table(options) _row
    ),
    wanted AS (SELECT lane::VARCHAR AS _lane, quantity AS _quantity FROM query_table(demand)),
    found AS (
        SELECT unnest(
            _xb_choose_routes(
                service_level,
                (
                    SELECT list(
                        {
                            'lane': _lane, 'cost': _cost, 'on_time': _on_time, 'capacity': _capacity,
                            'fixed': _fixed, 'pool': _pool
                        }
                        ORDER BY _position
                    )
                    FROM offered
                ),
                (SELECT list({'lane': _lane, 'quantity': _quantity} ORDER BY _lane, _quantity) FROM wanted)
            ),
            recursive := true
        )
    )
    SELECT offered.* EXCLUDE (_position, _lane, _cost, _on_time, _capacity, _fixed, _pool),
        found.units, found.share, found.spend
    FROM found
    JOIN offered ON offered._position = found.position
    ORDER BY offered._lane, found.units DESC, offered._position;
