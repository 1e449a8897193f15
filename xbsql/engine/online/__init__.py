"""Learning from labels that arrive one after another: weights that follow, and alarms."""
