"""Every function that takes rows, for Polars.

Made from the declarations in xbsql/surface by `make docs`; changes belong there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.surface.frames import ExpressionSpace, FrameSpace

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Mapping, Sequence

    import polars as pl


class Expressions(ExpressionSpace):
    """The functions of each row of an expression."""

    def classify(self, model: pl.Expr | str) -> pl.Expr:
        """The class of an input with its probability, the second best class, the distance between the two,
        and how far the input lies from what the model was fitted on (0 to 1).

        NULL gives NULL. A model fitted with the option `abstain` leaves `label` NULL where the probability
        is below it. Of a model whose labels are paths (option `levels`) `label` is the deepest node that is
        sure, NULL where not even the first level is; `path` holds its names and `level` how many they are,
        `scores` the probability of the likeliest node at every level, also below that, and `best` the
        likeliest labels of all. Of other models these four are NULL.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one; or a column
                of them, a model a row: 'category_' || market.

        Returns:
            STRUCT(label VARCHAR, score DOUBLE, runner_up VARCHAR, margin DOUBLE, shift DOUBLE, path
            VARCHAR[], level INTEGER, scores DOUBLE[], best STRUCT(label VARCHAR, score DOUBLE)[]).
        """
        return self._call("classify", model=model)

    def convert(self, unit: pl.Expr | str | float | None, new_unit: pl.Expr | str | float | None) -> pl.Expr:
        """A value in another unit of the same dimension: mass, length, area, volume (US ones), time,
        temperature, speed, pressure, power, energy, voltage, charge, current, force, torque, light,
        frequency, data.

        By symbol, whose case counts where it tells units apart (nm, Nm, mW, MW), or by name in twelve
        languages. NULL gives NULL; units of two dimensions are an error.

        Args:
            unit: VARCHAR: what it is in: 'lb', or a column that says so.
            new_unit: VARCHAR: what it shall be in: 'kg'.

        Returns:
            DOUBLE.
        """
        return self._call("convert", unit=unit, new_unit=new_unit)

    def embed(self, model: str = "text") -> pl.Expr:
        """The sentence embedding of a text, of length one: the inner product of two is their similarity,
        across 16 languages.

        NULL gives NULL; equal texts are embedded once. Texts that look alike have one vector: HTML entities
        are characters, soft hyphens and zero-width characters are nothing, and a text wholly in capitals is
        read in the case that its words usually have.

        Args:
            model: VARCHAR: the encoder.

        Returns:
            FLOAT[512].
        """
        return self._call("embed", model=model)

    def embed_both(
        self,
        blob: pl.Expr | str | float | None,
        model: str = "image",
        share: float = 0.5,
    ) -> pl.Expr:
        """The vector of a text and a picture side by side: for search, duplicates and joins by both.

        The cosine of two is the mean of the cosines of their texts and of their pictures, weighed by
        `share`. A part that is missing adds nothing; the metric 'dot' then counts it as unlike everything,
        while 'cosine', for which every vector has length one, counts the other part for more. NULL where
        both are missing.

        Args:
            blob: BLOB: the bytes of a file: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.
            model: VARCHAR: what reads the picture, as of xb.embed_image.
            share: DOUBLE: of the picture in the similarity of two rows, 0 to 1.

        Returns:
            FLOAT[].
        """
        return self._call("embed_both", blob=blob, model=model, share=share)

    def embed_image(self, model: str = "image") -> pl.Expr:
        """The vector of a picture, of length one: the inner product of two is how alike they look.

        'image' has 2,776 numbers, of two networks that come with the installation and of colours. NULL
        where there is no picture that can be read, see xb.image_info; how many there were, and why, is in
        xb.last_calls. The same bytes are looked at once.

        Args:
            model: VARCHAR: 'image', 'lite0', 'lite2', or weights of your own: 'vgg16:PATH',
                'resnet50:PATH', 'timm:FOLDER', 'hub:OWNER/NAME'.

        Returns:
            FLOAT[].
        """
        return self._call("embed_image", model=model)

    def extract(self, model: pl.Expr | str, attributes: Sequence[str] | None = None) -> pl.Expr:
        """The attributes of a product in its title, by name: the value as it stands there, the probability
        that it is right, its first and its last character (`title[start:stop]`), and its canonical form,
        which is the same in every market (NULL where there is none).

        An attribute without an answer is absent. NULL gives NULL. Of a title the first 2,000 characters are
        read; it is never itself a value.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one; or a column
                of them, a model a row: 'category_' || market.
            attributes: VARCHAR[]: the attributes that the titles are known to state, in any language;
                NULL asks each title for all that are usual for its kind.

        Returns:
            MAP(VARCHAR, STRUCT(value VARCHAR, score DOUBLE, start INTEGER, stop INTEGER, canonical
            VARCHAR)).
        """
        return self._call("extract", model=model, attributes=attributes)

    def holiday(self, market: pl.Expr | str | float | None) -> pl.Expr:
        """The public holiday that a day is in a market, by its English name where it has one; else NULL.

        Days of the week play no part: a Sunday is no holiday. A year that the market's calendar does not
        know is an error that says which it knows: Germany 1991 to 2100, the United States 1777 to 2100.
        NULL gives NULL.

        Args:
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            VARCHAR.
        """
        return self._call("holiday", market=market)

    def image_info(self) -> pl.Expr:
        """What a file says of itself, and why it cannot be read: `problem` is NULL where it can.

        The first frame of an animated picture is read, what is transparent is white, a turned photo is
        turned back. NULL gives NULL.

        Returns:
            STRUCT(format VARCHAR, width INTEGER, height INTEGER, frames INTEGER, problem VARCHAR).
        """
        return self._call("image_info")

    def language(self) -> pl.Expr:
        """The language a text is written in (ISO 639-1) and how sure that is, 0 to 1.

        Short titles are uncertain.

        Returns:
            STRUCT(code VARCHAR, score DOUBLE).
        """
        return self._call("language")

    def newsvendor(
        self,
        quantiles: pl.Expr | str | float | None,
        underage: pl.Expr | str | float | None,
        overage: pl.Expr | str | float | None,
    ) -> pl.Expr:
        """What to order for one selling period: the quantile of demand at underage / (underage + overage),
        on the line between the two quantiles beside it.

        A ratio outside the levels is an error. NULL gives NULL.

        Args:
            quantiles: DOUBLE[]: of demand at these levels, e.g. of a forecast.
            underage: DOUBLE: what one unit too few costs, above 0.
            overage: DOUBLE: what one unit too many costs, above 0.

        Returns:
            DOUBLE.
        """
        return self._call("newsvendor", quantiles=quantiles, underage=underage, overage=overage)

    def parse_date(self, market: pl.Expr | str | float | None) -> pl.Expr:
        """A date in a market's order, or with the month's name: '31.12.2025' in Germany, '12/31/2025' in
        the United States, '2025-12-31' anywhere.

        Buddhist, Persian, Minguo and Japanese years are converted, other calendars' are an error, and so is
        another order of day and month where it can be told. A year of two digits lies in 1970 to 2069; of
        four, years 1583 to 2299 are read, and 9999. A weekday may stand beside the date, and one that is
        not the day's is an error. NULL and blank give NULL.

        Args:
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            DATE.
        """
        return self._call("parse_date", market=market)

    def parse_number(self, market: pl.Expr | str | float | None) -> pl.Expr:
        """A number as a market writes it: '1.234,50' in Germany is 1234.5.

        A currency, or without one a unit, is left out; thousands, millions, lakhs, 万 and cents count. NULL
        and blank give NULL; what may be something else, such as 'iPhone 15', is an error, not a guess. Any
        script's digits are read.

        Args:
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            DOUBLE.
        """
        return self._call("parse_number", market=market)

    def predict(self, model: pl.Expr | str) -> pl.Expr:
        """The number that a model expects for a row, the interval that holds the truth for 90 % of its
        market's rows (another share by the option `level`), how far the row lies from what the model was
        fitted on (0 to 1), and the version that answered.

        `lo` and `hi` are NULL where there were too few labels to measure them, and `value` too where a
        model with the option `abstain` finds the row too far out; a row whose inputs are all NULL gives
        NULL.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one; or a column
                of them, a model a row: 'category_' || market.

        Returns:
            STRUCT(value DOUBLE, lo DOUBLE, hi DOUBLE, shift DOUBLE, version INTEGER).
        """
        return self._call("predict", model=model)

    def reorder_point(
        self,
        demand_sd: pl.Expr | str | float | None,
        lead_time: pl.Expr | str | float | None,
        lead_time_sd: pl.Expr | str | float | None = 0,
        service_level: pl.Expr | str | float | None = 0.95,
    ) -> pl.Expr:
        """The stock at which to order again: demand times lead_time, which is what the lead time is
        expected to sell, plus xb.safety_stock.

        NULL gives NULL.

        Args:
            demand_sd: DOUBLE: its standard deviation a period, see xb.spread.
            lead_time: DOUBLE: expected lead time, in the same periods.
            lead_time_sd: DOUBLE: its standard deviation, in periods.
            service_level: DOUBLE: a share above 0 and below 1: of cycles without a stock-out.

        Returns:
            DOUBLE.
        """
        return self._call("reorder_point", demand_sd=demand_sd, lead_time=lead_time, lead_time_sd=lead_time_sd, service_level=service_level)

    def safety_stock(
        self,
        demand_sd: pl.Expr | str | float | None,
        lead_time: pl.Expr | str | float | None,
        lead_time_sd: pl.Expr | str | float | None = 0,
        service_level: pl.Expr | str | float | None = 0.95,
    ) -> pl.Expr:
        """Stock beyond what is expected to be sold during the lead time: z(service_level) sqrt(lead_time
        demand_sd^2 + demand^2 lead_time_sd^2), demand and lead time independent and what is sold during
        the lead time close to normal.

        For a cost of each unit short and each unit over, service_level := short / (short + over) is the
        newsvendor's critical ratio. NULL gives NULL.

        Args:
            demand_sd: DOUBLE: its standard deviation a period, see xb.spread.
            lead_time: DOUBLE: expected lead time, in the same periods.
            lead_time_sd: DOUBLE: its standard deviation, in periods.
            service_level: DOUBLE: a share above 0 and below 1: of cycles without a stock-out.

        Returns:
            DOUBLE.
        """
        return self._call("safety_stock", demand_sd=demand_sd, lead_time=lead_time, lead_time_sd=lead_time_sd, service_level=service_level)

    def search(self, index: str, k: int = 10, filter: object = "*", recall: float = 0.95) -> pl.Expr:
        """The k rows of an index that are most similar to a vector, best first; exact, unless the index was
        built approximate and no filter is given.

        Of equal scores the smaller id comes first. Ids are given as text and compare with the table's own.
        NULL gives NULL.

        Args:
            index: VARCHAR: the name of the index.
            k: INTEGER: how many; fewer come back only where fewer rows match.
            filter: a list: the ids that may be found, e.g. (SELECT list(sku) FROM home WHERE price <
                10); NULL, which is what list() makes of no row, lets nothing through.
            recall: DOUBLE: the share of the k that an approximate index is to find, as measured when it
                was built; 1 is exact.

        Returns:
            STRUCT(id VARCHAR, score FLOAT, rank INTEGER)[].
        """
        return self._call("search", index=index, k=k, filter=filter, recall=recall)

    def search_text(self, index: str, k: int = 10, filter: object = "*") -> pl.Expr:
        """The k rows of an index that fit a text best by words and by meaning together: the score is the
        cosine of the vectors plus half the share of the query's words that a row holds (BM25 over words
        and their trigrams, 1 where the row is the query).

        The index must have been built with texts. NULL gives NULL.

        Args:
            index: VARCHAR: the name of the index.
            k: INTEGER: how many; fewer come back only where fewer rows match.
            filter: a list: the ids that may be found, e.g. (SELECT list(sku) FROM home WHERE price <
                10); NULL, which is what list() makes of no row, lets nothing through.

        Returns:
            STRUCT(id VARCHAR, score FLOAT, rank INTEGER)[].
        """
        return self._call("search_text", index=index, k=k, filter=filter)

    def similarity(self, b: pl.Expr | str | float | None, metric: str = "cosine") -> pl.Expr:
        """Similarity of two vectors, larger is closer.

        NULL where one of them is NULL.

        Args:
            b: FLOAT[n] or FLOAT[]: a vector of the same length.
            metric: VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance).

        Returns:
            FLOAT.
        """
        return self._call("similarity", b=b, metric=metric)

    def spread(self, hi: pl.Expr | str | float | None, level: pl.Expr | str | float | None = 0.9) -> pl.Expr:
        """The standard deviation of a normal whose central interval this is, (hi - lo) / (2 z((1 + level) /
        2)): what the interval of a prediction means for xb.safety_stock.

        NULL gives NULL.

        Args:
            hi: DOUBLE: its upper end.
            level: DOUBLE: a share: how much of the truth it holds.

        Returns:
            DOUBLE.
        """
        return self._call("spread", hi=hi, level=level)

    def to_currency(
        self,
        currency: pl.Expr | str | float | None,
        new_currency: pl.Expr | str | float | None,
        rates: pl.LazyFrame | pl.DataFrame,
        day: pl.Expr | str | float | None = None,
    ) -> pl.Expr:
        """An amount in another currency by the rates that are given; none is fetched.

        NULL gives NULL; a currency without a rate, or a day before the first one, is an error.

        Args:
            currency: VARCHAR: ISO 4217 code of the money it is in: 'JPY', or a column.
            new_currency: VARCHAR: the money it shall be in.
            rates: a table: currency, per_unit (what one unit is worth in whatever money the table
                counts in) and, where rates change, day DATE (from when on).
            day: DATE: the day whose rate counts, the latest up to it; NULL where rates do not.

        Returns:
            DOUBLE.
        """
        return self._call("to_currency", currency=currency, new_currency=new_currency, rates=rates, day=day)

    def translate(self, model: pl.Expr | str) -> pl.Expr:
        """A text in the target language of a model that was fitted with task 'translate'.

        `score` is the chrF that is expected of it, 0 to 100: the rows to look at come first in ORDER BY
        score. `from` says where it is from: 'memory' (translated before), 'edit' (the same with other
        numbers, brands or words), 'phrases', 'home', 'pooled' (phrases of the market's own pairs, of
        home's, of both), 'catalogue' (a phrase of the market's titles), 'guess' (unknown words by meaning),
        'copy' (as it was). `changed_terms` lists terms that were given their translation, sizes that were
        given in the market's units (option `units`), and forbidden words that could not be avoided. Markup,
        line ends, numbers, what templates fill in ({{name}}, %s) and protected words stay. NULL gives NULL;
        a text without letters is returned with the score NULL, and so is one that was not translated before
        where too few pairs were there to learn scores from.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one; or a column
                of them, a model a row: 'category_' || market.

        Returns:
            STRUCT("text" VARCHAR, score DOUBLE, "from" VARCHAR, changed_terms VARCHAR[]).
        """
        return self._call("translate", model=model)

    def try_parse_date(self, market: pl.Expr | str | float | None) -> pl.Expr:
        """As xb.parse_date and as fast, with NULL for a text that is no date.

        An unknown market is an error.

        Args:
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            DATE.
        """
        return self._call("try_parse_date", market=market)

    def try_parse_number(self, market: pl.Expr | str | float | None) -> pl.Expr:
        """As xb.parse_number and as fast, with NULL for a text that is no number.

        An unknown market is an error.

        Args:
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            DOUBLE.
        """
        return self._call("try_parse_number", market=market)

    def workdays(self, last: pl.Expr | str | float | None, market: pl.Expr | str | float | None) -> pl.Expr:
        """Working days after `first` up to and with `last` in a market: no day of its own weekend (Friday
        and Saturday in some), no public holiday, but weekend days that its calendar makes working ones.

        Negative where `last` comes first; NULL gives NULL. Days more than 200 years apart are an error, and
        so is a year that the market's calendar does not know, see xb.holiday.

        Args:
            last: DATE: a day.
            market: VARCHAR: the country code of the market, 'DE'.

        Returns:
            INTEGER.
        """
        return self._call("workdays", last=last, market=market)


class Frames(FrameSpace):
    """The functions of a whole frame, taken when the result is collected."""

    def adapt(
        self,
        model: str,
        label: str,
        ts: str | None = None,
        id: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """Let a model follow its market.

        Each new label moves the weights of the members of its blend (fixed share); ADWIN watches its loss
        and what its source brings, and where one of them turned for the worse the model is fitted again on
        the labels since, with itself as the source: a transfer in time. So it is where the new labels are a
        fifth as many as those it was fitted on. A new version is stored and promoted, and xb.promote goes
        back. Labels may come late and in any order: with `ts` the weights are those of the right order.
        `event` is 'reweighted', 'refitted', 'waiting' (a change with too few labels since) or 'nothing
        new'; `since` is when the change was, as far as can be told; `before` and `after` are the scores of
        the version that was there and of the weights as they moved, on the new labels. Labels that
        contradict each other under one `id`, belong to no row or are too old do not count, and `note`
        counts them. The same call on the same rows gives the version that is already there.

        Args:
            model: VARCHAR: its name, without a version: the promoted one is adapted.
            label: VARCHAR: the label column; NULL where the label has not arrived.
            ts: VARCHAR: the column that says when each row was; NULL: the rows of a call are of one
                moment, in no order.
            id: VARCHAR: the column that names a row; NULL: rows are told apart by their values and
                moments.
            options: STRUCT: of a new fit, see xb.options; the rows of one `group`, such as an order,
                count as one label.

        Returns:
            model VARCHAR, version INTEGER, event VARCHAR, labels BIGINT, open BIGINT, alarm VARCHAR,
            since VARCHAR, metric VARCHAR, before DOUBLE, after DOUBLE, reason VARCHAR, note VARCHAR,
            seconds DOUBLE.
        """
        return self._call("adapt", model=model, label=label, ts=ts, id=id, options=options)

    def add_events(self, model: str) -> pl.LazyFrame:
        """Let a recommender know further events, and promote the new version: its counts and histories are
        those of a fit on all events; which method counts how much stays as the last fit found it.

        The same events again change nothing. A model without histories (`keep_rows: false`) is refused.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.

        Returns:
            model VARCHAR, version INTEGER, events BIGINT, users BIGINT, items BIGINT, seconds DOUBLE,
            note VARCHAR.
        """
        return self._call("add_events", model=model)

    def add_to_index(
        self,
        index: str,
        id: pl.Expr | str,
        vec: pl.Expr | str | None = None,
        text: pl.Expr | str | None = None,
    ) -> pl.LazyFrame:
        """Add rows to an index; a row whose id is there already takes its place.

        The same addition again changes nothing.

        Args:
            index: VARCHAR: the name of the index.
            id: a column or expression: BIGINT or VARCHAR, no two rows the same.
            vec: a column or expression: a vector, e.g. a column or xb.embed(title); without it the
                texts are embedded.
            text: a column or expression: VARCHAR: a text, for xb.search_text.

        Returns:
            index VARCHAR, rows BIGINT, skipped BIGINT, dim INTEGER, metric VARCHAR, encoder VARCHAR,
            has_text BOOLEAN, seconds DOUBLE, mode VARCHAR, recall DOUBLE.
        """
        return self._call("add_to_index", index=index, id=id, vec=vec, text=text)

    def align_columns(self, target: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
        """Which column of the target is which of the source, one to one: by 'name', by 'normalised name'
        (case, accents, word breaks and units apart) or by 'meaning' (the encoder on the names, across
        languages, and the values).

        A column that nothing is sure enough for stands alone, with the best score it had. `xb.transfer`
        reads the target so with options {'align': true}.

        Args:
            target: a table: the other market's rows: its name, a CTE, a registered Arrow or Polars
                object or a Python variable.

        Returns:
            source VARCHAR, target VARCHAR, how VARCHAR, score DOUBLE.
        """
        return self._call("align_columns", target=target)

    def backtest(
        self,
        model: str,
        origins: int = 3,
        horizon: int | None = None,
        level: float = 0.9,
    ) -> pl.LazyFrame:
        """What a model would have forecast, beside what came: one row a series, origin and step.

        `origin` is the first period after the history that was shown; `inside` says whether y lies from lo
        to hi. The model is asked as it stands, so its weights have seen what came. Where periods are
        counted `period` holds the count, and `origin` and `ds` are NULL.

        Args:
            model: VARCHAR: a model of the task 'forecast', 'name' or 'name@3'.
            origins: INTEGER: from how many moments of the past, half a horizon apart, 1 to 50.
            horizon: INTEGER: how many periods; NULL: those that it was fitted for.
            level: DOUBLE: the share of truths that lo and hi shall hold.

        Returns:
            series VARCHAR, origin TIMESTAMP, step INTEGER, ds TIMESTAMP, period BIGINT, y DOUBLE, yhat
            DOUBLE, lo DOUBLE, hi DOUBLE, inside BOOLEAN.
        """
        return self._call("backtest", model=model, origins=origins, horizon=horizon, level=level)

    def build_index(
        self,
        index: str,
        id: pl.Expr | str,
        vec: pl.Expr | str | None = None,
        text: pl.Expr | str | None = None,
        encoder: str | None = None,
        metric: str = "cosine",
        weights: Sequence[float] | None = None,
        mode: str = "exact",
    ) -> pl.LazyFrame:
        """Build an index and keep it in the store, in place of one of the same name.

        Rows whose id or vector is NULL, or whose vector is not finite, are left out and counted in
        `skipped`. Rows are streamed: memory does not grow with the vectors. The same content again changes
        nothing; a build that fails leaves what was there.

        Args:
            index: VARCHAR: the name of the index.
            id: a column or expression: BIGINT or VARCHAR, no two rows the same.
            vec: a column or expression: a vector, e.g. a column or xb.embed(title); without it the
                texts are embedded.
            text: a column or expression: VARCHAR: a text, for xb.search_text.
            encoder: VARCHAR: the text encoder that made the vectors; searches fail when its version has
                changed. 'text' where vec is not given.
            metric: VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance).
            weights: FLOAT[]: one a feature, e.g. its transferability in a model.
            mode: VARCHAR: 'exact', or 'approximate' to order the rows by cell; `recall` says what share
                of a row's 10 neighbours a search finds then, measured on up to 500 of the rows.

        Returns:
            index VARCHAR, rows BIGINT, skipped BIGINT, dim INTEGER, metric VARCHAR, encoder VARCHAR,
            has_text BOOLEAN, seconds DOUBLE, mode VARCHAR, recall DOUBLE.
        """
        return self._call("build_index", index=index, id=id, vec=vec, text=text, encoder=encoder, metric=metric, weights=weights, mode=mode)

    def choose_routes(
        self,
        demand: pl.LazyFrame | pl.DataFrame,
        lane: pl.Expr | str,
        cost: pl.Expr | str,
        quantity: pl.Expr | str,
        on_time: pl.Expr | str | float = 1,
        capacity: pl.Expr | str | float | None = None,
        fixed: pl.Expr | str | float = 0,
        pool: pl.Expr | str | None = None,
        service_level: float = 0,
    ) -> pl.LazyFrame:
        """The cheapest mix: every option that is used, with its units, their share of the lane and what
        they cost.

        Each lane gets its whole quantity and is on time for service_level of it. Solved to the optimum as a
        linear program, with fixed costs as a mixed-integer one (HiGHS). Where no mix serves, the error
        names the lane and what would be possible.

        Args:
            demand: a table: one row a lane that must be served, with its units: its name, a CTE, a
                registered Arrow or Polars object or a Python variable.
            lane: a column or expression: of that name in both tables: what an option serves.
            cost: a column or expression: of the options: what one unit costs.
            quantity: a column or expression: of the demand: units; rows of one lane are added.
            on_time: a column or expression: of the options: probability that a unit is on time.
            capacity: a column or expression: of the options: units at most; NULL is none.
            fixed: a column or expression: of the options: what using it at all costs.
            pool: a column or expression: options of one value share one capacity.
            service_level: DOUBLE: a share: of each lane's units that shall be on time.

        Returns:
            every column of `options`, units DOUBLE, share DOUBLE, spend DOUBLE.
        """
        return self._call("choose_routes", demand=demand, lane=lane, cost=cost, quantity=quantity, on_time=on_time, capacity=capacity, fixed=fixed, pool=pool, service_level=service_level)

    def compare_pairs(self, loffer: pl.Expr | str, roffer: pl.Expr | str) -> pl.LazyFrame:
        """What is known of given pairs, a column a comparison behind those of `pairs`: what xb.fit and
        xb.transfer make a scorer of, in one pair of markets or carried to another, and what it scores.

        Words count by how rare they are among these offers; `..._behind_...` says how far a pair stands
        behind the best that either offer has among them, so ask for all pairs at once. NULL where an offer
        says nothing.

        Args:
            loffer: a column or expression: a STRUCT of one offer: text, which is its title, and any of
                description, brand, model, category (VARCHAR), gtin and price (a number).
            roffer: a column or expression: a STRUCT of the other.

        Returns:
            every column of `pairs`, text_cosine DOUBLE, text_spelling DOUBLE, text_words DOUBLE,
            text_words_left DOUBLE, text_words_right DOUBLE, text_rarest_both DOUBLE, text_rarest_left
            DOUBLE, text_rarest_right DOUBLE, text_behind_left DOUBLE, text_behind_right DOUBLE,
            all_cosine DOUBLE, all_words DOUBLE, all_words_left DOUBLE, all_words_right DOUBLE,
            all_behind_left DOUBLE, all_behind_right DOUBLE, codes_both DOUBLE, codes_left DOUBLE,
            codes_right DOUBLE, codes_alike DOUBLE, numbers DOUBLE, sizes DOUBLE, models DOUBLE,
            length_ratio DOUBLE, brand_same DOUBLE, brand_told DOUBLE, model_same DOUBLE, model_told
            DOUBLE, category_cosine DOUBLE, gtin_same DOUBLE, price_apart DOUBLE, price_ratio DOUBLE.
        """
        return self._call("compare_pairs", loffer=loffer, roffer=roffer)

    def domain_similarity(
        self,
        target: pl.LazyFrame | pl.DataFrame,
        columns: Sequence[str] | None = None,
        model: str | None = None,
    ) -> pl.LazyFrame:
        """How alike two markets are.

        All columns together (`column` NULL): 'proxy_a', 0 where a classifier cannot tell them apart to 2,
        and 'mmd2', about 0 if equal. Each column: 'ks' for numbers and dates and 'total_variation' for
        categories, 0 to 1, the largest first; 'mmd2' of the embeddings for text; 'missing', by how much the
        share of NULL differs. With a `model`, first what it is worth there as it is, `column` being its
        label: 'auc' of two classes, 'accuracy' of more or 'r2' of numbers on the labels that the target
        has; of classes also 'label_shift', 0 to 1: how far their shares differ from those at home,
        estimated without labels. It explains and does not decide: an unlike market may gain the most from a
        transfer.

        Args:
            target: a table: the foreign market's rows, labelled or not.
            columns: VARCHAR[]: the columns to compare; NULL takes all that have values on both sides.
            model: VARCHAR: a home model of classes or numbers; NULL leaves out what it says.

        Returns:
            measure VARCHAR, column VARCHAR, value DOUBLE.
        """
        return self._call("domain_similarity", target=target, columns=columns, model=model)

    def drift(
        self,
        model: str,
        reference: pl.LazyFrame | pl.DataFrame | None = None,
        alpha: float = 0.01,
    ) -> pl.LazyFrame:
        """How far rows have moved from those that a model was fitted on.

        Numbers and dates have 'ks', the Kolmogorov-Smirnov distance, and the PSI beside it in `evidence`;
        categories and booleans 'psi', the population stability index; columns with NULL, blank texts or
        pictures that cannot be read have 'missing', and texts and pictures 'mmd2' of their embeddings
        against permutations. `p` is corrected for their number (Holm), and an alarm also needs a distance
        that matters: ks or missing .05, psi .1. Of the label: 'psi' or 'ks' where both sides have labels,
        'label_shift' of the classes' shares told without labels, 'expected accuracy' without labels, and
        the model's score on labelled rows that it was not fitted on. The largest come first. A drift of
        inputs need not hurt; xb.adapt goes by the loss.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            reference: a table: rows to compare with; NULL: up to 2,048 rows that the model keeps of its
                fit.
            alpha: DOUBLE: the probability that any alarm of a column is a false one.

        Returns:
            column VARCHAR, measure VARCHAR, value DOUBLE, p DOUBLE, alarm BOOLEAN, evidence VARCHAR.
        """
        return self._call("drift", model=model, reference=reference, alpha=alpha)

    def duplicates(
        self,
        id: pl.Expr | str,
        vec: pl.Expr | str,
        threshold: float = 0.9,
        metric: str = "cosine",
    ) -> pl.LazyFrame:
        """Pairs of rows that are at least that similar: id, twin, score, and cluster, the smallest id of
        all rows that pairs connect.

        Each pair comes once, the smaller id first.

        Args:
            id: a column or expression: any type.
            vec: a column or expression: a vector; rows where it is NULL are in no pair.
            threshold: DOUBLE: the least score of a pair.
            metric: VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance).

        Returns:
            id (as id), twin (as id), score FLOAT, cluster (as id).
        """
        return self._call("duplicates", id=id, vec=vec, threshold=threshold, metric=metric)

    def entities(
        self,
        id: pl.Expr | str,
        market: pl.Expr | str,
        text: pl.Expr | str | None,
        beside: pl.Expr | str | None = None,
        block: pl.Expr | str | None = None,
        entity: pl.Expr | str | None = None,
        threshold: float = 0.5,
        many: bool = False,
        variants: bool = False,
        labels: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """One product in every market: which rows of many catalogues are one, across languages.

        One row an offer: the number of its `entity`, which holds at most one row of each market; `score`,
        the probability that the row belongs to it (NULL: nothing matches, and the row is alone);
        `entity_score`, that all its rows do. Every two markets are compared as by xb.match, and pairs that
        close a circle lift each other: what no pair alone would show is joined where all pairs together do.
        What stands `beside` the text is weighed without labels: how often likely pairs agree in it against
        how often others do. Rows of one id in one market are offers like others, unless `labels` name
        offers. The answer is the same in any order of the rows.

        Args:
            id: a column or expression: what names an offer in its market, any type; other markets may
                have it too.
            market: a column or expression: the catalogue a row is of, any type; a row where it is NULL
                is alone.
            text: a column or expression: VARCHAR: what is compared by meaning, e.g. a title; NULL,
                blanks and placeholders say nothing.
            beside: a column or expression: a STRUCT of what else is known: gtin (text or a whole
                number), price (a number, each market in its own currency), and columns of your own,
                read by type: text such as brand, numbers, booleans, vectors.
            block: a column or expression: only rows of one value are compared; NULL: a row is alone.
            entity: a column or expression: entities that are settled, of an earlier call or known: rows
                where it is NULL are placed among them.
            threshold: DOUBLE: the least probability that a row belongs to its entity.
            many: BOOLEAN: true lets an entity hold several rows of a market.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other are never joined.
            labels: a table: pairs that somebody has labelled: columns lmarket, lid, rmarket, rid and
                match (BOOLEAN), as xb.review asks for; true ties two offers, false keeps them apart,
                and from ten of each on they correct the odds.

        Returns:
            entity BIGINT, market (as market), id (as id), score DOUBLE, entity_score DOUBLE.
        """
        return self._call("entities", id=id, market=market, text=text, beside=beside, block=block, entity=entity, threshold=threshold, many=many, variants=variants, labels=labels)

    def estimate(
        self,
        function: str,
        label: str,
        base: str | None = None,
        source: pl.LazyFrame | pl.DataFrame | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """What a long call would take, before it is made: seconds of one processor of this machine, and
        gigabytes beside what the process holds already.

        The work is counted (folds, candidates, rows of each) and priced by what it took elsewhere, scaled
        by a short probe of this machine; expect half to twice of it, and more on a busy machine. Fits and
        transfers are those of the tasks 'classify' and 'predict'; others are refused.

        Args:
            function: VARCHAR: 'fit', 'transfer', 'label_curve' or 'match'.
            label: VARCHAR: the label column; of a match the column with the text of both sides.
            base: VARCHAR: the home model of a transfer or a label curve; NULL for none.
            source: a table: the home rows of a transfer; the right side of a match.
            options: STRUCT: of the call, see docs/options.md.

        Returns:
            function VARCHAR, rows BIGINT, seconds DOUBLE, gb DOUBLE.
        """
        return self._call("estimate", function=function, label=label, base=base, source=source, options=options)

    def evaluate(self, model: str, label: str | None = None, by: str | None = None) -> pl.LazyFrame:
        """Measure a model on labelled rows, with 95 % bootstrap intervals.

        Where `group` is NULL the row is of all rows. Classes have accuracy, macro_f1, log_loss,
        calibration_error, and auc where there are two. Numbers have r2, mae, rmse, and coverage, the share
        of labels from `lo` to `hi`. A model that abstains has these over every row, and answered, the share
        it answers, with accuracy_answered or mae_answered; so has a classifier where some rows hold nothing
        that can be read. Where the model was fitted on some of these rows, 'seen' is their share: what it
        says of them says little of others. A metric that a group leaves undefined is NULL. Of more rows
        times classes than 40 million some rows are drawn, `rows` says how many. A forecast is made of the
        last steps of each series from what came before, and has mase, rmsse, smape, wape, pinball, coverage
        and bias. An extraction has f1, precision and recall of what the titles may have, and f1_asked,
        precision_asked and recall_asked where each is asked for the attributes that its rows name.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            label: VARCHAR: the label column; NULL for the one the model was fitted on.
            by: VARCHAR: a column, one group of rows a value; of a forecast 'step', of an extraction
                'attribute' or 'kind', of a recommender 'length'.

        Returns:
            group VARCHAR, metric VARCHAR, value DOUBLE, lo DOUBLE, hi DOUBLE, rows BIGINT.
        """
        return self._call("evaluate", model=model, label=label, by=by)

    def explain(
        self,
        model: str,
        background: pl.LazyFrame | pl.DataFrame | None = None,
        per_row: bool = True,
        id: pl.Expr | str | None = None,
    ) -> pl.LazyFrame:
        """What each column adds to each prediction: SHAP values of the blend.

        `row` is its place, from 1, or what `id` says of it. Numbers: contributions are in the label's unit;
        classes: in probability of the class in `label`, the predicted one; where labels are paths each
        level of the likeliest path is explained, `label` says which. `(base)` is what an average row of the
        background gets, and a row's contributions sum to its prediction. They are exact for trees and
        lines. What is no column stands in brackets: `(home model)` is a home prediction that cannot be
        taken apart, `(market)` that the row is abroad, `(bounds)` what was cut off at the range of the
        labels. All text columns together are one feature. `per_row := false`: the mean absolute
        contribution of each feature over at most 2,000 rows, `row` NULL. Rows whose inputs are all NULL are
        left out.

        Args:
            model: VARCHAR: a model of classes or numbers.
            background: a table: rows to compare with; without it the rows of `tbl` are compared.
            per_row: BOOLEAN: false sums up, one row a feature.
            id: a column or expression: what names a row in the answer, of any type; NULL: its place,
                from 1.

        Returns:
            row (as id), label VARCHAR, feature VARCHAR, value VARCHAR, contribution DOUBLE.
        """
        return self._call("explain", model=model, background=background, per_row=per_row, id=id)

    def explain_match(
        self,
        id: pl.Expr | str,
        market: pl.Expr | str,
        text: pl.Expr | str | None,
        lmarket: str | int,
        lid: str | int,
        rmarket: str | int,
        rid: str | int,
        beside: pl.Expr | str | None = None,
        block: pl.Expr | str | None = None,
        many: bool = False,
        variants: bool = False,
        page: str | None = None,
        labels: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """Why two offers were joined, or were not: what speaks for one product (bits above 0) and against
        it, a row a piece of evidence.

        The first is the prior, how rare it is that two offers at random are one product; a bit more makes
        it twice as likely. `total` sums up, and the last is the log odds to the base 2: 0 is even, 5 is 97
        %. The text's parts are SHAP values of the scorer; fields say log2 of how often likely pairs agree
        so over how often others do. Of two offers of one entity the last row says what its other offers
        add, and what other candidates of either take away; the last total is then the score of the less
        sure one. After xb.entities with the same rows the pairs are not judged again.

        Args:
            id: a column or expression: what names an offer in its market, any type; other markets may
                have it too.
            market: a column or expression: the catalogue a row is of, any type; a row where it is NULL
                is alone.
            text: a column or expression: VARCHAR: what is compared by meaning, e.g. a title; NULL,
                blanks and placeholders say nothing.
            lmarket: VARCHAR or BIGINT: the market of one offer.
            lid: VARCHAR or BIGINT: its id.
            rmarket: VARCHAR or BIGINT: the market of the other.
            rid: VARCHAR or BIGINT: its id.
            beside: a column or expression: a STRUCT of what else is known: gtin (text or a whole
                number), price (a number, each market in its own currency), and columns of your own,
                read by type: text such as brand, numbers, booleans, vectors.
            block: a column or expression: only rows of one value are compared; NULL: a row is alone.
            many: BOOLEAN: true lets an entity hold several rows of a market.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other are never joined.
            page: VARCHAR: a file that is written beside: the same as a waterfall, as HTML.
            labels: a table: pairs that somebody has labelled: columns lmarket, lid, rmarket, rid and
                match (BOOLEAN), as xb.review asks for; true ties two offers, false keeps them apart,
                and from ten of each on they correct the odds.

        Returns:
            evidence VARCHAR, left VARCHAR, right VARCHAR, bits DOUBLE, total DOUBLE.
        """
        return self._call("explain_match", id=id, market=market, text=text, lmarket=lmarket, lid=lid, rmarket=rmarket, rid=rid, beside=beside, block=block, many=many, variants=variants, page=page, labels=labels)

    def extract_table(self, model: str, attributes: Sequence[str] | None = None) -> pl.LazyFrame:
        """Every column of the table and one more for each attribute, by its name: the value as the title
        states it, NULL where it states none.

        Where the table has a column of that name, '_1' is put behind it. For probabilities, places and
        canonical forms call xb.extract.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            attributes: VARCHAR[]: the attributes that the titles are known to state; NULL gives every
                one that the model knows.

        Returns:
            every column of `tbl`, attribute VARCHAR.
        """
        return self._call("extract_table", model=model, attributes=attributes)

    def fit(
        self,
        model: str,
        label: str,
        task: str = "auto",
        market: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """Fit a model on one market, store it and promote it.

        One row a metric, which is measured out of fold, with its 95 % interval; `note` says what the data
        may not mean. The same call on the same data gives the version that is already there.

        Args:
            model: VARCHAR: the name to store it under.
            label: VARCHAR: the label column; rows where it is NULL are left out.
            task: VARCHAR: 'classify' (text, booleans), 'predict' (numbers), 'forecast' (numbers in
                series: with columns unique_id and ds, or the option ts), 'extract' (values of
                attributes in titles: with columns title and attribute, or the option attributes),
                'recommend' (items; with the option user), 'translate' (pairs of texts, where it is
                named), 'profile' (next spend or return of customers; of amounts of sales, where it is
                named); 'auto' goes by what is in brackets.
            market: VARCHAR: the country code of the market that the rows come from, for the model card.
            options: STRUCT: text, ignore (lists of columns), seed and more, see xb.options and
                docs/options.md.

        Returns:
            model VARCHAR, version INTEGER, metric VARCHAR, value DOUBLE, lo DOUBLE, hi DOUBLE, rows
            BIGINT, seconds DOUBLE, note VARCHAR.
        """
        return self._call("fit", model=model, label=label, task=task, market=market, options=options)

    def forecast(
        self,
        model: str,
        id: pl.Expr | str | Sequence[str],
        ts: pl.Expr | str,
        y: pl.Expr | str,
        horizon: int = 8,
        level: float = 0.9,
        known: pl.Expr | Sequence[str] | None = None,
        rollup: bool = False,
        expected: float | None = None,
        expected_sd: float | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """What is expected of each series in the periods after its last one: series (of the id's type),
        step, ds (of the type of ts), yhat, the interval from lo to hi, and status: 'ok', or what was
        done to the series (gaps filled, duplicates summed) and what is odd about it.

        One bad series never fails the query: what cannot be forecast is NULL. A series without any value is
        forecast from home, or from the facts and levels of the other markets. Days without trade are
        forecast as 0, and said.

        Args:
            model: VARCHAR: a model of the task 'forecast', 'name' or 'name@3'.
            id: a column or STRUCT: what names a series: a column, or a STRUCT such as {'market':
                market, 'sku': sku}; in Python, columns.
            ts: a column or expression: DATE, TIMESTAMP, TIMESTAMPTZ, or integers that count periods;
                the frequency is found from them.
            y: a column or expression: a number; rows after the last one that has it may hold what is
                known in advance.
            horizon: INTEGER: how many periods, 1 to 1000.
            level: DOUBLE: the share of truths that lo and hi shall hold.
            known: a STRUCT: numbers or booleans known in advance, such as {'promotion': promotion}, and
                facts that the model was fitted with, by its names; in Python their columns.
            rollup: BOOLEAN: forecast the sums as well that ROLLUP makes of the parts of id, and let all
                add up.
            expected: DOUBLE: what you expect a usual period of a market without history to bring.
            expected_sd: DOUBLE: how far that may be off (a standard deviation); NULL: half of it.
            options: STRUCT: fill, duplicates, negative, end, until, frequency, calendar, see
                docs/forecast.md.

        Returns:
            series (as id), step INTEGER, ds (as ts), yhat DOUBLE, lo DOUBLE, hi DOUBLE, status VARCHAR.
        """
        return self._call("forecast", model=model, id=id, ts=ts, y=y, horizon=horizon, level=level, known=known, rollup=rollup, expected=expected, expected_sd=expected_sd, options=options)

    def gain_shares(
        self,
        label: str,
        source: pl.LazyFrame | pl.DataFrame,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """Which home market and which kind of data (text, vector, table) a transfer lives by: it is made
        again without each.

        `score` is that of the blend, out of fold, `without` that without the part, `lost` the difference
        with its 95 % interval, and `share` its part of what all parts of its sort lose. Parts that stand in
        for each other lose little alone. The only kind there is has no `without`. It takes as long as a
        transfer for each part and one more.

        Args:
            label: VARCHAR: the label column, of one name on both sides.
            source: a table: the home markets' rows.
            options: STRUCT: of the transfers; `source_market` names the home market of each row.

        Returns:
            part VARCHAR, name VARCHAR, share DOUBLE, metric VARCHAR, score DOUBLE, without DOUBLE, lost
            DOUBLE, lo DOUBLE, hi DOUBLE.
        """
        return self._call("gain_shares", label=label, source=source, options=options)

    def label_curve(
        self,
        model: str,
        label: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """How many labels does this market need? The answer is the score by number of labels, out of fold
        with 95 % bootstrap intervals: of the target alone, and of the transfer from the home model
        (`blend`; `source only` is that model as it is).

        A transferred model stands for its base. Where the model was fitted on these very rows, or from rows
        without a base, the target alone is shown. `basis` is 'measured', or 'extrapolated' for two and four
        times the labels there are: a power law through the last points, which promises too much where noise
        remains that no label removes. Every size is fitted five times, so it takes as long as some twenty
        transfers.

        Args:
            model: VARCHAR: a home model, or one that was transferred from a base.
            label: VARCHAR: the label column; NULL for the one the model was fitted on.
            options: STRUCT: of the fits, see docs/options.md.

        Returns:
            labels BIGINT, arm VARCHAR, basis VARCHAR, metric VARCHAR, value DOUBLE, lo DOUBLE, hi
            DOUBLE.
        """
        return self._call("label_curve", model=model, label=label, options=options)

    def launch(
        self,
        id: pl.Expr | str | Sequence[str],
        demand: str,
        delay: str | None = None,
        price: pl.Expr | str | None = None,
        market: str | None = None,
        start: dt.date | None = None,
        horizon: int = 8,
        level: float = 0.9,
        price_error: float = 0.0,
        draws: int = 2000,
    ) -> pl.LazyFrame:
        """What home products would bring in a market where they are not sold yet: product, market, and mean
        and interval of wanted (demand of the horizon, forecast from home), days (until goods arrive),
        sold (what is wanted after that) and revenue (sold times price).

        The intervals are joint: outcomes are drawn with one delivery time a product, demand that stays high
        where it is high, and one change of price for all, and always the same for the same arguments. The
        last row, product NULL, is all products together. A model that was not carried from another market
        is an error, and so is a product that sells there already.

        Args:
            id: a column or STRUCT: what the demand model calls a product, as in xb.forecast.
            demand: VARCHAR: a model of the task 'forecast', carried to the market.
            delay: VARCHAR: a model of the task 'predict' that reads the products' columns and gives
                days; NULL: goods are there at once.
            price: a column or expression: a number in the market's money, such as xb.to_currency(...);
                may be NULL.
            market: VARCHAR: a country code, for the record; NULL is the demand model's.
            start: DATE or TIMESTAMP: when the goods leave; NULL is now.
            horizon: INTEGER: how many periods, 1 to 1000.
            level: DOUBLE: the share of outcomes between _lo and _hi.
            price_error: DOUBLE: how far all prices may move together, as a share: 0.05.
            draws: INTEGER: outcomes that are drawn, 100 to 100000.

        Returns:
            product (as id), market VARCHAR, wanted DOUBLE, wanted_lo DOUBLE, wanted_hi DOUBLE, days
            DOUBLE, days_lo DOUBLE, days_hi DOUBLE, sold DOUBLE, sold_lo DOUBLE, sold_hi DOUBLE, revenue
            DOUBLE, revenue_lo DOUBLE, revenue_hi DOUBLE, price DOUBLE, status VARCHAR.
        """
        return self._call("launch", id=id, demand=demand, delay=delay, price=price, market=market, start=start, horizon=horizon, level=level, price_error=price_error, draws=draws)

    def lint(
        self,
        target: pl.LazyFrame | pl.DataFrame | None = None,
        label: str | None = None,
    ) -> pl.LazyFrame:
        """What to look at before a fit or, with a target, before a transfer.

        Of one table: types, numbers and dates as text, mixed units and currencies, near-constant columns,
        ids, leaks, duplicates, placeholders, labels that look like numbers, classes of one row. Of two
        also: units or currencies that contradict each other, types that differ, medians that are a
        conversion factor or far apart, columns that one side lacks. `severity` is error, warning or note;
        `column` is '*' for what is said of rows; `remedy` is SQL where SQL helps, and reads from `data`.
        `xb.transfer` itself refuses units that contradict each other.

        Args:
            target: a table: the other market's rows.
            label: VARCHAR: the label column; with it leaks are looked for.

        Returns:
            severity VARCHAR, column VARCHAR, problem VARCHAR, remedy VARCHAR.
        """
        return self._call("lint", target=target, label=label)

    def localise(
        self,
        model: str,
        fields: Mapping[str, Any] | None,
        id: str | None = None,
        done: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """A catalogue as another market has it, in the same columns: fields marked 'translated' in the
        target language, those marked 'same' as they are, those marked 'market' as `done` has them, else
        NULL, so that no home price goes abroad.

        A text that has not changed since `done`, by its digest, is taken from there, also where a person
        has changed it. By field: `scores` as of xb.translate, `outdated` (what was translated now),
        `digests` (md5 of the sources). `translator` is the model's name; a `done` of another is refused,
        and so is one with different rows of one id.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            fields: STRUCT: column -> 'translated', 'same' (everywhere) or 'market' (each market's own);
                a column that is not named is the same: {'title': 'translated', 'price': 'market'}.
            id: VARCHAR: the column that says which row of `done` is which.
            done: a table: an earlier result, with what the market wrote there since.

        Returns:
            every column of `tbl`, scores MAP(VARCHAR, DOUBLE), outdated VARCHAR[], digests MAP(VARCHAR,
            VARCHAR), translator VARCHAR.
        """
        return self._call("localise", model=model, fields=fields, id=id, done=done)

    def map_taxonomy(
        self,
        right: pl.LazyFrame | pl.DataFrame,
        label: str,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:
        """What each node of one taxonomy is in another, across languages and without a label: names, paths,
        parents and children are compared, and the nodes are chosen together, so that two share a
        counterpart only where they have no better one.

        One row a left label: `mapped` is the likeliest right label and `score` its probability; `sure` is
        the deepest right node above or at it that is sure, NULL where not even its first level is, with its
        own `level` and probability; `scores` of every level of the likeliest path, and `best` the likeliest
        labels, to choose from where a person reviews the table. It supposes that every left node has a
        counterpart; one whose names have no word ('???', '12345'), and are none of the right side's, is
        NULL in all but its label.

        Args:
            right: a table: its name, a CTE, a registered Arrow or Polars object or a Python variable.
            label: VARCHAR: the column of both tables that holds paths or codes.
            name: VARCHAR: the column of both tables that names the nodes; NULL takes the last part of
                each path.
            options: STRUCT: levels (' > ', or code lengths [2, 4, 6]), right_levels where they differ,
                sure, best.

        Returns:
            label VARCHAR, mapped VARCHAR, score DOUBLE, sure VARCHAR, sure_score DOUBLE, level INTEGER,
            scores DOUBLE[], best STRUCT(label VARCHAR, score DOUBLE)[].
        """
        return self._call("map_taxonomy", right=right, label=label, name=name, options=options)

    def market_report(
        self,
        candidates: pl.LazyFrame | pl.DataFrame,
        path: str,
        columns: Mapping[str, Any] | None = None,
        home_market: str | None = None,
        facts: pl.LazyFrame | pl.DataFrame | None = None,
        rates: pl.LazyFrame | pl.DataFrame | None = None,
        models: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Write one page that a manager reads before a shop goes abroad: what each market sold, to how many
        and for how much (also in home's money, with `rates`), which market is like home and by what
        evidence (xb.market_similarity), the last year's weeks with a fan of the next eight, a map of the
        ways there with the days that nine of ten parcels took (`days`, and the facts `lat` and `lon`, or
        `distance_km`), prices of each category beside home's, the best sold products that both have
        (xb.match) with their price gap, what the tables contradict each other in (xb.lint), and what to
        do next: columns, rates and facts that are missing; of each of `models` the rows to label and the
        columns that give the label away.

        What no column says is left out, and the page says which column it is. The file is whole: no script,
        no font and no request.

        Args:
            candidates: a table: the same of other markets, with a column that names the market.
            path: VARCHAR: the HTML file that is written; one that is there is replaced.
            columns: STRUCT: as of xb.market_similarity: {'ts': 'ordered'}.
            home_market: VARCHAR: home's name; a country code brings language, money and holidays.
            facts: a table: known of each market, home among them: market, then a column a fact; what is
                said of a pair, such as the distance from home, has home's value with itself in home's
                row; of `lat` and `lon` (degrees) the distance counts.
            rates: a table: currency and per_unit, as of xb.to_currency; the latest day of each counts.
            models: VARCHAR[]: names of models that it says what to do next of.

        Returns:
            path VARCHAR, markets BIGINT, rows BIGINT, bytes BIGINT.
        """
        return self._call("market_report", candidates=candidates, path=path, columns=columns, home_market=home_market, facts=facts, rates=rates, models=models)

    def market_sensitivity(
        self,
        currency: str,
        rates: pl.LazyFrame | pl.DataFrame | None = None,
        duties: pl.LazyFrame | pl.DataFrame | None = None,
        vat: pl.LazyFrame | pl.DataFrame | None = None,
        level: float = 0.9,
        correlation: float = 0.5,
        seed: int = 0,
    ) -> pl.LazyFrame:
        """Which input would change the order of xb.rank_markets: of every two markets that follow each
        other, by what share each input (units, price, cost, freight, duty, vat) of either would have to
        change for both to bring the same, the smallest first; changes beyond 100 % are left out.

        A currency's rate counts as the price does. `probability` is how likely the order turns when that
        input alone is off as its intervals say.

        Args:
            currency: VARCHAR: home's currency, ISO 4217; what is earned is told in it.
            rates: a table: currency and per_unit, as of xb.to_currency; the latest day of each counts.
            duties: a table: market, hs and rate (a share of cost and freight): the longest code that
                begins a row's `hs` counts, NULL is any; without the table no duty counts.
            vat: a table: market and rate, a share of the price before VAT; NULL is any market.
            level: DOUBLE: the share of outcomes between lo and hi, of the plan's intervals as of the
                answer's.
            correlation: DOUBLE: 0 to 1: how far the rows of one market are wrong together.
            seed: INTEGER: of the draws.

        Returns:
            market VARCHAR, input VARCHAR, change DOUBLE, against VARCHAR, probability DOUBLE.
        """
        return self._call("market_sensitivity", currency=currency, rates=rates, duties=duties, vat=vat, level=level, correlation=correlation, seed=seed)

    def market_similarity(
        self,
        candidates: pl.LazyFrame | pl.DataFrame,
        columns: Mapping[str, Any] | None = None,
        home_market: str | None = None,
        facts: pl.LazyFrame | pl.DataFrame | None = None,
        rates: pl.LazyFrame | pl.DataFrame | None = None,
        seed: int = 0,
    ) -> pl.LazyFrame:
        """How alike each market is to home, 0 to 1, the likest first, each measure with its evidence:
        'catalogue' (shares of categories, the nearest home title of each title in any language),
        'price', 'customers' (orders and spend of each, a year), 'demand' (shares of the months, from
        eleven months on) and 'facts'.

        What either side lacks is left out. 'overall' is the mean of the aspects. A small market differs by
        chance: what samples of home of its size show counts as no difference. `lo` and `hi` are 95 %
        bootstrap intervals, NULL where nothing was sampled. Markets that only `facts` names are compared by
        these. It says whom a market is like, and does not say what a transfer gains.

        Args:
            candidates: a table: the same of other markets, with a column that names the market.
            columns: STRUCT: which column is the market, category, title, price, currency, customer,
                amount, ts, days (until delivery; of xb.market_report), where it has another name:
                {'ts': 'ordered'}.
            home_market: VARCHAR: home's name in the facts; a country code brings language, money and
                holidays.
            facts: a table: known of each market, home among them: market, then a column a fact; what is
                said of a pair, such as the distance from home, has home's value with itself in home's
                row; of `lat` and `lon` (degrees) the distance counts.
            rates: a table: currency and per_unit, as of xb.to_currency; the latest day of each counts.
            seed: INTEGER: of the draws.

        Returns:
            market VARCHAR, aspect VARCHAR, measure VARCHAR, similarity DOUBLE, lo DOUBLE, hi DOUBLE,
            evidence VARCHAR.
        """
        return self._call("market_similarity", candidates=candidates, columns=columns, home_market=home_market, facts=facts, rates=rates, seed=seed)

    def match(
        self,
        right: pl.LazyFrame | pl.DataFrame,
        lid: pl.Expr | str,
        ltext: pl.Expr | str | None,
        rid: pl.Expr | str,
        rtext: pl.Expr | str | None,
        block: pl.Expr | str | None = None,
        beside: pl.Expr | str | None = None,
        threshold: float = 0.5,
        model: str | None = None,
        variants: bool = False,
    ) -> pl.LazyFrame:
        """Which row of one catalogue is which of another, one to one and across languages: lid, rid, score,
        one row a left row.

        The score is the probability that they are one thing; rid and score are NULL where nothing matches.

        Args:
            right: a table: its name, a CTE, a registered Arrow or Polars object or a Python variable.
            lid: a column or expression: the left id, any type.
            ltext: a column or expression: VARCHAR: the left text, e.g. a title; rows where it is NULL,
                blank or a placeholder have no match, but by their pictures.
            rid: a column or expression: the right id, any type.
            rtext: a column or expression: VARCHAR: the right text.
            block: a column or expression: of both tables: only rows of one value are compared.
            beside: a column or expression: a STRUCT of both tables with any of price (a number of one
                currency), brand (VARCHAR) and image (its vector, see xb.embed_image): added to what the
                texts say, and three more columns for a scorer of your own; a picture also proposes
                those nearest to it, whatever the texts are.
            threshold: DOUBLE: the least probability of a match.
            model: VARCHAR: a model fitted on xb.match_candidates; NULL for the built-in scorer.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other never match.

        Returns:
            lid (as lid), rid (as rid), score DOUBLE.
        """
        return self._call("match", right=right, lid=lid, ltext=ltext, rid=rid, rtext=rtext, block=block, beside=beside, threshold=threshold, model=model, variants=variants)

    def match_candidates(
        self,
        right: pl.LazyFrame | pl.DataFrame,
        lid: pl.Expr | str,
        ltext: pl.Expr | str | None,
        rid: pl.Expr | str,
        rtext: pl.Expr | str | None,
        block: pl.Expr | str | None = None,
        beside: pl.Expr | str | None = None,
        variants: bool = False,
    ) -> pl.LazyFrame:
        """The pairs that xb.match chooses from, and what is known of each: lid, rid and a column for each
        similarity, gap to the best pair of a row, rank.

        Label some with true and false, and xb.fit or xb.transfer makes a scorer of them for xb.match.

        Args:
            right: a table: its name, a CTE, a registered Arrow or Polars object or a Python variable.
            lid: a column or expression: the left id, any type.
            ltext: a column or expression: VARCHAR: the left text, e.g. a title; rows where it is NULL,
                blank or a placeholder have no match, but by their pictures.
            rid: a column or expression: the right id, any type.
            rtext: a column or expression: VARCHAR: the right text.
            block: a column or expression: of both tables: only rows of one value are compared.
            beside: a column or expression: a STRUCT of both tables with any of price (a number of one
                currency), brand (VARCHAR) and image (its vector, see xb.embed_image): added to what the
                texts say, and three more columns for a scorer of your own; a picture also proposes
                those nearest to it, whatever the texts are.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other never match.

        Returns:
            lid (as lid), rid (as rid), cosine DOUBLE, nearness DOUBLE, nearness_gap_left DOUBLE,
            nearness_gap_right DOUBLE, nearness_rank_left DOUBLE, nearness_rank_right DOUBLE, carried
            DOUBLE, carried_gap_left DOUBLE, carried_gap_right DOUBLE, carried_rank_left DOUBLE,
            carried_rank_right DOUBLE, spelling DOUBLE, spelling_gap_left DOUBLE, spelling_gap_right
            DOUBLE, words_left DOUBLE, words_right DOUBLE, words_worst DOUBLE, numbers DOUBLE, sizes
            DOUBLE, models DOUBLE, length_ratio DOUBLE, words_more DOUBLE, likely DOUBLE,
            likely_gap_left DOUBLE, likely_gap_right DOUBLE, translated_left DOUBLE, translated_right
            DOUBLE, known_left DOUBLE, known_right DOUBLE, translated_gap_left DOUBLE,
            translated_gap_right DOUBLE, taught DOUBLE, taught_gap_left DOUBLE, taught_gap_right DOUBLE,
            price DOUBLE, brand DOUBLE, image DOUBLE.
        """
        return self._call("match_candidates", right=right, lid=lid, ltext=ltext, rid=rid, rtext=rtext, block=block, beside=beside, variants=variants)

    def picture_sheet(
        self,
        model: str,
        path: str | os.PathLike[str],
        home: pl.LazyFrame | pl.DataFrame | None = None,
        n: int = 200,
    ) -> pl.LazyFrame:
        """Write pictures as one HTML page that fetches nothing: each with the label that the model gives
        it, how sure that is, the label it has (a wrong answer is red) and the home picture that is most
        alike, each side less its own mean; the least sure first.

        `unread` counts rows in which there is no picture that can be read, `right` is the share of the
        labelled rows that is answered right.

        Args:
            model: VARCHAR: a model that reads pictures.
            path: VARCHAR: of the HTML file, which is replaced.
            home: a table: the home market's rows: the most alike of them stands beside each.
            n: INTEGER: how many pictures are shown, at most 2,000.

        Returns:
            path VARCHAR, rows BIGINT, unread BIGINT, right DOUBLE.
        """
        return self._call("picture_sheet", model=model, path=path, home=home, n=n)

    def predict_table(self, model: str, shift: bool = False) -> pl.LazyFrame:
        """Every column of the table and the prediction.

        Classes: the class in `predicted` and its probability in `value`. Numbers: the number in `value`,
        its interval in `lo` and `hi`, and `predicted` is NULL. `shift` is NULL unless it is asked for.
        Where the table has a column `value` the new one is `value_1`.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            shift: BOOLEAN: whether to measure how far each row lies out; it doubles the time.

        Returns:
            every column of `tbl`, predicted VARCHAR, value DOUBLE, lo DOUBLE, hi DOUBLE, shift DOUBLE.
        """
        return self._call("predict_table", model=model, shift=shift)

    def profile(
        self,
        user: pl.Expr | str,
        ts: pl.Expr | str,
        amount: pl.Expr | str,
        basket: pl.Expr | str | None = None,
        category: pl.Expr | str | None = None,
        home: pl.LazyFrame | pl.DataFrame | None = None,
        until: dt.date | None = None,
        horizon: int = 90,
        level: float = 0.9,
        segments: int = 5,
    ) -> pl.LazyFrame:
        """What the sales of a market say of each customer, one row each.

        What somebody buys on one day is one order. Past: `orders`, their first and last day, `recency` and
        `age` (days since), `spend` (after returns), `order_value` (mean), `returned` (share of the money),
        `gap` (median days between orders), `lines` (bought at once), the `category` that most is spent on
        and its share, `price_band` (the fifth of the market's lines that the median line lies in, 5 the
        dearest), the usual `weekday` (1 Monday) and `hour`. Ahead: the probability to be `alive` as a
        customer, the orders, their value and the spend that are expected within `horizon` days (BG/NBD and
        Gamma-Gamma), the spend's median, which errs least (`typical_spend`), and its interval; the `basis`
        is 'calibrated' where the market's own last period could be tried (40 customers, two horizons), else
        'model'. `segment`: 1 are those who are expected to spend most. With `home`, home's process is the
        prior as far as it predicts customers here, segments are home's, and `nearest` are the five home
        customers most alike, as text, the likest first. `later_orders` and `later_spend` are what came
        after `until`, NULL where the table ends before the horizon: labels for xb.fit and xb.transfer. Rows
        without user, ts or a finite amount are left out; equal rows all count. Who only returned has NULL
        for what orders say.

        Args:
            user: a column or expression: who bought, any type.
            ts: a column or expression: DATE or TIMESTAMP: when.
            amount: a column or expression: what the line came to, in money of one currency; below 0 is
                a return.
            basket: a column or expression: what was bought at once, for `lines`; NULL: that day.
            category: a column or expression: of what was bought.
            home: a table: the profiles of another market: what this function made of it.
            until: DATE or TIMESTAMP: today; NULL is the last day of the table.
            horizon: INTEGER: days ahead, 1 to 3650.
            level: DOUBLE: the share of truths that lo and hi shall hold.
            segments: INTEGER: groups at most, 1 to 100; with `home` they are home's.

        Returns:
            user (as user), orders BIGINT, first_order DATE, last_order DATE, recency INTEGER, age
            INTEGER, spend DOUBLE, order_value DOUBLE, returned DOUBLE, gap DOUBLE, lines DOUBLE,
            category VARCHAR, category_share DOUBLE, price_band INTEGER, weekday INTEGER, hour INTEGER,
            alive DOUBLE, expected_orders DOUBLE, expected_value DOUBLE, expected_spend DOUBLE,
            typical_spend DOUBLE, lo DOUBLE, hi DOUBLE, basis VARCHAR, segment INTEGER, nearest
            VARCHAR[], later_orders BIGINT, later_spend DOUBLE.
        """
        return self._call("profile", user=user, ts=ts, amount=amount, basket=basket, category=category, home=home, until=until, horizon=horizon, level=level, segments=segments)

    def rank_markets(
        self,
        currency: str,
        rates: pl.LazyFrame | pl.DataFrame | None = None,
        duties: pl.LazyFrame | pl.DataFrame | None = None,
        vat: pl.LazyFrame | pl.DataFrame | None = None,
        curves: pl.LazyFrame | pl.DataFrame | None = None,
        goal: float | None = None,
        promise: float | None = None,
        level: float = 0.9,
        correlation: float = 0.5,
        seed: int = 0,
    ) -> pl.LazyFrame:
        """Markets by the margin they are expected to bring: units times the price after VAT, less cost,
        freight and duty.

        `lo` and `hi` hold the margins of all markets at once for `level` of the outcomes; `rank_lo` and
        `rank_hi` each market's own rank; `best` is how likely it comes first. An interval's ends are
        quantiles of an outcome on either side of the value, on a log scale where all are above 0; numbers
        without an interval are taken as exact, and the note says so. `labels_needed` is the fewest labels
        that reach `goal`. A market that lacks a number, a rate of its currency, a duty or its VAT comes
        last without a rank, and the note says what it lacks.

        Args:
            currency: VARCHAR: home's currency, ISO 4217; what is earned is told in it.
            rates: a table: currency and per_unit, as of xb.to_currency; the latest day of each counts.
            duties: a table: market, hs and rate (a share of cost and freight): the longest code that
                begins a row's `hs` counts, NULL is any; without the table no duty counts.
            vat: a table: market and rate, a share of the price before VAT; NULL is any market.
            curves: a table: what xb.label_curve gave, with a column market, for `labels_needed`.
            goal: DOUBLE: the score that a model must reach.
            promise: DOUBLE: days that are promised to customers, for `on_time`.
            level: DOUBLE: the share of outcomes between lo and hi, of the plan's intervals as of the
                answer's.
            correlation: DOUBLE: 0 to 1: how far the rows of one market are wrong together.
            seed: INTEGER: of the draws.

        Returns:
            rank INTEGER, market VARCHAR, margin DOUBLE, lo DOUBLE, hi DOUBLE, rank_lo INTEGER, rank_hi
            INTEGER, best DOUBLE, units DOUBLE, revenue DOUBLE, freight DOUBLE, duty DOUBLE, vat DOUBLE,
            days DOUBLE, on_time DOUBLE, labels_needed BIGINT, note VARCHAR.
        """
        return self._call("rank_markets", currency=currency, rates=rates, duties=duties, vat=vat, curves=curves, goal=goal, promise=promise, level=level, correlation=correlation, seed=seed)

    def rank_networks(self, label: str, networks: Sequence[str] | None = None) -> pl.LazyFrame:
        """Which network reads these pictures best, before anything is fitted; best first.

        `logme` is the log evidence a row that labels can be told from its vectors by a line (LogME: You et
        al., 2021); larger is better, and only differences say something. `accuracy` is that of the nearest
        mean of a class, with each picture's scene left out of it. `numbers` is the length of a vector, `ms`
        what a picture took now. The first column of pictures is read, at most 2,000 of its rows.

        Args:
            label: VARCHAR: the label column; rows where it is NULL are not looked at.
            networks: VARCHAR[]: what to compare, as of the option `network`; NULL: those that are
                installed.

        Returns:
            network VARCHAR, logme DOUBLE, accuracy DOUBLE, numbers BIGINT, ms DOUBLE.
        """
        return self._call("rank_networks", label=label, networks=networks)

    def recommend(
        self,
        model: str,
        user: pl.Expr | str,
        k: int = 10,
        exclude_seen: bool = True,
        history: pl.Expr | str | None = None,
        candidates: pl.Expr | str | None = None,
        filter: object = "*",
        diversity: float = 0.0,
    ) -> pl.LazyFrame:
        """The k items that each user wants next, best first.

        Without `candidates` and `filter` they are those that the model's market has bought. `score` is 1
        where every method of the model puts an item first, and `because` says which of the user's own items
        it is nearest to. A user whom the model does not know, and whose history is not given, gets what is
        popular. Items that the model does not know come last, where fewer than k others are left, with
        score 0 and `because` NULL. Rows without user and history are left out; an empty list of candidates
        gives no row. Items are text. Of equal scores the more popular one comes first.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            user: a column or expression: who, any type; 7 and '7' are one user.
            k: INTEGER: how many; fewer come back only where fewer items match.
            exclude_seen: BOOLEAN: leave out what a user has.
            history: a column or expression: a list of items that a user has, in place of those that the
                model knows.
            candidates: a column or expression: a list of items a user, among which to choose.
            filter: a list: the items that may come back, e.g. (SELECT list(sku) FROM stock WHERE
                ships_to = 'JP'); NULL, which is what list() makes of no row, lets nothing through.
            diversity: DOUBLE: 0 to below 1: how much an item loses by being like one before it, 0
                nothing.

        Returns:
            user (as user), item VARCHAR, score DOUBLE, rank INTEGER, because VARCHAR.
        """
        return self._call("recommend", model=model, user=user, k=k, exclude_seen=exclude_seen, history=history, candidates=candidates, filter=filter, diversity=diversity)

    def report(
        self,
        models: Sequence[str] | None,
        path: str,
        curves: bool = False,
        home: pl.LazyFrame | pl.DataFrame | None = None,
        known: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Write one page that a manager reads: of each model the verdict with its arms and intervals, what
        the blend is made of and what the notes say; with `tbl` also what it looks at (SHAP), whether the
        rows have moved from those of the fit (xb.drift), which rows to label next (xb.suggest_labels)
        and, with `curves`, the score by number of labels; of a forecast the largest series with their
        fans, beside `home`'s of the same names (or where it has none all of them together) at the level
        of each, with closed days and those that something `known` moves.

        The file is whole: no script, no font and no request, at most 2 MB; it prints, and has a light and a
        dark face. 20,000 of the rows are looked at, of series all. A model that cannot be read has a card
        that says so.

        Args:
            models: VARCHAR[]: names of models, in the order of the page.
            path: VARCHAR: the HTML file that is written; one that is there is replaced.
            curves: BOOLEAN: true draws what more labels bring (xb.label_curve), which takes as long as
                twenty transfers.
            home: a table: home's series, in columns of the same names as `tbl`: forecasts are drawn
                beside them.
            known: VARCHAR[]: columns of `tbl` that a forecast knows in advance; their future is rows
                without a value.

        Returns:
            path VARCHAR, models BIGINT, bytes BIGINT.
        """
        return self._call("report", models=models, path=path, curves=curves, home=home, known=known)

    def review(
        self,
        id: pl.Expr | str,
        market: pl.Expr | str,
        text: pl.Expr | str | None,
        beside: pl.Expr | str | None = None,
        block: pl.Expr | str | None = None,
        n: int = 50,
        many: bool = False,
        variants: bool = False,
        page: str | None = None,
        labels: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """The pairs of offers whose labels help most, the most doubtful first: those that nobody can tell,
        and those where the pair and the whole entity disagree; none twice in other words, and none that
        `labels` has.

        Fill the column `match` with true or false, and hand the rows back as `labels` of xb.entities.

        Args:
            id: a column or expression: what names an offer in its market, any type; other markets may
                have it too.
            market: a column or expression: the catalogue a row is of, any type; a row where it is NULL
                is alone.
            text: a column or expression: VARCHAR: what is compared by meaning, e.g. a title; NULL,
                blanks and placeholders say nothing.
            beside: a column or expression: a STRUCT of what else is known: gtin (text or a whole
                number), price (a number, each market in its own currency), and columns of your own,
                read by type: text such as brand, numbers, booleans, vectors.
            block: a column or expression: only rows of one value are compared; NULL: a row is alone.
            n: INTEGER: how many pairs.
            many: BOOLEAN: true lets an entity hold several rows of a market.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other are never joined.
            page: VARCHAR: a file that is written beside: both offers next to each other, differences
                marked, as HTML.
            labels: a table: pairs that somebody has labelled: columns lmarket, lid, rmarket, rid and
                match (BOOLEAN), as xb.review asks for; true ties two offers, false keeps them apart,
                and from ten of each on they correct the odds.

        Returns:
            lmarket (as market), lid (as id), rmarket (as market), rid (as id), ltext VARCHAR, rtext
            VARCHAR, score DOUBLE, joined BOOLEAN, doubt DOUBLE, match BOOLEAN.
        """
        return self._call("review", id=id, market=market, text=text, beside=beside, block=block, n=n, many=many, variants=variants, page=page, labels=labels)

    def route_options(
        self,
        cost_model: str,
        delay_model: str,
        promise: str | float | None = None,
        per_day: str | float | None = 0,
        extra: str | float | None = 0,
    ) -> pl.LazyFrame:
        """Every column of the table, and what each route is expected to cost and to take, with intervals.

        landed_cost = freight + extra + per_day times the days; no freight or day below 0 counts. Its ends
        add those of both intervals, so they hold at least as much as both together. on_time is the
        probability of no more days than promised, the error taken for normal with the interval's spread,
        and shift the larger of the two models'. What a model cannot say is NULL.

        Args:
            cost_model: VARCHAR: a model of numbers: freight of a shipment.
            delay_model: VARCHAR: a model of numbers: days, or days late.
            promise: DOUBLE: a number or a column: days that are promised, for `on_time`.
            per_day: DOUBLE: a number or a column: what a day costs: stock on the way, a penalty.
            extra: DOUBLE: a number or a column: duty, insurance, handling.

        Returns:
            every column of `routes`, landed_cost DOUBLE, cost_lo DOUBLE, cost_hi DOUBLE, delay DOUBLE,
            delay_lo DOUBLE, delay_hi DOUBLE, on_time DOUBLE, shift DOUBLE.
        """
        return self._call("route_options", cost_model=cost_model, delay_model=delay_model, promise=promise, per_day=per_day, extra=extra)

    def score_pairs(
        self,
        id: pl.Expr | str,
        market: pl.Expr | str,
        text: pl.Expr | str | None,
        beside: pl.Expr | str | None = None,
        block: pl.Expr | str | None = None,
        threshold: float = 0.5,
        many: bool = False,
        variants: bool = False,
        labels: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """The pairs of offers of different markets that xb.entities joins, or does not, the likeliest
        first: `score`, the probability of the pair by itself; what speaks for it beyond two offers at
        random, in bits (one bit: twice as likely), by their `text` and by what stands `beside` it;
        whether both are `joined` in one entity.

        Args:
            id: a column or expression: what names an offer in its market, any type; other markets may
                have it too.
            market: a column or expression: the catalogue a row is of, any type; a row where it is NULL
                is alone.
            text: a column or expression: VARCHAR: what is compared by meaning, e.g. a title; NULL,
                blanks and placeholders say nothing.
            beside: a column or expression: a STRUCT of what else is known: gtin (text or a whole
                number), price (a number, each market in its own currency), and columns of your own,
                read by type: text such as brand, numbers, booleans, vectors.
            block: a column or expression: only rows of one value are compared; NULL: a row is alone.
            threshold: DOUBLE: pairs of a lower probability are left out; 0 gives all that were looked
                at.
            many: BOOLEAN: true lets an entity hold several rows of a market.
            variants: BOOLEAN: true takes products that differ in size, count or model number as one;
                otherwise rows that both state one and contradict each other are never joined.
            labels: a table: pairs that somebody has labelled: columns lmarket, lid, rmarket, rid and
                match (BOOLEAN), as xb.review asks for; true ties two offers, false keeps them apart,
                and from ten of each on they correct the odds.

        Returns:
            lmarket (as market), lid (as id), rmarket (as market), rid (as id), score DOUBLE, text
            DOUBLE, beside DOUBLE, joined BOOLEAN.
        """
        return self._call("score_pairs", id=id, market=market, text=text, beside=beside, block=block, threshold=threshold, many=many, variants=variants, labels=labels)

    def similar_items(
        self,
        model: str,
        item: pl.Expr | str,
        k: int = 10,
        filter: object = "*",
    ) -> pl.LazyFrame:
        """The k items that the same users have most, best first: the cosine of who has them, over all
        markets of the model, drawn to 0 where few have them.

        Without `filter` they are those that the model's market has bought. An item that is not known, or
        that nobody has together with another one, has no row.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            item: a column or expression: what, any type.
            k: INTEGER: how many; fewer come back only where fewer items match.
            filter: a list: the items that may come back, e.g. (SELECT list(sku) FROM stock WHERE
                ships_to = 'JP'); NULL, which is what list() makes of no row, lets nothing through.

        Returns:
            item (as item), similar VARCHAR, score DOUBLE, rank INTEGER.
        """
        return self._call("similar_items", model=model, item=item, k=k, filter=filter)

    def similarity_join(
        self,
        catalog: pl.LazyFrame | pl.DataFrame,
        qid: pl.Expr | str,
        qvec: pl.Expr | str,
        cid: pl.Expr | str,
        cvec: pl.Expr | str,
        k: int = 10,
        metric: str = "cosine",
    ) -> pl.LazyFrame:
        """The k most similar rows of the catalog for each query: qid, cid, score, rank.

        The search is exact. Build an index where a catalog is searched again or does not fit into memory.

        Args:
            catalog: a table: its name, a CTE, a registered Arrow or Polars object or a Python variable.
            qid: a column or expression: the queries' id, any type.
            qvec: a column or expression: the queries' vector; rows where it is NULL find nothing.
            cid: a column or expression: the catalog's id, any type; decides among equal scores.
            cvec: a column or expression: the catalog's vector; rows where it is NULL are not found.
            k: INTEGER: how many; fewer come back only where fewer rows match.
            metric: VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance).

        Returns:
            qid (as qid), cid (as cid), score FLOAT, rank INTEGER.
        """
        return self._call("similarity_join", catalog=catalog, qid=qid, qvec=qvec, cid=cid, cvec=cvec, k=k, metric=metric)

    def suggest_labels(
        self,
        model: str,
        n: int = 50,
        by: str | None = None,
        seed: int = 0,
        id: pl.Expr | str | None = None,
    ) -> pl.LazyFrame:
        """Which rows to label next, the most useful first.

        Three quarters are `chosen`: rows that the members of the model disagree about, that are like many
        others it is unsure of, and unlike what is labelled or chosen already. The others are `random`, so
        that evidence stays fair: with `weight` (of mean 1) the labels stand for the whole market. Keep it
        beside the labels, and name its column in the option `weight` of `xb.transfer`. `doubt` is the
        probability that the model's class is wrong, or how far the members of its blend lie apart, in the
        label's unit. 2,000 of the unlabelled rows are looked at. `row` is the place in `tbl`, from 1, or
        what `id` says of it.

        Args:
            model: VARCHAR: a home model, or one that was transferred.
            n: INTEGER: how many rows.
            by: VARCHAR: a column, such as the market, whose values share the rows fairly.
            seed: INTEGER: of what is drawn.
            id: a column or expression: what names a row in the answer, of any type; NULL: its place,
                from 1.

        Returns:
            row (as id), part VARCHAR, weight DOUBLE, doubt DOUBLE.
        """
        return self._call("suggest_labels", model=model, n=n, by=by, seed=seed, id=id)

    def taxonomy_paths(self, id: str, parent: str, name: str, language: str | None = None) -> pl.LazyFrame:
        """The nodes of a taxonomy that name their parents, as paths 'A > B > C' for xb.fit and
        xb.map_taxonomy: one row for each name of each node, in the order of the paths.

        Paths are in the language that most nodes have a name in. `note` says what is wrong with a node: a
        cycle, several parents, one that is no node, no name, two names in one language; it is NULL where
        nothing is.

        Args:
            id: VARCHAR: the column of ids.
            parent: VARCHAR: the column of the parents' ids, one or a list; NULL at the first level.
            name: VARCHAR: the column of names.
            language: VARCHAR: the column of their languages; NULL where all are of one.

        Returns:
            id VARCHAR, path VARCHAR, level INTEGER, name VARCHAR, language VARCHAR, note VARCHAR.
        """
        return self._call("taxonomy_paths", id=id, parent=parent, name=name, language=language)

    def transfer(
        self,
        model: str,
        label: str,
        base: str | None = None,
        source: pl.LazyFrame | pl.DataFrame | None = None,
        market: str | None = None,
        method: str = "auto",
        options: Mapping[str, Any] | None = None,
        task: str = "auto",
    ) -> pl.LazyFrame:
        """Carry the home market to the target: fit every way to use it, weigh them by out-of-fold evidence
        on the target's labels, store the blend and say whether the source helped.

        One row an arm (target only, source only, pooled, blend), the verdict and the weights of the
        candidates beside each.

        Args:
            model: VARCHAR: the name to store it under.
            label: VARCHAR: the label column, as the target or as home calls it; the option `align`
                pairs two names.
            base: VARCHAR: a model of the home market.
            source: a table: the home market's rows, where they may still be read.
            market: VARCHAR: the country code of the market that the rows come from, for the model card.
            method: VARCHAR: 'auto', a family or a candidate.
            options: STRUCT: text, ignore (lists of columns), seed and more, see xb.options and
                docs/options.md.
            task: VARCHAR: as in xb.fit; with a base 'auto' is its task.

        Returns:
            model VARCHAR, version INTEGER, arm VARCHAR, metric VARCHAR, value DOUBLE, lo DOUBLE, hi
            DOUBLE, verdict VARCHAR, basis VARCHAR, gain DOUBLE, gain_lo DOUBLE, gain_hi DOUBLE, labels
            BIGINT, labels_saved DOUBLE, reason VARCHAR, seconds DOUBLE, note VARCHAR, weights VARCHAR.
        """
        return self._call("transfer", model=model, label=label, base=base, source=source, market=market, method=method, options=options, task=task)

    def translate_table(
        self,
        model: str,
        text: str | None = None,
        done: pl.LazyFrame | pl.DataFrame | None = None,
    ) -> pl.LazyFrame:
        """Every column of the table and its translation, as xb.translate gives it.

        `digest` is the md5 of the source; `outdated` says whether the text was translated now, and not
        taken from `done`. So only what changed is translated again. `translator` is the model's name; a
        `done` of another one is refused, and one without that column is believed. Of several translations
        of one text in `done` the one counts that the model does not give; several of these are refused.
        Where the table has a column `score` the new one is `score_1`.

        Args:
            model: VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one.
            text: VARCHAR: the column that is translated; NULL for the one the model was fitted on.
            done: a table: an earlier result: what has its digest is taken from there.

        Returns:
            every column of `tbl`, translated VARCHAR, score DOUBLE, from VARCHAR, changed_terms
            VARCHAR[], digest VARCHAR, outdated BOOLEAN, translator VARCHAR.
        """
        return self._call("translate_table", model=model, text=text, done=done)

    def translation_sheet(
        self,
        text: str,
        path: str | os.PathLike[str],
        reference: str | None = None,
    ) -> pl.LazyFrame:
        """Write translations beside their sources as one HTML page, the lowest score first, at most 1,000
        of them.

        `score` is the mean over all.

        Args:
            text: VARCHAR: the column of the sources.
            path: VARCHAR: of the HTML file, which is replaced.
            reference: VARCHAR: a column of translations by people, shown beside.

        Returns:
            path VARCHAR, rows BIGINT, score DOUBLE.
        """
        return self._call("translation_sheet", text=text, path=path, reference=reference)

    def weights(
        self,
        target: pl.LazyFrame | pl.DataFrame,
        method: str = "density_ratio",
        columns: Sequence[str] | None = None,
        id: pl.Expr | str | None = None,
    ) -> pl.LazyFrame:
        """How much likelier each source row is in the target than at home, of mean 1, held to 0.05 .

        20: what to weigh home rows by where there is no foreign label. `row` is the place in `source`, from
        1, or what `id` says of it. Name the `columns` where one of them is a label that only some rows
        have.

        Args:
            target: a table: the foreign market's rows, labelled or not.
            method: VARCHAR: 'density_ratio' (a classifier out of fold), 'ulsif', 'rulsif' or 'kliep'.
            columns: VARCHAR[]: the columns to compare; NULL takes all that have values on both sides.
            id: a column or expression: what names a row in the answer, of any type; NULL: its place,
                from 1.

        Returns:
            row (as id), weight DOUBLE.
        """
        return self._call("weights", target=target, method=method, columns=columns, id=id)
