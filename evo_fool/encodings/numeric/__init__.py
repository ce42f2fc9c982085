"""Numbers that are the same on every machine: hashed random numbers, elementary functions, compiled kernels."""
