-- (Inside a macro a column that is named like an argument would be taken for it, and a table named like one of the
-- macro's own would be read in its place: hence the names that begin with _xb_.)
CREATE MACRO xb.choose_routes(
    options, demand, lane, cost, quantity, on_time := 1, capacity := NULL, fixed := 0, pool := NULL,
    service_level := 0
) AS TABLE
    WITH _xb_offered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY hash(_xb_row)) AS _xb_position, _xb_row.*,
            lane::VARCHAR AS _xb_lane, cost AS _xb_cost, on_time AS _xb_on_time, capacity AS _xb_capacity,
            fixed AS _xb_fixed, pool::VARCHAR AS _xb_pool
        FROM query_table(options) _xb_row
    ),
    _xb_wanted AS (SELECT lane::VARCHAR AS _xb_lane, quantity AS _xb_quantity FROM query_table(demand)),
    _xb_found AS (
        SELECT unnest(
            _xb_choose_routes(
                service_level,
                (
                    SELECT list(
                        {
                            'lane': _xb_lane, 'cost': _xb_cost, 'on_time': _xb_on_time,
                            'capacity': _xb_capacity, 'fixed': _xb_fixed, 'pool': _xb_pool
                        }
                        ORDER BY _xb_position
                    )
                    FROM _xb_offered
                ),
                (
                    SELECT list({'lane': _xb_lane, 'quantity': _xb_quantity} ORDER BY _xb_lane, _xb_quantity)
                    FROM _xb_wanted
                )
            ),
            recursive := true
        )
    )
    SELECT
        _xb_offered.* EXCLUDE (
            _xb_position, _xb_lane, _xb_cost, _xb_on_time, _xb_capacity, _xb_fixed, _xb_pool
        ),
        _xb_found.units, _xb_found.share, _xb_found.spend
    FROM _xb_found
    JOIN _xb_offered ON _xb_offered._xb_position = _xb_found.position
    ORDER BY _xb_offered._xb_lane, _xb_found.units DESC, _xb_offered._xb_position;
