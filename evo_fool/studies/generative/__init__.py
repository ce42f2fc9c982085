"""Whether generative classifiers are as easily fooled as discriminative ones (paper, section 4)."""

from pydantic import Field

from evo_fool.studies import options


class _Sizes(options.Options):
    """What the user may change; the defaults are those of the laptop budget."""

    vae_epochs: int = Field(40, ge=1, description="Passes for the autoencoders.")
    lenet_epochs: int = Field(5, ge=1, description="Passes for the LeNet.")
    digits: int | None = Field(None, ge=100, description="Training images used.  [default: all]")
    generations: int = Field(200, ge=0, description="Generations of each attack.")


class Contest(_Sizes):
    """What is trained and how it is attacked.

    Attributes:
        batch: images a generation.
        control: random images of each kind that a judge is shown besides.
        seed: of the trainings.
    """

    batch: int = 200
    control: int = 4000
    seed: int = 1


class Options(_Sizes, options.TrainingOptions):
    """Attack a LeNet and one autoencoder a digit, calibrated alike, by the same evolution."""
