-- Entities: what is compared travels as one list of rows, and positions in it come back.

-- (An argument with an underscore hides no column of the user's: block := text means the column.)
CREATE MACRO xb._offers(_tbl, _id, _market, _text, _beside, _block, _entity) AS TABLE
    SELECT row_number() OVER (ORDER BY market, id, item.text, hash(item)) AS position, market, id, item
    FROM (
        SELECT
            _market AS market, _id AS id,
            {
                'id': _id::VARCHAR, 'market': _market::VARCHAR, 'text': _text, 'block': _block,
                'beside': _beside, 'entity': _entity
            } AS item
        FROM query_table(_tbl)
    );

CREATE MACRO xb.entities(
    tbl, id, market, text, beside := NULL, block := NULL, entity := NULL, threshold := 0.5, many := false,
    variants := false, labels := 'xb._nothing'
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._offers(tbl, id, market, text, beside, block, entity)),
    _xb_found AS (
        SELECT unnest(
            _xb_entities(
                threshold::DOUBLE, many, variants,
                (SELECT list(_xb_row) FROM query_table(labels) _xb_row),
                (SELECT list(item ORDER BY position) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT _xb_found.entity, _xb_given.market, _xb_given.id, _xb_found.score, _xb_found.entity_score
    FROM _xb_found
    JOIN _xb_given USING (position)
    ORDER BY _xb_found.entity, _xb_given.position;

-- Pairs of positions (l, r) with the market, id and text of both offers before them.
CREATE MACRO xb._ends(_found, _given) AS TABLE
    SELECT
        _xb_own.market AS lmarket, _xb_own.id AS lid, _xb_other.market AS rmarket, _xb_other.id AS rid,
        _xb_own.item.text AS ltext, _xb_other.item.text AS rtext, _xb_pair.*
    FROM query_table(_found) _xb_pair
    JOIN query_table(_given) _xb_own ON _xb_own.position = _xb_pair.l
    JOIN query_table(_given) _xb_other ON _xb_other.position = _xb_pair.r;

CREATE MACRO xb.score_pairs(
    tbl, id, market, text, beside := NULL, block := NULL, threshold := 0.5, many := false, variants := false,
    labels := 'xb._nothing'
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._offers(tbl, id, market, text, beside, block, NULL)),
    _xb_found AS (
        SELECT unnest(
            _xb_score_pairs(
                threshold::DOUBLE, many, variants,
                (SELECT list(_xb_row) FROM query_table(labels) _xb_row),
                (SELECT list(item ORDER BY position) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT * EXCLUDE (l, r, ltext, rtext) FROM xb._ends('_xb_found', '_xb_given') ORDER BY score DESC, l, r;

CREATE MACRO xb.review(
    tbl, id, market, text, beside := NULL, block := NULL, n := 50, many := false, variants := false,
    page := NULL, labels := 'xb._nothing'
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._offers(tbl, id, market, text, beside, block, NULL)),
    _xb_found AS (
        SELECT unnest(
            _xb_review(
                n, many, variants, page,
                (SELECT list(_xb_row) FROM query_table(labels) _xb_row),
                (SELECT list(item ORDER BY position) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT * EXCLUDE (l, r) FROM xb._ends('_xb_found', '_xb_given') ORDER BY doubt DESC, l, r;

CREATE MACRO xb.explain_match(
    tbl, id, market, text, lmarket, lid, rmarket, rid, beside := NULL, block := NULL, many := false,
    variants := false, page := NULL, labels := 'xb._nothing'
) AS TABLE
    SELECT unnest(
        _xb_explain_match(
            lmarket::VARCHAR, lid::VARCHAR, rmarket::VARCHAR, rid::VARCHAR, many, variants, page,
            (SELECT list(_xb_row) FROM query_table(labels) _xb_row),
            (SELECT list(item ORDER BY position) FROM xb._offers(tbl, id, market, text, beside, block, NULL))
        ),
        recursive := true
    );

CREATE MACRO xb.compare_pairs(pairs, loffer, roffer) AS TABLE
    WITH _xb_given AS MATERIALIZED (
        SELECT row_number() OVER () AS place, item, one, other
        FROM (SELECT _xb_row AS item, loffer AS one, roffer AS other FROM query_table(pairs) _xb_row)
    ),
    _xb_found AS (
        SELECT unnest(
            _xb_compare_pairs((SELECT list({'left': one, 'right': other} ORDER BY place) FROM _xb_given)),
            recursive := true
        )
    )
    SELECT unnest(_xb_given.item), _xb_found.* EXCLUDE (place)
    FROM _xb_given
    JOIN _xb_found USING (place)
    ORDER BY place;
