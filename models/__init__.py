"""What was learnt: predict, load, save."""
