-- Actions: each returns rows and runs once; an identical call finds the version that the first one made.
-- Rows are sorted by their hash, so that the same data give the same model whatever their order.

CREATE MACRO xb.fit(model, data, label, task := 'auto', market := NULL, options := {}) AS TABLE
    SELECT unnest(
        _xb_fit(
            model, label, task, market::VARCHAR, options::JSON::VARCHAR,
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(data) _row)
        ),
        recursive := true
    );

CREATE MACRO xb.transfer(
    model, data, label, base := NULL, source := 'xb._nothing', market := NULL, method := 'auto', options := {}
) AS TABLE
    SELECT unnest(
        _xb_transfer(
            model, label, base::VARCHAR, market::VARCHAR, method, options::JSON::VARCHAR,
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(data) _row),
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(source) _row)
        ),
        recursive := true
    );

CREATE MACRO xb.promote(model, version) AS TABLE
    SELECT unnest(_xb_promote(model, version::VARCHAR), recursive := true);

CREATE MACRO xb.drop_model(model) AS TABLE SELECT unnest(_xb_drop_model(model), recursive := true);
