"""Two markets' tables made alike: units, money, numbers and dates as they are written, columns by meaning."""
