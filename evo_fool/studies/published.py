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

MNIST_MEDIAN = 0.9999
"""Both encodings, median over the ten digits at generation 200 of 200 images: at least this (Figures 4 and 5)."""

MNIST_DIRECT_EVERY_DIGIT = 50
"""Direct encoding: before this generation every digit is at 99.99 % (text)."""

MNIST_GENERATIONS = (0, 10, 25, 50, 100, 200)
MNIST_REFERENCE: dict[str, tuple[float | None, ...]] = {
    "direct": (0.380, 0.846, 0.9912, 0.99974, 0.999999, 0.999999),
    "direct, released code": (0.380, 0.836, 0.9812, 0.99900, 0.999990, 0.999999),
    "CPPN, released code": (None, 0.99926, 0.99979, 0.99991, 0.99996, 0.99999),
    "CPPN": (None, 0.99995, 0.999995, 0.999997, 0.999999, 1.0),
}
"""Not the paper's: median over digits at :data:`MNIST_GENERATIONS`, by the paper's rules against the authors' own LeNet
weights with batches of 200, measured once for this project. The released code has crossover for the direct encoding and
raw coordinates for CPPNs. None: not recorded."""

IMAGENET_DIRECT_MEDIAN = 0.2159
"""Direct encoding: median confidence over 1000 classes after 20,000 generations of 200 images, 5 runs (text)."""

IMAGENET_DIRECT_AT_LEAST_99 = 45
"""Direct encoding: classes whose image has at least 99 % then (text)."""

IMAGENET_DIRECT_IMAGES = 20_001 * 200

IMAGENET_CPPN_IMAGES = 5001 * IMAGENET_BATCH
"""CPPN: generations 0 to 5000."""

IMAGENET_CPPN_FINAL = 0.8811
"""CPPN: median confidence after 5000 generations of 400 images, 5 runs (text)."""

IMAGENET_SHOWN_MEAN = 0.9912
"""CPPN: mean confidence of the forty images that the paper shows (Figure 8)."""

DOGS_AND_CATS = (156, 285)
"""The first and the last class, from 0, of the block in which CPPN images do worst (text and Figure 7)."""


def as_printed(share: float) -> str:
    """A share as the paper prints it, two decimals, whatever they hide.

    >>> as_printed(IMAGENET_CPPN_FINAL)
    '88.11 %'
    """
    return f"{100 * share:.2f} %"


RETRAINED_MNIST_MEDIANS = (
    *(0.9999, 0.9742, 0.9983, 0.7252, 0.9755, 0.9968, 0.7613, 0.9996),
    *(0.9951, 0.9948, 0.9862, 0.9997, 0.9993, 0.9915, 0.9915),
)
"""Median confidence of CPPN images evolved against DNN_1 to DNN_15, each trained with the fooling images of all before
it as an eleventh class (Figure 11)."""

RETRAINED_IMAGENET_MEDIANS = (0.881, 0.117)
"""The same for ImageNet: against DNN_1, and against DNN_2 with a 1001st class (text); p < 0.0001, Mann-Whitney U."""

RETRAINED_RECOGNISED = (45, 70)
"""Of so many CPPN images that it had not seen (the latter), DNN_2 for ImageNet calls so many "fooling" (text)."""

REPETITION = {"lipstick": (0.9994, 0.9980), "ruler": (0.9990, 0.9940), "oboe": (0.9991, 0.9989)}
"""Confidence before and after all repeated elements but one were removed by hand, three ImageNet images (Figure 10)."""

GRADIENT_ASCENT_CONFIDENCE = 0.9999
"""Reached for every class shown, by gradient ascent without regularisation; slightly lower with it (Figure 13)."""
