-- Recommendations: users travel as one list in the order of their places, which come back.

-- (An argument with an underscore hides no column of the user's, and an argument hides a column of the same name.)
CREATE MACRO xb._wanting(_tbl, _user, _history, _candidates) AS TABLE
    SELECT row_number() OVER () AS place, own, past, among
    FROM (SELECT _user AS own, _history AS past, _candidates AS among FROM query_table(_tbl));

CREATE MACRO xb.recommend(
    model, users, user, k := 10, exclude_seen := true, history := NULL, candidates := NULL, filter := '*',
    diversity := 0.0
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._wanting(users, user, history, candidates)),
    _xb_found AS (
        SELECT unnest(
            _xb_recommend(
                model, k, exclude_seen, diversity::DOUBLE, to_json(filter)::VARCHAR,
                (
                    SELECT list({'user': own, 'history': past, 'candidates': among} ORDER BY place)
                    FROM _xb_given
                )
            ),
            recursive := true
        )
    )
    SELECT _xb_given.own AS user, _xb_found.* EXCLUDE (place)
    FROM _xb_found
    JOIN _xb_given USING (place)
    ORDER BY _xb_given.place, _xb_found.rank;

CREATE MACRO xb._stocked(_tbl, _item) AS TABLE
    SELECT row_number() OVER () AS place, own FROM (SELECT _item AS own FROM query_table(_tbl));

CREATE MACRO xb.similar_items(model, items, item, k := 10, filter := '*') AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._stocked(items, item)),
    _xb_found AS (
        SELECT unnest(
            _xb_similar_items(
                model, k, to_json(filter)::VARCHAR,
                (SELECT list({'item': own} ORDER BY place) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT _xb_given.own AS item, _xb_found.* EXCLUDE (place)
    FROM _xb_found
    JOIN _xb_given USING (place)
    ORDER BY _xb_given.place, _xb_found.rank;
