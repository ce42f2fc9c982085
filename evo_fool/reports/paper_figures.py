"""Curves of Nguyen, Yosinski & Clune (CVPR 2015), read off its figures; reading error about .01."""

IMAGENET_CPPN_MEDIAN = (
    (80, 0.13),
    (220, 0.30),
    (360, 0.42),
    (500, 0.49),
    (650, 0.55),
    (790, 0.60),
    (930, 0.63),
    (1070, 0.66),
    (1210, 0.675),
    (1500, 0.725),
    (1780, 0.763),
    (2060, 0.785),
    (2490, 0.806),
    (2910, 0.827),
    (3480, 0.848),
    (4050, 0.865),
    (4900, 0.882),
)
"""CPPN images for ImageNet: (generation, median confidence over 1000 classes), batches of 400, AlexNet, ten crops."""

IMAGENET_BATCH = 400
"""Images a generation of :data:`IMAGENET_CPPN_MEDIAN`."""
