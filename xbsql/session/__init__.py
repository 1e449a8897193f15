"""One open store: which model, which version, which device; what each function runs."""
