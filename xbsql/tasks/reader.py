"""How a classifier reads a table: which columns, in which role, as which views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import arrow, errors
from xbsql.features.column import ALL
from xbsql.features.encoder import encoder
from xbsql.features.image.magic import IMAGE
from xbsql.features.ngrams import Ngrams
from xbsql.features.roles import numbers_of, roles
from xbsql.features.table import TableEncoder, fit_encoder
from xbsql.features.text import embed_array
from xbsql.features.views import Features
from xbsql.store.model import State, restorable, restore
from xbsql.tasks.options import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.features.column import Keeping
    from xbsql.features.image.column import Pictures
    from xbsql.features.roles import Role
    from xbsql.features.views import Matrix

COMMON: Final = 0.05
"""Share of the texts from which on an n-gram says nothing: an article, an ending."""

FEWEST_TEXTS: Final = 200
"""Distinct texts of a target from which on its n-grams get weights of their own."""


@restorable("reader")
@dataclass(frozen=True)
class Reader:
    """Columns -> views: 'text' and 'ngram' of the text columns, 'picture' of BLOBs, 'table' of all others.

    Several text columns are read as one text, in the schema's order; a row without any has the empty text.
    Of several pictures the mean counts; a row without any that can be read has the zero vector.

    Attributes:
        schema: the columns that are read, as the home market names them.
        text: those that are text.
        ngrams: weights of n-grams; None without text.
        table: the other columns; it may have none.
        version: of the text encoder: vectors of two versions cannot be compared.
        pooled: whether the view 'pooled', the encoder before its dense head, is there too.
        names: what the target calls a column -> what the home market calls it, where the two differ.
        written: columns of numbers that the target has as text.
        pictures: columns of pictures.
        network: what reads them, see `picture_encoder`.
        sight: the version of that.
        maps: whether the view 'maps', the networks before their last layers, is there too; of the first
            column of pictures.
    """

    schema: pa.Schema
    text: tuple[str, ...]
    ngrams: Ngrams | None
    table: TableEncoder
    version: str = ""
    pooled: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    network: str = IMAGE
    sight: str = ""
    maps: bool = False

    @property
    def inputs(self) -> pa.Schema:
        """The columns that are read, as the target names them."""
        theirs = {home: name for name, home in self.names.items()}
        return pa.schema([column.with_name(theirs.get(column.name, column.name)) for column in self.schema])

    def at_home(self, table: pa.Table) -> pa.Table:
        """The rows under the home market's names; a table that has these already stays as it is."""
        found = {name: home for name, home in self.names.items() if name in table.column_names}
        if not found:
            return table
        kept = [name for name in table.column_names if name not in set(found.values())]
        return table.select(kept).rename_columns([found.get(name, name) for name in kept])

    def read(self, table: pa.Table, taught: NDArray[np.bool_] | None = None) -> Features:
        """The views of the rows; columns come in any order, and those of 'table' may be missing.

        Args:
            table: n rows.
            taught: bool, shape (n,): rows that are learned from: of their pictures there is beside the view
                'maps' that of the same altered, 'altered', which is 0 for other rows. None: it is not there.

        Raises:
            XbsqlError: a text column is missing or no text, or the encoder is not the one it was fitted with.
        """
        table = self.at_home(table)
        views: dict[str, Matrix] = {}
        if self.ngrams is not None:
            texts = self.texts(table)
            views["text"] = self._vectors(texts)
            views["ngram"] = _grams(self.ngrams, texts)
            if self.pooled:
                views["pooled"] = encoder().pool(encoder().normal(texts.to_pylist()))
        if self.pictures:
            views["picture"] = self.seen(table)
            if self.maps:
                views["maps"] = maps = self._mapped(table)
                if taught is not None:
                    views["altered"] = np.zeros_like(maps)
                    views["altered"][taught] = self._mapped(table.filter(pa.array(taught)), changed=True)
        if self.table.columns:
            views["table"] = self.table.transform(self._numbered(table))
        return Features(views)

    def texts(self, table: pa.Table) -> pa.Array:
        """The text of each row as it is read, each column in its normal spelling; never NULL."""
        return _joined([_normal(column) for column in self._columns(table)])

    def raw_texts(self, table: pa.Table) -> pa.Array:
        """The text of each row as it is written, never NULL."""
        return _joined(self._columns(table))

    def _columns(self, table: pa.Table) -> list[pa.Array]:
        """The columns of text, large_string without NULL."""
        table = self.at_home(table)
        for name in self.text:
            if name not in table.column_names:
                raise errors.unknown("xb.transfer", "text column", name, table.column_names)
            if arrow.family_of(table[name].type) not in ("text", "null"):
                problem = f"column '{name}' is {table[name].type}, and the model reads it as text"
                raise errors.invalid("xb.transfer", problem, f"cast it ({name}::VARCHAR)")
        return [arrow.one_chunk(table[name]).cast(pa.large_string()).fill_null("") for name in self.text]

    def blank(self, table: pa.Table) -> NDArray[np.bool_]:
        """Rows in which every column that is read is NULL; bool, shape (n,).

        Beside pictures a text of blanks is NULL too: nothing is read where none can be seen either.
        """
        table = self.at_home(table)
        there = set(table.column_names)
        plain = [name for name in self.schema.names if name in there and name not in self.pictures]
        columns = [self._told(name, table[name]) for name in plain]
        if not all(column.null_count for column in columns):
            return np.zeros(table.num_rows, bool)
        empty = np.ones(table.num_rows, bool)
        for column in columns:
            empty &= ~arrow.validity(arrow.one_chunk(column))
        for found in self.looked_at(table).values():
            empty &= ~found.there
        return empty

    def _told(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column, in which texts of blanks are NULL where pictures stand beside."""
        if not self.pictures or name not in self.text or not arrow.is_text(column.type):
            return column
        return pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)

    def looked_at(self, table: pa.Table) -> dict[str, Pictures]:
        """What is seen in each column of pictures that the table has, under the home market's names.

        Raises:
            XbsqlError: such a column holds no BLOBs, or the network is not the one it was fitted with.
        """
        if not self.pictures:
            return {}
        from xbsql.features.image.column import pictures
        from xbsql.features.image.encoder import picture_encoder

        found = picture_encoder(self.network)
        if found.version != self.sight:
            problem = (
                f"the model reads pictures by version {self.sight} of {self.network}, this is {found.version}"
            )
            raise errors.invalid("xb.classify", problem, "fit it again")
        table = self.at_home(table)
        there = [name for name in self.pictures if name in table.column_names]
        for name in there:
            if arrow.family_of(table[name].type) not in ("blob", "null"):
                problem = f"column '{name}' is {table[name].type}, and the model reads it as pictures"
                raise errors.invalid("xb.transfer", problem, "give the bytes of files")
        return {name: pictures(table[name], found, "xb.classify") for name in there}

    def seen(self, table: pa.Table) -> NDArray[np.float32]:
        """The mean vector of each row's pictures, of length one; float32, shape (n, dim)."""
        from xbsql.features.image.encoder import picture_encoder

        whole = np.zeros((table.num_rows, picture_encoder(self.network).dim), np.float32)
        for found in self.looked_at(table).values():
            whole += found.vectors
        if len(self.pictures) > 1:
            whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), np.float32(1e-12))
        return whole

    def _mapped(self, table: pa.Table, *, changed: bool = False) -> NDArray[np.float16]:
        from xbsql.features.image.encoder import picture_encoder

        table, name = self.at_home(table), self.pictures[0]
        column = table[name] if name in table.column_names else pa.nulls(table.num_rows, pa.binary())
        return picture_encoder(self.network).maps(arrow.blobs_of(column, "xb.classify"), changed=changed)

    def abroad(
        self,
        target: pa.Table,
        label: str,
        options: Mapping[str, Any],
        keeping: Keeping = ALL,
        *,
        pooled: bool = False,
    ) -> Reader:
        """This reader for the rows of a target: its new columns and levels behind the known ones.

        Pictures that home does not have are not read, nor are further columns of text.

        What was fitted on this reader's views reads the new one's. N-grams are weighed by how rare they are
        in the target, where it has texts enough to tell.
        """
        if (other := options.get("network")) not in (None, self.network) and self.pictures:
            problem = (
                f"the home model reads pictures by '{self.network}', and network is '{errors.shown(other)}'"
            )
            raise errors.invalid("xb.transfer", problem, "leave it out, or fit the home model with it")
        fresh = read_roles(target, label, options)
        known = set(self.schema.names)
        unread = ("text", "picture")
        added = {name: role for name, role in fresh.items() if name not in known and role not in unread}
        read = [name for name in target.column_names if name in known or name in added]
        ngrams = self.ngrams
        if ngrams is not None and pc.count_distinct(texts := self.texts(target)).as_py() >= FEWEST_TEXTS:
            ngrams = _rare(texts)
        grown = self.table.extended(target, added, keeping)
        numbers = [column.name for column in self.table.columns if column.role == "number"]
        written = tuple(name for name in numbers if name in read and numbers_of(target[name]) is not None)
        pooled, maps = pooled and bool(self.text), pooled and self._tunable()
        schema = _schema(target, read)
        return replace(
            self,
            schema=schema,
            ngrams=ngrams,
            table=grown,
            pooled=pooled,
            names={},
            written=written,
            maps=maps,
        )

    def _tunable(self) -> bool:
        """Whether pictures are read whose network can be fine-tuned.

        Raises:
            XbsqlError: they are, and it cannot.
        """
        from xbsql.features.image.encoder import picture_encoder

        if self.pictures and not picture_encoder(self.network).tunable:
            problem = f"the option 'finetune' is true, and '{self.network}' has no last part to train"
            raise errors.invalid("xb.transfer", problem, "leave it out")
        return bool(self.pictures)

    def state(self) -> State:
        """The reader as data."""
        schema = np.frombuffer(self.schema.serialize().to_pybytes(), np.uint8)
        parts = {"table": self.table.state()}
        if self.ngrams is not None:
            parts["ngrams"] = self.ngrams.state()
        config = {
            "text": list(self.text),
            "version": self.version,
            "pooled": self.pooled,
            "names": dict(self.names),
            "written": list(self.written),
            "pictures": list(self.pictures),
            "network": self.network,
            "sight": self.sight,
            "maps": self.maps,
        }
        return State("reader", config, {"schema": schema}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The reader again."""
        schema = pa.ipc.read_schema(pa.py_buffer(state.arrays["schema"].tobytes()))
        ngrams = restore(state.parts["ngrams"]) if "ngrams" in state.parts else None
        config, table = state.config, restore(state.parts["table"])
        text, names = tuple(config["text"]), config.get("names", {})
        written, pictures = tuple(config.get("written", ())), tuple(config.get("pictures", ()))
        sight = config.get("network", IMAGE), config.get("sight", ""), config.get("maps", False)
        return cls(
            schema, text, ngrams, table, config["version"], config["pooled"], names, written, pictures, *sight
        )

    def _numbered(self, table: pa.Table) -> pa.Table:
        """The table with its written numbers as numbers; what is none stays and is refused later."""
        for name in self.written:
            if name in table.column_names and (numbers := numbers_of(table[name])) is not None:
                table = table.set_column(table.column_names.index(name), name, numbers)
        return table

    def _vectors(self, texts: pa.Array) -> NDArray[np.float32]:
        found = encoder()
        if found.version != self.version:
            problem = f"the model reads text by encoder version {self.version}, this is {found.version}"
            raise errors.invalid("xb.classify", problem, "fit it again")
        return np.asarray(arrow.matrix(embed_array(texts, found), "xb.classify")[0], np.float32)


def fit_reader(
    table: pa.Table, label: str | None, options: Mapping[str, Any], keeping: Keeping = ALL
) -> Reader:
    """Find the roles of the columns and learn levels and n-gram weights.

    Args:
        table: at least one row.
        label: the label column, which is not read; None where there is none.
        options: see `roles`.
        keeping: which values of a category become levels, and how they are held.

    Raises:
        XbsqlError: no column can be read.
    """
    found = read_roles(table, label, options)
    if not found:
        others = [name for name in table.column_names if name != label]
        problem = f"there is no column to read ({', '.join(others) or 'only the label'})"
        remedy = "name one by options {'text': ['column']}"
        ignored = listed((options or {}).get("ignore") or ())
        kept = [name for name in others if name not in ignored]
        if blobs := [name for name in kept if arrow.is_blob(table.schema.field(name).type)]:
            remedy = f"the BLOBs in '{blobs[0]}' are no pictures: xb.image_info says why"
        raise errors.invalid("xb.fit", problem, remedy)
    text = tuple(name for name, role in found.items() if role == "text")
    pictures = tuple(name for name, role in found.items() if role == "picture")
    columns = {name: role for name, role in found.items() if role not in ("text", "picture")}
    encoded = fit_encoder(table, columns, keeping)
    bare = Reader(_schema(table, list(found)), text, None, encoded)
    if pictures:
        from xbsql.features.image.encoder import picture_encoder

        network = options.get("network") or IMAGE
        sight = picture_encoder(network).version
        bare = replace(bare, pictures=pictures, network=network, sight=sight)
    if not text:
        return bare
    return replace(bare, ngrams=_rare(bare.texts(table)), version=encoder().version)


def read_roles(table: pa.Table, label: str | None, options: Mapping[str, Any]) -> dict[str, Role]:
    """The roles of the columns that are read; the only column of text there is, is text in any case."""
    found = roles(table, label, options)
    read: dict[str, Role] = {name: role for name, role in found.items() if role != "ignored"}
    named = {name for option in ("ignore", "category") for name in listed(options.get(option) or ())}
    words = [name for name in found if arrow.is_text(table[name].type) and name not in named]
    if len(words) == 1 and set(read) <= set(words) and table[words[0]].null_count < table.num_rows:
        return {words[0]: "text"}
    return read


def _normal(texts: pa.Array) -> pa.Array:
    return pa.array(encoder().normal(texts.to_pylist()), pa.large_string())


def _joined(columns: Sequence[pa.Array]) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(*columns, pa.scalar(" ", pa.large_string())))


def _rare(texts: pa.Array) -> Ngrams:
    """N-gram weights of the texts, none for what occurs in many of them."""
    if not pc.any(pc.greater(pc.utf8_length(texts), 0)).as_py():
        raise errors.invalid("xb.fit", "every text is NULL or empty", "give rows with text")
    ngrams = Ngrams.fit(texts.to_pylist())
    least = np.float32(np.log(1 / COMMON) + 1)
    return Ngrams(np.where(ngrams.weights < least, np.float32(0), ngrams.weights))


def _grams(ngrams: Ngrams, texts: pa.Array) -> Matrix:
    """The n-grams that weigh something; no text at all is no row, which the hashing would not take."""
    grams = ngrams.transform([*texts.to_pylist(), ""])[:-1]
    grams.eliminate_zeros()
    return grams


def _schema(table: pa.Table, names: list[str]) -> pa.Schema:
    """The columns' fields, dictionaries decoded, vectors as lists of any length."""
    fields = []
    for name in names:
        kind = table.schema.field(name).type
        kind = pa.list_(kind.value_type) if arrow.is_vector(kind) else kind
        fields.append(pa.field(name, kind.value_type if pa.types.is_dictionary(kind) else kind))
    return pa.schema(fields)
