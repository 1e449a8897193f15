-- The rows travel as one list; the places that come back are named by the user's own column where one is given.
-- (Its type is then that of `row`. Without one the default's NULLs leave the places, as
-- BIGINT; as VARCHAR where a bare NULL was given, which has no type to cast to.)

CREATE MACRO xb._named(_tbl, _id) AS TABLE
    SELECT list(own ORDER BY place) AS known, count(own) AS named, list(item ORDER BY place) AS items
    FROM (
        SELECT own, item, row_number() OVER () AS place
        FROM (SELECT _id AS own, _xb_row AS item FROM query_table(_tbl) _xb_row)
    );

CREATE MACRO xb.explain(model, tbl, background := 'xb._nothing', per_row := true, id := NULL::BIGINT) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._named(tbl, id)),
    _xb_found AS (
        SELECT unnest(
            _xb_explain(
                model, per_row,
                (SELECT items FROM _xb_given),
                (SELECT list(_xb_row) FROM query_table(background) _xb_row)
            ),
            recursive := true
        )
    )
    SELECT
        CASE WHEN named > 0 THEN known[place] ELSE TRY(cast_to_type(place::VARCHAR, coalesce(known[1], '0'))) END AS row,
        label, feature, value, contribution
    FROM _xb_found, (SELECT known, named FROM _xb_given);

CREATE MACRO xb.weights(source, target, method := 'density_ratio', columns := NULL, id := NULL::BIGINT) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._named(source, id)),
    _xb_found AS (
        SELECT unnest(
            _xb_weights(
                method, "columns",
                (SELECT items FROM _xb_given),
                (SELECT list(_xb_row) FROM query_table(target) _xb_row)
            ),
            recursive := true
        )
    )
    SELECT
        CASE WHEN named > 0 THEN known[place] ELSE TRY(cast_to_type(place::VARCHAR, coalesce(known[1], '0'))) END AS row,
        weight
    FROM _xb_found, (SELECT known, named FROM _xb_given);

CREATE MACRO xb.suggest_labels(model, tbl, n := 50, "by" := NULL, seed := 0, id := NULL::BIGINT) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._named(tbl, id)),
    _xb_found AS (
        SELECT unnest(
            _xb_suggest_labels(model, n, "by", seed, (SELECT items FROM _xb_given)),
            recursive := true
        )
    )
    SELECT
        CASE WHEN named > 0 THEN known[place] ELSE TRY(cast_to_type(place::VARCHAR, coalesce(known[1], '0'))) END AS row,
        part, weight, doubt
    FROM _xb_found, (SELECT known, named FROM _xb_given);
