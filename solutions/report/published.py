"""What the lab report itself states: its tables and figures as constants, to stand beside those of a run.

Source: the report of Lab 3, "Affective music classification", Pattern Recognition, NTUA.
"""

from dataclasses import dataclass
from typing import Final

AXES: Final = ("valence", "energy", "danceability")


@dataclass(frozen=True)
class Row:
    """Precision, recall and F1, as fractions of 1, and the number of tracks that they are of."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ScoreTable:
    """One of the report's tables of scores.

    Attributes:
        number: the table's number in the report.
        classes: a row for each of the ten classes, in order.
        accuracy: fraction of the test tracks that were classified rightly.
        macro: averages over the classes, each of which counts the same.
        weighted: averages over the classes, weighted by support.
    """

    number: int
    classes: tuple[Row, ...]
    accuracy: float
    macro: Row
    weighted: Row


_SUPPORT: Final = (40, 40, 80, 80, 40, 40, 78, 40, 103, 34)
TRACKS: Final = 575


def _table(
    number: int,
    scores: dict[int, tuple[float, float, float]],
    accuracy: float,
    macro: tuple[float, float, float],
    weighted: tuple[float, float, float],
) -> ScoreTable:
    """Return a table in which a class without scores has zeros, as most have in the report."""
    classes = tuple(Row(*scores.get(i, (0.0, 0.0, 0.0)), support) for i, support in enumerate(_SUPPORT))
    return ScoreTable(number, classes, accuracy, Row(*macro, TRACKS), Row(*weighted, TRACKS))


# By the name of the experiment that makes the same table.
SCORES: Final[dict[str, ScoreTable]] = {
    "lstm-mel": _table(
        1,
        {
            1: (0.50, 0.57, 0.53),
            2: (0.32, 0.70, 0.44),
            3: (0.31, 0.50, 0.38),
            4: (1.00, 0.03, 0.05),
            6: (0.38, 0.69, 0.49),
            8: (0.36, 0.29, 0.32),
        },
        0.35,
        (0.29, 0.28, 0.22),
        (0.31, 0.35, 0.28),
    ),
    "lstm-beat": _table(
        2,
        {
            1: (0.39, 0.55, 0.45),
            2: (0.31, 0.76, 0.44),
            3: (0.36, 0.56, 0.44),
            4: (0.29, 0.05, 0.09),
            6: (0.44, 0.59, 0.51),
            8: (0.34, 0.28, 0.31),
        },
        0.36,
        (0.21, 0.28, 0.22),
        (0.26, 0.36, 0.28),
    ),
    "lstm-chroma": _table(
        3,
        {3: (0.21, 0.47, 0.29), 6: (0.21, 0.42, 0.28), 8: (0.15, 0.35, 0.21)},
        0.19,
        (0.06, 0.12, 0.08),
        (0.08, 0.19, 0.12),
    ),
    "lstm-fused": _table(
        10,
        {
            1: (0.42, 0.42, 0.42),
            2: (0.29, 0.72, 0.42),
            3: (0.37, 0.42, 0.39),
            4: (0.33, 0.03, 0.05),
            6: (0.41, 0.44, 0.43),
            8: (0.30, 0.46, 0.36),
        },
        0.33,
        (0.21, 0.25, 0.21),
        (0.25, 0.33, 0.27),
    ),
    "cnn-mel": _table(
        21,
        {
            0: (0.31, 0.20, 0.24),
            1: (0.51, 0.70, 0.59),
            2: (0.58, 0.60, 0.59),
            3: (0.48, 0.56, 0.52),
            4: (0.54, 0.55, 0.54),
            5: (0.33, 0.17, 0.23),
            6: (0.65, 0.60, 0.63),
            7: (0.05, 0.03, 0.03),
            8: (0.38, 0.44, 0.41),
            9: (0.28, 0.38, 0.32),
        },
        0.46,
        (0.41, 0.42, 0.41),
        (0.44, 0.46, 0.45),
    ),
}

# Steps 1-3: the two tracks that the report draws, and their timesteps at full speed and beat-synchronous.
PAIR: Final = (("1042.fused.full.npy", "Blues"), ("69588.fused.full.npy", "Trip-Hop"))
FULL_TIMESTEPS: Final = (1293, 1293)
BEAT_TIMESTEPS: Final = (62, 87)

# Step 6: "in all cases classes 0, 5, 7 and 9 have no track classified rightly".
NEVER_RIGHT: Final = (0, 5, 7, 9)

# Step 7: the loss on one batch that the CNN reached within the first 100 iterations.
OVERFIT_LOSS: Final = 1.8e-5
OVERFIT_ITERATIONS: Final = 100

# Step 7: (layer, output as height x width x depth, parameters). The report's text gives the shapes and the 2570;
# the other counts follow from its shapes.
DIGIT_LAYERS: Final = (
    ("input", "24x24x1", 0),
    ("convolution", "24x24x8", 208),
    ("ReLU", "24x24x8", 0),
    ("pooling", "12x12x8", 0),
    ("convolution", "12x12x16", 3216),
    ("ReLU", "12x12x16", 0),
    ("pooling", "4x4x16", 0),
    ("fully connected", "1x1x10", 2570),
    ("softmax", "1x1x10", 0),
)

# Steps 8-10: Spearman's correlation on each axis.
REGRESSION: Final[dict[str, dict[str, float]]] = {
    "lstm": {"valence": 0.1237, "energy": 0.2576, "danceability": 0.1724},
    "cnn": {"valence": -0.1537, "energy": -0.2764, "danceability": 0.1249},
}
TRANSFER_VALENCE: Final = 0.0222
MULTITASK: Final[dict[str, float]] = {"valence": 0.3584, "energy": 0.5122, "danceability": 0.4133}

# Steps 5 and 6, as the report's table of hyperparameters has them, and the epochs of steps 9 and 10.
SETTINGS: Final[dict[str, str]] = {
    "epochs": "100",
    "learning_rate": "1e-05",
    "weight_decay": "1e-06",
    "dropout": "0.4",
    "patience": "3",
    "transfer_epochs": "5",
    "cnn_rating_epochs": "10 (step 10)",
    "filters": "four layers",
}
