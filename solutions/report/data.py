"""The data of the experiments: loaders of standardised tracks, and what a data folder has to hold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from torch.utils.data import DataLoader, Subset

from solutions.step01_spectrograms import read_labels
from solutions.step04_dataset import CLASS_MAPPING, SpectrogramDataset, torch_train_val_split

from .settings import Settings

GENRES: Final = "fma_genre_spectrograms"
RATINGS: Final = "multitask_dataset"
BEAT: Final = "_beat"
CLASSES: Final = tuple(sorted({genre for genre in CLASS_MAPPING.values() if genre is not None}))

_INDICES: Final = (
    *(f"{GENRES}{speed}/{split}_labels.txt" for speed in ("", BEAT) for split in ("train", "test")),
    *(f"{RATINGS}{speed}/train_labels.txt" for speed in ("", BEAT)),
)
# A feature that is silent in all of training has no deviation to divide by.
_SMALLEST_DEVIATION = 1e-6


class DataFault(ValueError):
    """A data folder cannot serve; the message says what is wrong where, and what to do."""


@dataclass(frozen=True)
class Loaders:
    """Batches (x [B, T, F], labels, lengths [B]) of standardised tracks to train, validate and test on."""

    train: DataLoader[Any]
    val: DataLoader[Any]
    test: DataLoader[Any]

    @property
    def input_dims(self) -> tuple[int, int]:
        """Timesteps and features of every training track, padding included."""
        timesteps, features = next(iter(self.train))[0].shape[1:]
        return int(timesteps), int(features)


def check_folder(data: Path) -> None:
    """See that a data folder has the course's four collections, with the tracks that their genre indices name.

    Raises:
        DataFault: the folder, a collection or a track is missing, or an index cannot be read.
    """
    if not data.is_dir():
        raise DataFault(f"The data folder {data} does not exist; give the folder that holds {GENRES} with --data.")
    for name in _INDICES:
        index = data / name
        if not index.is_file():
            raise DataFault(
                f"The data folder {data} has no {name}; complete it, or make one with python -m fixtures build."
            )
        if name.startswith(GENRES):
            _check_tracks(index)


def _check_tracks(index: Path) -> None:
    folder = index.parent / index.name.removesuffix("_labels.txt")
    try:
        entries = read_labels(index)
    except (OSError, ValueError) as error:
        raise DataFault(f"The index {index} cannot be read: {error}") from error
    for name, genre in entries:
        if CLASS_MAPPING.get(genre) is not None and not (folder / name).is_file():
            raise DataFault(f"{folder / name} does not exist, although {index.name} names it; complete the collection.")


def genre_loaders(data: Path, *, beat: bool, feat_type: str, settings: Settings, seed: int) -> Loaders:
    """Return loaders of the genres: the data's own test split, and validation tracks drawn from its training split.

    Args:
        data: the data folder.
        beat: take the beat-synchronous tracks, at their own lengths; otherwise those at full speed, cut to
            `settings.max_length` timesteps.
        feat_type: "mel", "chroma" or "fused".
        settings: batch size, length and validation fraction.
        seed: seed of the validation split and of the order of batches.

    Raises:
        DataFault: the collection cannot be read, or is too small to split.
    """
    folder, max_length = _collection(data, GENRES, beat=beat, settings=settings)
    try:
        tracks = SpectrogramDataset(folder, CLASS_MAPPING, True, feat_type, max_length)
        test = SpectrogramDataset(folder, CLASS_MAPPING, False, feat_type, max_length)
        train_loader, val_loader = torch_train_val_split(
            tracks, settings.batch, settings.batch, settings.val_size, seed=seed
        )
    except (OSError, ValueError, KeyError) as error:
        raise DataFault(f"The collection {folder} cannot be used: {error}") from error
    _standardise(train_loader, tracks, test)
    return _checked(Loaders(train_loader, val_loader, DataLoader(test, settings.batch)), folder)


def rating_loaders(data: Path, *, beat: bool, axis: int | None, settings: Settings, seed: int) -> Loaders:
    """Return loaders of rated mel spectrograms, split in three: the test split of the data has no labels.

    Args:
        data: the data folder.
        beat: as for `genre_loaders`.
        axis: 1, 2 or 3 for valence, energy or danceability; None for all three at once. The same seed gives the
            same split for any of them.
        settings: batch size, length, validation and test fraction.
        seed: seed of the split and of the order of batches.

    Raises:
        DataFault: the collection cannot be read, or is too small to split.
    """
    folder, max_length = _collection(data, RATINGS, beat=beat, settings=settings)
    try:
        tracks = SpectrogramDataset(folder, max_length=max_length, regression=axis, multitask=axis is None)
        loaders = torch_train_val_split(
            tracks, settings.batch, settings.batch, settings.val_size, settings.test_size, seed=seed
        )
    except (OSError, ValueError) as error:
        raise DataFault(f"The collection {folder} cannot be used: {error}") from error
    _standardise(loaders[0], tracks)
    return _checked(Loaders(*loaders), folder)


def _collection(data: Path, name: str, *, beat: bool, settings: Settings) -> tuple[Path, int]:
    return (data / f"{name}{BEAT}", -1) if beat else (data / name, settings.max_length)


def _standardise(train_loader: DataLoader[Any], *collections: SpectrogramDataset) -> None:
    """Standardise collections in place by the valid timesteps of the training tracks; padding stays 0."""
    subset = train_loader.dataset
    if not isinstance(subset, Subset) or not isinstance(subset.dataset, SpectrogramDataset):
        raise TypeError("torch_train_val_split is expected to take a Subset of the tracks.")
    tracks = subset.dataset
    valid = np.concatenate([tracks.feats[i][: tracks.lengths[i]] for i in subset.indices])
    mean, deviation = valid.mean(axis=0), np.maximum(valid.std(axis=0), _SMALLEST_DEVIATION)
    for collection in collections:
        for feature, length in zip(collection.feats, collection.lengths, strict=True):
            _standardise_track(feature[:length], mean, deviation)


def _standardise_track(
    feature: Float[np.ndarray, "T F"], mean: Float[np.ndarray, " F"], deviation: Float[np.ndarray, " F"]
) -> None:
    feature -= mean
    feature /= deviation


def _checked(loaders: Loaders, folder: Path) -> Loaders:
    # Two: a rank correlation of fewer ratings does not exist.
    if len(loaders.val) == 0 or _count(loaders.test) < 2:  # noqa: PLR2004
        raise DataFault(f"The collection {folder} has too few tracks to validate and test on; add some.")
    return loaders


def _count(loader: DataLoader[Any]) -> int:
    return len(loader.dataset)  # type: ignore[arg-type]
