"""Retraining on ImageNet with a 1001st class (paper, section 3.7, Figure 12)."""
