"""The functions as SQL, Python and Polars see them, from one declaration each."""
