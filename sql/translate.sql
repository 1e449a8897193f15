-- Localisation: which columns the answer has, the marks say; so the query is written when it is bound.

CREATE MACRO xb.localise(model, tbl, fields, id := NULL, done := NULL) AS TABLE
    FROM query(_xb_localise(model, tbl::VARCHAR, to_json(fields)::VARCHAR, id, done::VARCHAR)[1].sql);
