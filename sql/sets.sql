-- Whole sets: the rows travel as one list, since DuckDB has no table functions written in Python.

CREATE MACRO xb.predict_table(model, tbl, shift := false) AS TABLE
    SELECT _row.*, unnest(_xb_predict_table(model, "shift"::BOOLEAN, _row)) FROM query_table(tbl) _row;

CREATE MACRO xb.evaluate(model, tbl, label := NULL, by := NULL) AS TABLE
    SELECT unnest(
        _xb_evaluate(
            model, label::VARCHAR, "by"::VARCHAR, (SELECT list(_row ORDER BY hash(_row)) FROM query_table(tbl) _row)
        ),
        recursive := true
    );
