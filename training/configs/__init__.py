"""All knobs of a run on one page each."""
