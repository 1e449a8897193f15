-- Forecasts: series travel as one list; ids come back as JSON and dates as text, and are given the types of the
-- user's own columns again. (Inside a macro a column that is named like an argument would be taken for it.)

CREATE MACRO xb.forecast(
    model, tbl, id, ts, y, horizon := 8, level := 0.9, known := NULL, rollup := false, expected := NULL,
    expected_sd := NULL, options := {}
) AS TABLE
    WITH _xb_given AS MATERIALIZED (
        SELECT id AS own, ts AS moment, y AS amount, known AS beside FROM query_table(tbl)
    ),
    _xb_found AS (
        SELECT unnest(
            _xb_forecast(
                model, horizon, level::DOUBLE, rollup, expected::DOUBLE, expected_sd::DOUBLE,
                to_json(options)::VARCHAR,
                (SELECT list({'id': own, 'ts': moment, 'y': amount, 'known': beside}) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT
        struct_extract(
            cast_to_type(_xb_found.series::JSON, {'id': (SELECT any_value(own) FROM _xb_given)}), 'id'
        ) AS series,
        _xb_found.step,
        cast_to_type(_xb_found.ds, (SELECT any_value(moment) FROM _xb_given)) AS ds,
        _xb_found.yhat, _xb_found.lo, _xb_found.hi, _xb_found.status
    FROM _xb_found;

-- The whole row travels as well: the delay model reads it.
CREATE MACRO xb.launch(
    products, id, demand, delay := NULL, price := NULL, market := NULL, start := NULL, horizon := 8,
    level := 0.9, price_error := 0.0, draws := 2000
) AS TABLE
    WITH _xb_given AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY own) AS place, own, amount, whole
        FROM (SELECT id AS own, price AS amount, _xb_row AS whole FROM query_table(products) _xb_row)
    ),
    _xb_found AS (
        SELECT unnest(
            _xb_launch(
                demand, delay::VARCHAR, market::VARCHAR, start::TIMESTAMP, horizon, level::DOUBLE,
                price_error::DOUBLE, draws,
                (SELECT list({'id': own, 'price': amount, 'row': whole} ORDER BY place) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT _xb_given.own AS product, _xb_found.* EXCLUDE (place)
    FROM _xb_found
    LEFT JOIN _xb_given ON _xb_given.place = _xb_found.place
    ORDER BY _xb_found.place NULLS LAST;
