"""What makes weights: networks trained on MNIST, their calibration, and the record beside the weights."""
