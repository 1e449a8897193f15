"""The task recommend: which items a user wants next."""
