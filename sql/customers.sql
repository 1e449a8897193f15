-- Customers: lines of sales travel as one list with the places of their customers, which come back.

-- (An argument with an underscore hides no column of the user's, and an argument hides a column of the same name.)
CREATE MACRO xb._bought(_tbl, _user, _ts, _amount, _basket, _category) AS TABLE
    SELECT
        own, CASE WHEN own IS NOT NULL THEN dense_rank() OVER (ORDER BY own) END AS place,
        moment::TIMESTAMP AS moment, paid::DOUBLE AS paid, together::VARCHAR AS together,
        kind::VARCHAR AS kind
    FROM (
        SELECT _user AS own, _ts AS moment, _amount AS paid, _basket AS together, _category AS kind
        FROM query_table(_tbl)
    );

CREATE MACRO xb.profile(
    tbl, user, ts, amount, basket := NULL, category := NULL, home := 'xb._nothing', until := NULL,
    horizon := 90, level := 0.9, segments := 5
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._bought(tbl, user, ts, amount, basket, category)),
    _xb_found AS (
        SELECT unnest(
            _xb_profile(
                until::TIMESTAMP, horizon, level::DOUBLE, segments,
                (
                    SELECT list(
                        {
                            'user': place, 'ts': moment, 'amount': paid, 'basket': together,
                            'category': kind
                        }
                        ORDER BY place, moment, paid, together, kind
                    )
                    FROM _xb_given
                ),
                (SELECT list(_xb_row) FROM query_table(home) _xb_row)
            ),
            recursive := true
        )
    )
    SELECT _xb_own.own AS user, _xb_found.* EXCLUDE (place)
    FROM _xb_found
    JOIN (SELECT place, any_value(own) AS own FROM _xb_given GROUP BY place) _xb_own USING (place)
    ORDER BY _xb_own.place;
