-- Looks inside. Where rows are named by their place, they travel in the order in which the table gives them.

CREATE MACRO xb.explain(model, tbl, background := 'xb._nothing', per_row := true) AS TABLE
    SELECT unnest(
        _xb_explain(
            model, per_row,
            (SELECT list(t ORDER BY position) FROM (SELECT t, row_number() OVER () AS position FROM query_table(tbl) t)),
            (SELECT list(b) FROM query_table(background) b)
        ),
        recursive := true
    );

CREATE MACRO xb.label_curve(model, tbl, label := NULL, options := {}) AS TABLE
    SELECT unnest(
        _xb_label_curve(
            model, label::VARCHAR, options::JSON::VARCHAR,
            (SELECT list(t ORDER BY hash(t)) FROM query_table(tbl) t)
        ),
        recursive := true
    );

CREATE MACRO xb.weights(source, target, method := 'density_ratio', columns := NULL) AS TABLE
    SELECT unnest(
        _xb_weights(
            method, "columns"::VARCHAR[],
            (SELECT list(s ORDER BY position) FROM (SELECT s, row_number() OVER () AS position FROM query_table(source) s)),
            (SELECT list(t) FROM query_table(target) t)
        ),
        recursive := true
    );

CREATE MACRO xb.domain_similarity(source, target, columns := NULL, model := NULL) AS TABLE
    SELECT unnest(
        _xb_domain_similarity(
            "columns"::VARCHAR[], model::VARCHAR,
            (SELECT list(s) FROM query_table(source) s),
            (SELECT list(t) FROM query_table(target) t)
        ),
        recursive := true
    );
