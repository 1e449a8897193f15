-- Matching: texts, blocks and what stands beside them travel as two lists of rows, and positions in them come back.

-- (An argument with an underscore hides no column of the user's: block := text means the column.)
CREATE MACRO xb._offered(_tbl, _id, _text, _block, _beside) AS TABLE
    SELECT row_number() OVER (ORDER BY id, item.text) AS position, id, item
    FROM (
        SELECT _id AS id, {'text': _text, 'block': _block, 'beside': _beside} AS item FROM query_table(_tbl)
    );

CREATE MACRO xb.match(
    "left", "right", lid, ltext, rid, rtext, block := NULL, beside := NULL, threshold := 0.5, model := NULL,
    variants := false
) AS TABLE
    WITH _xb_own AS MATERIALIZED (FROM xb._offered("left", lid, ltext, block, beside)),
    _xb_other AS MATERIALIZED (FROM xb._offered("right", rid, rtext, block, beside)),
    _xb_found AS (
        SELECT unnest(
            _xb_match(
                threshold::DOUBLE, model::VARCHAR, variants,
                (SELECT list(item ORDER BY position) FROM _xb_own),
                (SELECT list(item ORDER BY position) FROM _xb_other)
            ),
            recursive := true
        )
    )
    SELECT _xb_own.id AS lid, _xb_other.id AS rid, _xb_found.score
    FROM _xb_found
    JOIN _xb_own ON _xb_own.position = _xb_found.l
    LEFT JOIN _xb_other ON _xb_other.position = _xb_found.r
    ORDER BY _xb_own.position;

CREATE MACRO xb.match_candidates(
    "left", "right", lid, ltext, rid, rtext, block := NULL, beside := NULL, variants := false
) AS TABLE
    WITH _xb_own AS MATERIALIZED (FROM xb._offered("left", lid, ltext, block, beside)),
    _xb_other AS MATERIALIZED (FROM xb._offered("right", rid, rtext, block, beside)),
    _xb_found AS (
        SELECT unnest(
            _xb_match_candidates(
                variants,
                (SELECT list(item ORDER BY position) FROM _xb_own),
                (SELECT list(item ORDER BY position) FROM _xb_other)
            ),
            recursive := true
        )
    )
    SELECT _xb_own.id AS lid, _xb_other.id AS rid, _xb_found.* EXCLUDE (l, r)
    FROM _xb_found
    JOIN _xb_own ON _xb_own.position = _xb_found.l
    JOIN _xb_other ON _xb_other.position = _xb_found.r
    ORDER BY _xb_own.position, _xb_other.position;
