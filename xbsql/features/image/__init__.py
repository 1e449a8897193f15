"""Pictures -> vectors: decoding, networks, their weights, and the encoder over them."""
