"""Training on fooling images, and evolving again (paper, section 3.7, Figure 11)."""

from typing import Literal

from pydantic import Field

from evo_fool.studies import options


class Loop(options.Options):
    """One retraining loop; the defaults are those of the laptop budget."""

    arm: Literal["class", "unsure"] = Field(
        "class",
        description="class: fooling images become a class of their own (the paper). unsure: the network is taught to "
        "be unsure of them and of noise (CEDA).",
    )
    iterations: int = Field(5, ge=1, le=99, description="Networks; the paper: 15.")
    images: int = Field(1000, ge=2, description="Fooling images from each run.")
    epochs: int = Field(3, ge=1, description="Passes over the training images.")
    generations: int = Field(200, ge=0, description="Generations of each run.")
    batch: int = Field(200, ge=1, description="Images a generation.")
    noise: int = Field(20_000, ge=1, description="Images of noise that --arm unsure learns from.")
    digits: int | None = Field(None, ge=100, description="Training images used.  [default: all]")
    seed: int = Field(1, ge=0, description="Of the loop.")

    def seed_of(self, number: int) -> int:
        """The seed of the network and the run of one iteration: those of two loops never meet."""
        return 100 * self.seed + number


class Options(Loop, options.TrainingOptions):
    """Train on fooling images and evolve again, round after round (Figures 11 and 12)."""

    unseen: int = Field(
        5,
        ge=1,
        description="Runs of mnist-cppn, ten images each, against the network of the package: are their images "
        "recognised?",
        json_schema_extra={"metavar": "N"},
    )

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(1, self.unseen + 1))
