-- Made from the declarations in xbsql/surface by `make docs`; changes belong there.
-- What is written by hand stands beside this file.

CREATE MACRO xb.adapt(model, data, label, ts := NULL, id := NULL, options := {}) AS TABLE
    SELECT unnest(_xb_adapt(
        model, label, ts, id, to_json(options)::VARCHAR,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(data) _xb_row)
    ), recursive := true);

CREATE MACRO xb.add_events(model, tbl) AS TABLE
    SELECT unnest(_xb_add_events(
        model,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.align_columns(source, target) AS TABLE
    SELECT unnest(_xb_align_columns(
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(source) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(target) _xb_row)
    ), recursive := true);

CREATE MACRO xb.backtest(model, tbl, origins := 3, horizon := NULL, level := 0.9) AS TABLE
    SELECT unnest(_xb_backtest(
        model, origins, horizon, level,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.classify(model, input) AS
    _xb_classify(model, input);

CREATE MACRO xb.convert(value, unit, new_unit) AS
    _xb_convert(value, unit, new_unit);

CREATE MACRO xb.delete_from_index(index, ids) AS TABLE
    SELECT unnest(_xb_delete_from_index(index, ids), recursive := true);

CREATE MACRO xb.domain_similarity(source, target, "columns" := NULL, model := NULL) AS TABLE
    SELECT unnest(_xb_domain_similarity(
        "columns", model,
        (SELECT list(_xb_row) FROM query_table(source) _xb_row),
        (SELECT list(_xb_row) FROM query_table(target) _xb_row)
    ), recursive := true);

CREATE MACRO xb.drift(model, tbl, reference := 'xb._nothing', alpha := 0.01) AS TABLE
    SELECT unnest(_xb_drift(
        model, alpha,
        (SELECT list(_xb_row) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row) FROM query_table(reference) _xb_row)
    ), recursive := true);

CREATE MACRO xb.drop_index(index) AS TABLE
    SELECT unnest(_xb_drop_index(index), recursive := true);

CREATE MACRO xb.drop_model(model) AS TABLE
    SELECT unnest(_xb_drop_model(model), recursive := true);

CREATE MACRO xb.embed(text, model := 'text') AS
    _xb_embed(text, model);

CREATE MACRO xb.embed_both(text, blob, model := 'image', share := 0.5) AS
    _xb_embed_both(text, blob, model, share);

CREATE MACRO xb.embed_image(blob, model := 'image') AS
    _xb_embed_image(blob, model);

CREATE MACRO xb.estimate(function, tbl, label, base := NULL, source := 'xb._nothing', options := {}) AS TABLE
    SELECT unnest(_xb_estimate(
        function, label, base, to_json(options)::VARCHAR,
        (SELECT list(_xb_row) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row) FROM query_table(source) _xb_row)
    ), recursive := true);

CREATE MACRO xb.evaluate(model, tbl, label := NULL, "by" := NULL) AS TABLE
    SELECT unnest(_xb_evaluate(
        model, label, "by",
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.export_booster(model, path) AS TABLE
    SELECT unnest(_xb_export_booster(model, path), recursive := true);

CREATE MACRO xb.extract(model, input, attributes := NULL) AS
    _xb_extract(model, input, attributes);

CREATE MACRO xb.fit(model, data, label, task := 'auto', market := NULL, options := {}) AS TABLE
    SELECT unnest(_xb_fit(
        model, label, task, market, to_json(options)::VARCHAR,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(data) _xb_row)
    ), recursive := true);

CREATE MACRO xb.gain_shares(data, label, source, options := {}) AS TABLE
    SELECT unnest(_xb_gain_shares(
        label, to_json(options)::VARCHAR,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(data) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(source) _xb_row)
    ), recursive := true);

CREATE MACRO xb.help(name := NULL) AS TABLE
    SELECT unnest(_xb_help(name), recursive := true);

CREATE MACRO xb.history(model) AS TABLE
    SELECT unnest(_xb_history(model), recursive := true);

CREATE MACRO xb.holiday(day, market) AS
    _xb_holiday(day, market);

CREATE MACRO xb.image_info(blob) AS
    _xb_image_info(blob);

CREATE MACRO xb.import_booster(model, path, label, classes := NULL, market := NULL) AS TABLE
    SELECT unnest(_xb_import_booster(model, path, label, classes, market), recursive := true);

CREATE MACRO xb.indexes() AS TABLE
    SELECT unnest(_xb_indexes(1), recursive := true);

CREATE MACRO xb.label_curve(model, tbl, label := NULL, options := {}) AS TABLE
    SELECT unnest(_xb_label_curve(
        model, label, to_json(options)::VARCHAR,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.language(text) AS
    _xb_language(text);

CREATE MACRO xb.last_calls() AS TABLE
    SELECT unnest(_xb_last_calls(1), recursive := true);

CREATE MACRO xb.lint(source, target := 'xb._nothing', label := NULL) AS TABLE
    SELECT unnest(_xb_lint(
        label,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(source) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(target) _xb_row)
    ), recursive := true);

CREATE MACRO xb.map_taxonomy("left", "right", label, name := NULL, options := {}) AS TABLE
    SELECT unnest(_xb_map_taxonomy(
        label, name, to_json(options)::VARCHAR,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table("left") _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table("right") _xb_row)
    ), recursive := true);

CREATE MACRO xb.market_facts(home := NULL) AS TABLE
    SELECT unnest(_xb_market_facts(home), recursive := true);

CREATE MACRO xb.market_report(
    home, candidates, path, "columns" := {}, home_market := NULL, facts := 'xb._nothing', rates := 'xb._nothing', models := NULL
) AS TABLE
    SELECT unnest(_xb_market_report(
        path, to_json(columns)::VARCHAR, home_market, models,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(home) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(candidates) _xb_row),
        (SELECT list(_xb_row) FROM query_table(facts) _xb_row),
        (SELECT list(_xb_row) FROM query_table(rates) _xb_row)
    ), recursive := true);

CREATE MACRO xb.market_sensitivity(
    tbl, currency, rates := 'xb._nothing', duties := 'xb._nothing', vat := 'xb._nothing', level := 0.9, correlation := 0.5, seed := 0
) AS TABLE
    SELECT unnest(_xb_market_sensitivity(
        currency, level, correlation, seed,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row) FROM query_table(rates) _xb_row),
        (SELECT list(_xb_row) FROM query_table(duties) _xb_row),
        (SELECT list(_xb_row) FROM query_table(vat) _xb_row)
    ), recursive := true);

CREATE MACRO xb.market_similarity(
    home, candidates, "columns" := {}, home_market := NULL, facts := 'xb._nothing', rates := 'xb._nothing', seed := 0
) AS TABLE
    SELECT unnest(_xb_market_similarity(
        to_json(columns)::VARCHAR, home_market, seed,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(home) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(candidates) _xb_row),
        (SELECT list(_xb_row) FROM query_table(facts) _xb_row),
        (SELECT list(_xb_row) FROM query_table(rates) _xb_row)
    ), recursive := true);

CREATE MACRO xb.model_card(model) AS TABLE
    SELECT unnest(_xb_model_card(model), recursive := true);

CREATE MACRO xb.models() AS TABLE
    SELECT unnest(_xb_models(1), recursive := true);

CREATE MACRO xb.newsvendor(levels, quantiles, underage, overage) AS
    _xb_newsvendor(levels, quantiles, underage, overage);

CREATE MACRO xb.options(task) AS TABLE
    SELECT unnest(_xb_options(task), recursive := true);

CREATE MACRO xb.parse_date(text, market) AS
    _xb_parse_date(text, market);

CREATE MACRO xb.parse_number(text, market) AS
    _xb_parse_number(text, market);

CREATE MACRO xb.picture_sheet(model, tbl, path, home := 'xb._nothing', n := 200) AS TABLE
    SELECT unnest(_xb_picture_sheet(
        model, path, n,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(home) _xb_row)
    ), recursive := true);

CREATE MACRO xb.predict(model, row) AS
    _xb_predict(model, row);

CREATE MACRO xb.predict_table(model, tbl, "shift" := false) AS TABLE
    SELECT _xb_row.*, unnest(_xb_predict_table(_xb_named.model, "shift", _xb_row)) FROM query_table(tbl) _xb_row,
        (SELECT _xb_existing('predict_table', model) AS model) _xb_named;

CREATE MACRO xb.promote(model, version) AS TABLE
    SELECT unnest(_xb_promote(model, version), recursive := true);

CREATE MACRO xb.rank_markets(
    tbl, currency, rates := 'xb._nothing', duties := 'xb._nothing', vat := 'xb._nothing', curves := 'xb._nothing', goal := NULL, promise := NULL, level := 0.9, correlation := 0.5, seed := 0
) AS TABLE
    SELECT unnest(_xb_rank_markets(
        currency, goal, promise, level, correlation, seed,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row) FROM query_table(rates) _xb_row),
        (SELECT list(_xb_row) FROM query_table(duties) _xb_row),
        (SELECT list(_xb_row) FROM query_table(vat) _xb_row),
        (SELECT list(_xb_row) FROM query_table(curves) _xb_row)
    ), recursive := true);

CREATE MACRO xb.rank_networks(tbl, label, networks := NULL) AS TABLE
    SELECT unnest(_xb_rank_networks(
        label, networks,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.reorder_point(demand, demand_sd, lead_time, lead_time_sd := 0, service_level := 0.95) AS
    _xb_reorder_point(demand, demand_sd, lead_time, lead_time_sd, service_level);

CREATE MACRO xb.report(
    models, path, tbl := 'xb._nothing', curves := false, home := 'xb._nothing', known := NULL
) AS TABLE
    SELECT unnest(_xb_report(
        models, path, curves, known,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(home) _xb_row)
    ), recursive := true);

CREATE MACRO xb.route_options(routes, cost_model, delay_model, promise := NULL, per_day := 0, extra := 0) AS TABLE
    SELECT _xb_row.*, unnest(_xb_route_options(_xb_named.cost_model, _xb_named.delay_model, promise, per_day, extra, _xb_row)) FROM query_table(routes) _xb_row,
        (SELECT _xb_existing('route_options', cost_model) AS cost_model, _xb_existing('route_options', delay_model) AS delay_model) _xb_named;

CREATE MACRO xb.safety_stock(demand, demand_sd, lead_time, lead_time_sd := 0, service_level := 0.95) AS
    _xb_safety_stock(demand, demand_sd, lead_time, lead_time_sd, service_level);

CREATE MACRO xb.search(index, vector, k := 10, filter := '*', recall := 0.95) AS
    _xb_search(index, vector, k, (SELECT _xb_filter(filter)), recall);

CREATE MACRO xb.search_text(index, query, k := 10, filter := '*') AS
    _xb_search_text(index, query, k, (SELECT _xb_filter(filter)));

CREATE MACRO xb.selfcheck() AS TABLE
    SELECT unnest(_xb_selfcheck(1), recursive := true);

CREATE MACRO xb.similarity(a, b, metric := 'cosine') AS
    _xb_similarity(a, b, metric);

CREATE MACRO xb.spread(lo, hi, level := 0.9) AS
    _xb_spread(lo, hi, level);

CREATE MACRO xb.taxonomy_paths(tbl, id, parent, name, language := NULL) AS TABLE
    SELECT unnest(_xb_taxonomy_paths(
        id, parent, name, language,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.termbase(path, src := NULL, dst := NULL) AS TABLE
    SELECT unnest(_xb_termbase(path, src, dst), recursive := true);

CREATE MACRO xb.to_currency(amount, currency, new_currency, rates, day := NULL) AS
    _xb_to_currency(amount, currency, new_currency, (SELECT _xb_keep_rates(list(_xb_row)) FROM query_table(rates) _xb_row), day);

CREATE MACRO xb.transfer(
    model, data, label, base := NULL, source := 'xb._nothing', market := NULL, method := 'auto', options := {}, task := 'auto'
) AS TABLE
    SELECT unnest(_xb_transfer(
        model, label, base, market, method, to_json(options)::VARCHAR, task,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(data) _xb_row),
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(source) _xb_row)
    ), recursive := true);

CREATE MACRO xb.translate(model, text) AS
    _xb_translate(model, text);

CREATE MACRO xb.translate_table(model, tbl, text := NULL, done := 'xb._nothing') AS TABLE
    SELECT _xb_row.*, unnest(_xb_translate_table(_xb_named.model, text, _xb_named._xb_done, _xb_row)) FROM query_table(tbl) _xb_row,
        (SELECT _xb_existing('translate_table', model) AS model, (SELECT _xb_keep_done(list(_xb_row)) FROM query_table(done) _xb_row) AS _xb_done) _xb_named;

CREATE MACRO xb.translation_sheet(tbl, text, path, reference := NULL) AS TABLE
    SELECT unnest(_xb_translation_sheet(
        text, path, reference,
        (SELECT list(_xb_row ORDER BY hash(_xb_row)) FROM query_table(tbl) _xb_row)
    ), recursive := true);

CREATE MACRO xb.try_parse_date(text, market) AS
    _xb_try_parse_date(text, market);

CREATE MACRO xb.try_parse_number(text, market) AS
    _xb_try_parse_number(text, market);

CREATE MACRO xb.verdict(model) AS TABLE
    SELECT unnest(_xb_verdict(model), recursive := true);

CREATE MACRO xb.workdays("first", "last", market) AS
    _xb_workdays("first", "last", market);
