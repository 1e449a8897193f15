CREATE MACRO xb.build_index(
    index, tbl, id, vec := NULL, text := NULL, encoder := NULL, metric := 'cosine', weights := NULL,
    mode := 'exact'
) AS TABLE
    SELECT unnest(
        _xb_build_index(
            token,
            (SELECT sum(_xb_index_rows(token, index, encoder, id, vec, text))::BIGINT FROM query_table(tbl)),
            index, encoder, metric, weights, mode
        ),
        recursive := true
    )
    FROM (SELECT uuid()::VARCHAR AS token);

CREATE MACRO xb.add_to_index(index, tbl, id, vec := NULL, text := NULL) AS TABLE
    SELECT unnest(
        _xb_add_to_index(
            token,
            (SELECT sum(_xb_index_rows(token, index, '', id, vec, text))::BIGINT FROM query_table(tbl)),
            index
        ),
        recursive := true
    )
    FROM (SELECT uuid()::VARCHAR AS token);

-- Joins: the vectors travel as two lists, and positions in them come back, so that ids keep their type.

CREATE MACRO xb.similarity_join(queries, catalog, qid, qvec, cid, cvec, k := 10, metric := 'cosine') AS TABLE
    WITH asked AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, hash(vec)) AS position, id, vec
        FROM (SELECT qid AS id, qvec AS vec FROM query_table(queries))
    ),
    offered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, hash(vec)) AS position, id, vec
        FROM (SELECT cid AS id, cvec AS vec FROM query_table(catalog))
    ),
    found AS (
        SELECT unnest(
            _xb_similarity_join(
                k, metric,
                (SELECT list(vec ORDER BY position) FROM asked),
                (SELECT list(vec ORDER BY position) FROM offered)
            ),
            recursive := true
        )
    )
    SELECT asked.id AS qid, offered.id AS cid, found.score, found.rank
    FROM found
    JOIN asked ON asked.position = found.q
    JOIN offered ON offered.position = found.c
    ORDER BY asked.position, found.rank;

-- (Inside a macro a column that is named like an argument would be taken for it: hence `own`, `point`.)
CREATE MACRO xb.duplicates(tbl, id, vec, threshold := 0.9, metric := 'cosine') AS TABLE
    WITH numbered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY own, hash(point)) AS position, own, point
        FROM (SELECT id AS own, vec AS point FROM query_table(tbl))
    ),
    found AS (
        SELECT unnest(
            _xb_duplicates(threshold::DOUBLE, metric, (SELECT list(point ORDER BY position) FROM numbered)),
            recursive := true
        )
    )
    SELECT a.own AS id, b.own AS twin, found.score, c.own AS cluster
    FROM found
    JOIN numbered a ON a.position = found.a
    JOIN numbered b ON b.position = found.b
    JOIN numbered c ON c.position = found.cluster
    ORDER BY found.a, found.b;
