"""What the experiments are run with; the page prints it beside the report's own values."""

from dataclasses import asdict, dataclass, replace

_QUICK_EPOCHS = 2


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of all experiments.

    Attributes:
        seeds: runs of each experiment, with seeds 0, 1, ...
        epochs: the most epochs on genres.
        regression_epochs: the most epochs on ratings, for one axis as for all three.
        transfer_epochs: the most epochs on valence, with transferred weights as with fresh ones.
        batch: tracks of a batch.
        learning_rate: Adam's.
        weight_decay: Adam's.
        dropout: of the LSTM.
        rnn_size: size of the LSTM's state.
        patience: epochs without an improvement after which to stop.
        max_length: timesteps to which tracks at full speed are cut or padded; beat-synchronous ones keep theirs.
        val_size: fraction of the training tracks for validation.
        test_size: fraction of the rated tracks for test.
        filters: of the CNN's convolutions.
        feature_size: size of the CNN's vector.
        overfit_iterations: steps on one batch.
        overfit_learning_rate: Adam's in those steps.
    """

    seeds: int = 16
    epochs: int = 20
    regression_epochs: int = 10
    transfer_epochs: int = 5
    batch: int = 8
    learning_rate: float = 3e-4
    weight_decay: float = 1e-6
    dropout: float = 0.4
    rnn_size: int = 128
    patience: int = 10
    max_length: int = 256
    val_size: float = 0.15
    test_size: float = 0.3
    filters: tuple[int, ...] = (16, 32, 64, 128)
    feature_size: int = 256
    overfit_iterations: int = 100
    overfit_learning_rate: float = 3e-3

    def quick(self) -> "Settings":
        """Return settings that show that everything runs, and nothing more: one seed and two epochs."""
        return replace(self, seeds=1).with_epochs(_QUICK_EPOCHS)

    def with_epochs(self, epochs: int) -> "Settings":
        """Return settings with that many epochs on genres, and no experiment with more."""
        return replace(
            self,
            epochs=epochs,
            regression_epochs=min(epochs, self.regression_epochs),
            transfer_epochs=min(epochs, self.transfer_epochs),
        )

    def of_a_run(self) -> dict[str, object]:
        """Return what the result of a single run depends on: all but the number of runs."""
        return {name: value for name, value in asdict(self).items() if name != "seeds"}
