-- Entities: what is compared travels as one list of rows, and positions in it come back.

-- (An argument with an underscore hides no column of the user's: block := text means the column.)
CREATE MACRO xb._offers(_tbl, _id, _market, _text, _beside, _block, _entity) AS TABLE
    SELECT row_number() OVER (ORDER BY market, id, item.text, hash(item)) AS position, market, id, item
    FROM (
        SELECT
            _market AS market, _id AS id,
            {'market': _market, 'text': _text, 'block': _block, 'beside': _beside, 'entity': _entity} AS item
        FROM query_table(_tbl)
    );

CREATE MACRO xb.entities(
    tbl, id, market, text, beside := NULL, block := NULL, entity := NULL, threshold := 0.5, many := false,
    variants := false
) AS TABLE
    WITH _xb_given AS MATERIALIZED (FROM xb._offers(tbl, id, market, text, beside, block, entity)),
    _xb_found AS (
        SELECT unnest(
            _xb_entities(
                threshold::DOUBLE, many, variants, (SELECT list(item ORDER BY position) FROM _xb_given)
            ),
            recursive := true
        )
    )
    SELECT _xb_found.entity, _xb_given.market, _xb_given.id, _xb_found.score, _xb_found.entity_score
    FROM _xb_found
    JOIN _xb_given USING (position)
    ORDER BY _xb_found.entity, _xb_given.position;
