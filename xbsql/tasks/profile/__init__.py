"""What customers spend next and whether they return, learnt from lines of sales."""
