"""How releases bear tickets that are written in another way: rewriting, slices, figures, and the gate of promotion."""
