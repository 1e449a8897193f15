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
    WITH _xb_asked AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, hash(vec)) AS position, id, vec
        FROM (SELECT qid AS id, qvec AS vec FROM query_table(queries))
    ),
    _xb_offered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id, hash(vec)) AS position, id, vec
        FROM (SELECT cid AS id, cvec AS vec FROM query_table(catalog))
    ),
    _xb_found AS (
        SELECT unnest(
            _xb_similarity_join(
                k, metric,
                (SELECT list(vec ORDER BY position) FROM _xb_asked),
                (SELECT list(vec ORDER BY position) FROM _xb_offered)
            ),
            recursive := true
        )
    )
    SELECT _xb_asked.id AS qid, _xb_offered.id AS cid, _xb_found.score, _xb_found.rank
    FROM _xb_found
    JOIN _xb_asked ON _xb_asked.position = _xb_found.q
    JOIN _xb_offered ON _xb_offered.position = _xb_found.c
    ORDER BY _xb_asked.position, _xb_found.rank;

-- (Inside a macro a column that is named like an argument would be taken for it: hence `own`, `point`.)
CREATE MACRO xb.duplicates(tbl, id, vec, threshold := 0.9, metric := 'cosine') AS TABLE
    WITH _xb_numbered AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY own, hash(point)) AS position, own, point
        FROM (SELECT id AS own, vec AS point FROM query_table(tbl))
    ),
    _xb_found AS (
        SELECT unnest(
            _xb_duplicates(threshold::DOUBLE, metric, (SELECT list(point ORDER BY position) FROM _xb_numbered)),
            recursive := true
        )
    )
    SELECT a.own AS id, b.own AS twin, _xb_found.score, c.own AS cluster
    FROM _xb_found
    JOIN _xb_numbered a ON a.position = _xb_found.a
    JOIN _xb_numbered b ON b.position = _xb_found.b
    JOIN _xb_numbered c ON c.position = _xb_found.cluster
    ORDER BY _xb_found.a, _xb_found.b;
