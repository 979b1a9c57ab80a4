"""What may be done to a training set before anything learns from it: ``--set data.noise=0.2``. Imports no NumPy."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Alteration(BaseModel):
    """Labels replaced and classes made unequal in the training set; the test set never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise: float = Field(
        0.0, ge=0, lt=1, description="share of each class whose label becomes another class's, all others alike"
    )
    imbalance: float = Field(
        1.0,
        ge=1,
        allow_inf_nan=False,
        description="how many times the last class is cut more than the first, geometrically in between",
    )
    draw: int = Field(0, ge=0, description="seed of what is drawn, the same for all seeds of a run")

    @property
    def words(self) -> str:
        """What is done, for people; empty where nothing is."""
        noise = f"{100 * self.noise:g} % of the training labels replaced" if self.noise else ""
        unequal = f"training classes cut unequally, {self.imbalance:g} to 1" if self.imbalance > 1 else ""
        drawn = f"draw {self.draw}" if self.draw else ""
        return ", ".join(filter(None, (unequal, noise, drawn))) if noise or unequal else ""
