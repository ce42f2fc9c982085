"""Direct and CPPN-encoded images for the 1000 ImageNet classes."""
