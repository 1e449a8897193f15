-- Extraction: how many columns the answer has, the model says; so the query is written when it is bound.

CREATE MACRO xb.extract_table(model, tbl, attributes := NULL) AS TABLE
    FROM query(_xb_extract_table(model, tbl::VARCHAR, attributes)[1].sql);
