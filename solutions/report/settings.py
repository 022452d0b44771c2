"""What the experiments are run with; the page prints it beside the report's own values."""

from dataclasses import asdict, dataclass, replace

_QUICK_EPOCHS = 2


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of all experiments.

    Attributes:
        seeds: runs of each experiment, with seeds 0, 1, ...
        epochs: the most epochs on genres.
        lstm_rating_runs: runs of the LSTM on ratings for each seed of the others: they are short, and differ much.
        lstm_rating_epochs: the LSTM's most epochs on ratings, of one axis or of all; it stops when it has learnt.
        cnn_rating_epochs: the CNN's, likewise.
        transfer_epochs: the most epochs on valence, with transferred weights as with fresh ones.
        batch: tracks of a batch.
        learning_rate: Adam's, on genres and in transfer.
        rating_learning_rate: Adam's, on ratings otherwise.
        weight_decay: Adam's.
        dropout: of the LSTM.
        rnn_size: size of the LSTM's state.
        patience: epochs without an improvement after which to stop.
        rating_patience: the same, on ratings.
        max_length: timesteps to which tracks at full speed are cut or padded; beat-synchronous ones keep theirs.
        val_size: fraction of the training tracks for validation; in transfer, of the rated ones.
        test_size: fraction of the rated tracks for test, in transfer.
        rating_val_size: fraction of the rated tracks for validation, otherwise.
        rating_test_size: fraction of them for test: the more, the less the correlations of one run differ by chance.
        filters: of the CNN's convolutions.
        feature_size: size of the CNN's vector.
        overfit_iterations: steps on one batch.
        overfit_learning_rate: Adam's in those steps.
    """

    seeds: int = 16
    epochs: int = 20
    lstm_rating_runs: int = 4
    lstm_rating_epochs: int = 60
    cnn_rating_epochs: int = 20
    transfer_epochs: int = 5
    batch: int = 8
    learning_rate: float = 3e-4
    rating_learning_rate: float = 1e-3
    weight_decay: float = 1e-6
    dropout: float = 0.4
    rnn_size: int = 128
    patience: int = 10
    rating_patience: int = 15
    max_length: int = 256
    val_size: float = 0.15
    test_size: float = 0.3
    rating_val_size: float = 0.2
    rating_test_size: float = 0.5
    filters: tuple[int, ...] = (16, 32, 64, 128)
    feature_size: int = 256
    overfit_iterations: int = 100
    overfit_learning_rate: float = 3e-3

    def quick(self) -> "Settings":
        """Return settings that show that everything runs, and nothing more: one seed and two epochs."""
        return replace(self, seeds=1, lstm_rating_runs=1).with_epochs(_QUICK_EPOCHS)

    def with_epochs(self, epochs: int) -> "Settings":
        """Return settings with that many epochs on genres, and no experiment with more."""
        return replace(
            self,
            epochs=epochs,
            lstm_rating_epochs=min(epochs, self.lstm_rating_epochs),
            cnn_rating_epochs=min(epochs, self.cnn_rating_epochs),
            transfer_epochs=min(epochs, self.transfer_epochs),
        )

    def of_a_run(self) -> dict[str, object]:
        """Return what the result of a single run depends on: all but how many there are."""
        return {name: value for name, value in asdict(self).items() if name not in {"seeds", "lstm_rating_runs"}}
