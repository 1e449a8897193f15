-- Whole sets: the rows travel as one list, since DuckDB has no table functions written in Python.

CREATE MACRO xb.predict_table(model, tbl, shift := false) AS TABLE
    SELECT t.*, unnest(_xb_predict_table(model, "shift"::BOOLEAN, t)) FROM query_table(tbl) t;

CREATE MACRO xb.evaluate(model, tbl, label := NULL, by := NULL) AS TABLE
    SELECT unnest(
        _xb_evaluate(
            model, label::VARCHAR, "by"::VARCHAR, (SELECT list(t ORDER BY hash(t)) FROM query_table(tbl) t)
        ),
        recursive := true
    );
