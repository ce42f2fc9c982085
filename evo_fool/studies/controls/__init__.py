"""What noise alone achieves."""
