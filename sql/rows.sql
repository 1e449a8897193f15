-- Row by row: usable in SELECT, WHERE, JOIN and ORDER BY.

CREATE MACRO xb.embed(text, model := 'text') AS _xb_embed(text, model);

CREATE MACRO xb.similarity(a, b, metric := 'cosine') AS _xb_similarity(a, b, metric);

CREATE MACRO xb.language(text) AS _xb_language(text);

CREATE MACRO xb.classify(model, input) AS _xb_classify(model, input);

CREATE MACRO xb.predict(model, row) AS _xb_predict(model, row);
