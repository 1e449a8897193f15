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
    WITH own AS MATERIALIZED (FROM xb._offered("left", lid, ltext, block, beside)),
    other AS MATERIALIZED (FROM xb._offered("right", rid, rtext, block, beside)),
    found AS (
        SELECT unnest(
            _xb_match(
                threshold::DOUBLE, model::VARCHAR, variants,
                (SELECT list(item ORDER BY position) FROM own),
                (SELECT list(item ORDER BY position) FROM other)
            ),
            recursive := true
        )
    )
    SELECT own.id AS lid, other.id AS rid, found.score
    FROM found
    JOIN own ON own.position = found.l
    LEFT JOIN other ON other.position = found.r
    ORDER BY own.position;

CREATE MACRO xb.match_candidates(
    "left", "right", lid, ltext, rid, rtext, block := NULL, beside := NULL, variants := false
) AS TABLE
    WITH own AS MATERIALIZED (FROM xb._offered("left", lid, ltext, block, beside)),
    other AS MATERIALIZED (FROM xb._offered("right", rid, rtext, block, beside)),
    found AS (
        SELECT unnest(
            _xb_match_candidates(
                variants,
                (SELECT list(item ORDER BY position) FROM own),
                (SELECT list(item ORDER BY position) FROM other)
            ),
            recursive := true
        )
    )
    SELECT own.id AS lid, other.id AS rid, found.* EXCLUDE (l, r)
    FROM found
    JOIN own ON own.position = found.l
    JOIN other ON other.position = found.r
    ORDER BY own.position, other.position;
