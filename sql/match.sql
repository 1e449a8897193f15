-- Matching: texts, blocks and what stands beside them travel as two lists of rows, and positions in them come back.

CREATE MACRO xb.match(
    "left", "right", lid, ltext, rid, rtext, block := NULL, beside := NULL, threshold := 0.5, model := NULL
) AS TABLE
    WITH own AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, text) AS position, id, text, place, more
        FROM (SELECT lid AS id, ltext AS text, block AS place, beside AS more FROM query_table("left"))
    ),
    other AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, text) AS position, id, text, place, more
        FROM (SELECT rid AS id, rtext AS text, block AS place, beside AS more FROM query_table("right"))
    ),
    found AS (
        SELECT unnest(
            _xb_match(
                threshold::DOUBLE, model::VARCHAR,
                (SELECT list({'text': text, 'block': place, 'beside': more} ORDER BY position) FROM own),
                (SELECT list({'text': text, 'block': place, 'beside': more} ORDER BY position) FROM other)
            ),
            recursive := true
        )
    )
    SELECT own.id AS lid, other.id AS rid, found.score
    FROM found
    JOIN own ON own.position = found.l
    LEFT JOIN other ON other.position = found.r
    ORDER BY own.position;

CREATE MACRO xb.match_candidates("left", "right", lid, ltext, rid, rtext, block := NULL, beside := NULL) AS TABLE
    WITH own AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, text) AS position, id, text, place, more
        FROM (SELECT lid AS id, ltext AS text, block AS place, beside AS more FROM query_table("left"))
    ),
    other AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, text) AS position, id, text, place, more
        FROM (SELECT rid AS id, rtext AS text, block AS place, beside AS more FROM query_table("right"))
    ),
    found AS (
        SELECT unnest(
            _xb_match_candidates(
                (SELECT list({'text': text, 'block': place, 'beside': more} ORDER BY position) FROM own),
                (SELECT list({'text': text, 'block': place, 'beside': more} ORDER BY position) FROM other)
            ),
            recursive := true
        )
    )
    SELECT own.id AS lid, other.id AS rid, found.* EXCLUDE (l, r)
    FROM found
    JOIN own ON own.position = found.l
    JOIN other ON other.position = found.r
    ORDER BY own.position, other.position;
