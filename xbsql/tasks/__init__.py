"""What each kind of problem is: its features, its candidates and the loss of one unit."""
