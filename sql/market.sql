-- Two markets made alike. A table of rates is kept once and named, as DuckDB would hand its rows to every row.

CREATE MACRO xb.convert(value, unit, new_unit) AS _xb_convert(value, unit, new_unit);

CREATE MACRO xb.to_currency(amount, currency, new_currency, rates, day := NULL) AS
    _xb_to_currency(
        amount, currency, new_currency, day, (SELECT _xb_keep_rates(list(_row)) FROM query_table(rates) _row)
    );

CREATE MACRO xb.parse_number(text, market) AS _xb_parse_number(text, market);

CREATE MACRO xb.parse_date(text, market) AS _xb_parse_date(text, market);

CREATE MACRO xb.holiday(day, market) AS _xb_holiday(day, market);

CREATE MACRO xb.workdays("first", "last", market) AS _xb_workdays("first", "last", market);

CREATE MACRO xb.align_columns(source, target) AS TABLE
    SELECT unnest(
        _xb_align_columns(
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(source) _row),
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(target) _row)
        ),
        recursive := true
    );

CREATE MACRO xb.lint(source, target, label := NULL) AS TABLE
    SELECT unnest(
        _xb_lint(
            label::VARCHAR,
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(source) _row),
            (SELECT list(_row ORDER BY hash(_row)) FROM query_table(target) _row)
        ),
        recursive := true
    );
