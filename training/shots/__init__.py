"""Few rows a class: draws of a table, knobs chosen within them, and the learning curve."""
