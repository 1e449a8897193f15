"""Values of attributes in the titles of products: words, a tagger, a value dictionary, and who chooses."""
