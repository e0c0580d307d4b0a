"""Numbers as arrays of words: transforms, products, Newton's iteration, residues."""
