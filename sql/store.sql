-- What is there, what ran, and whether this installation works.

CREATE MACRO xb.models() AS TABLE SELECT unnest(_xb_models(1), recursive := true);

CREATE MACRO xb.model_card(model) AS TABLE SELECT unnest(_xb_model_card(model), recursive := true);

CREATE MACRO xb.last_calls() AS TABLE SELECT unnest(_xb_last_calls(1), recursive := true);

CREATE MACRO xb.selfcheck() AS TABLE SELECT unnest(_xb_selfcheck(1), recursive := true);
