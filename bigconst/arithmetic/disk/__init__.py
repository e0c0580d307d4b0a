"""Numbers and transforms on a scratch volume; the kernels are those of memory."""
