"""Direct and CPPN-encoded images for the ten digits."""
