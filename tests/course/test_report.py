"""The report of the reference experiments: its findings, its tables, what it reuses, and what it refuses."""

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread

from solutions.__main__ import main
from solutions.report import figures, published
from solutions.report.data import CLASSES, check_folder, genre_loaders, rating_loaders
from solutions.report.experiments import EXPERIMENTS, Job, Result, Run
from solutions.report.files import OutFault, write
from solutions.report.findings import (
    Finding,
    Measure,
    Outcomes,
    classes_never_right,
    findings,
    interval,
    iterations_to_overfit,
)
from solutions.report.runner import plan, run_all
from solutions.report.settings import Settings
from tests.support import ROOT

TINY = ["--quick", "--epochs", "1", "--max-length", "16", "--jobs", "1"]


def test_published_tables_are_consistent():
    for table in published.SCORES.values():
        rows = table.classes
        support = np.array([row.support for row in rows])
        assert support.sum() == table.macro.support == table.weighted.support == 575
        for field in ("precision", "recall", "f1"):
            values = np.array([getattr(row, field) for row in rows])
            assert values.mean() == pytest.approx(getattr(table.macro, field), abs=0.011)
            assert values @ support / 575 == pytest.approx(getattr(table.weighted, field), abs=0.011)
        assert table.accuracy == table.weighted.recall


def test_interval_is_students():
    found = interval([1.0, 2.0, 3.0])

    assert found.mean == 2
    assert found.high - found.mean == pytest.approx(4.302653 / 3**0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "side", "verdict"),
    [
        ((0.2, 0.21, 0.19), "above", "agrees"),
        ((0.2, 0.21, 0.19), "below", "does not agree"),
        ((0.0, 0.01, -0.01), "above", "does not agree"),
        ((0.0, 0.01, -0.01), "below", "agrees"),
        ((-0.3, 0.5, 0.2), "above", "cannot tell (the interval holds the limit)"),
        ((0.1, 0.1), "above", "cannot tell (the interval holds the limit)"),
        ((0.9,), "above", "cannot tell (fewer than 2 seeds)"),
    ],
)
def test_measure_agrees_when_its_whole_interval_is_on_its_side(values, side, verdict):
    assert Measure("x", values, side, 0.1).verdict == verdict


def test_finding_holds_only_if_all_its_measures_do():
    yes, no = Measure("x", (1.0, 1.1), "above", 0), Measure("y", (-1.0, -1.1), "above", 0)
    open_ = Measure("z", (-1.0, 1.0), "above", 0)

    assert Finding("", "", (yes, yes)).verdict == "agrees"
    assert Finding("", "", (yes, open_)).verdict == "cannot tell (the interval holds the limit)"
    assert Finding("", "", (yes, open_, no)).verdict == "does not agree"


def genre_result(experiment, seed, right, seconds=1.0):
    """Return a result with that many of a hundred test tracks right; all are of class 1, and the others are taken for 2."""
    return Result(
        experiment=experiment,
        seed=seed,
        seconds_per_epoch=seconds,
        y_true=[1] * 100,
        y_pred=[1] * right + [2] * (100 - right),
    )


def made_up_results(seeds=3):
    for seed in range(seeds):
        yield genre_result("lstm-mel", seed, 50 + seed, seconds=3.0 + seed / 10)
        yield genre_result("lstm-beat", seed, 51 + seed, seconds=1.0)
        yield genre_result("lstm-chroma", seed, 20 + seed)
        yield genre_result("lstm-fused", seed, 0)
        yield genre_result("cnn-mel", seed, 50 + seed * 10 - 10)
        yield Result(experiment="overfit-lstm", seed=seed, train_loss=[1.0] * 100)
        yield Result(experiment="overfit-cnn", seed=seed, train_loss=[1.0] * (20 + seed) + [1e-6] * 50)
        for net in ("lstm", "cnn"):
            for axis in published.AXES:
                name = f"regression-{net}-{axis}"
                yield Result(experiment=name, seed=seed, spearman={axis: 0.1 + seed / 100})
        yield Result(experiment="multitask-lstm", seed=seed, spearman=dict.fromkeys(published.AXES, 0.3))
        yield Result(
            experiment="multitask-cnn", seed=seed, spearman={"valence": 0.3, "energy": 0.3, "danceability": -0.3}
        )
        yield Result(experiment="transfer", seed=seed, spearman={"valence": 0.52 + seed / 100})
        yield Result(experiment="transfer-fresh", seed=seed, spearman={"valence": 0.5})


def test_findings_on_made_up_results():
    found = {finding.name.partition(".")[0]: finding.verdict for finding in findings(Outcomes(made_up_results()))}

    assert found == {
        "1": "agrees",
        "2": "agrees",
        "3": "cannot tell (the interval holds the limit)",
        "4": "agrees",
        "5": "agrees",
        "6a": "agrees",
        "6b": "does not agree",
    }


def test_report_does_not_claim_its_own_gain_by_transfer():
    (transfer,) = (finding for finding in findings(Outcomes(made_up_results())) if finding.name.startswith("5."))

    assert "does not call this gain of 0.18 an improvement" in transfer.report
    assert transfer.measures[0].limit == 0.1


def test_findings_pair_runs_by_seed_in_whatever_order_they_come():
    forwards, backwards = (
        findings(Outcomes(results)) for results in (made_up_results(), reversed(list(made_up_results())))
    )

    assert forwards == backwards


def test_findings_of_one_seed_cannot_tell():
    verdicts = {finding.verdict for finding in findings(Outcomes(made_up_results(seeds=1)))}

    assert verdicts == {"cannot tell (fewer than 2 seeds)"}


def test_iterations_to_overfit_count_the_steps_before_the_loss_was_reached():
    losses = [2.0, 1.8e-5, 3.0]

    assert iterations_to_overfit(Result(experiment="overfit-cnn", seed=0, train_loss=losses)) == 1
    assert iterations_to_overfit(Result(experiment="overfit-cnn", seed=0, train_loss=[1.0])) is None


def test_sentence_names_the_classes_that_are_never_right():
    sentence = classes_never_right(Outcomes(made_up_results()), ["Blues", "Classical", "Electronic"])

    assert "lstm-mel: 0 (Blues), 2 (Electronic);" in sentence
    assert "lstm-fused: 0 (Blues), 1 (Classical), 2 (Electronic);" in sentence
    assert "in the report 0, 5, 7, 9" in sentence


def write_tracks(folder, split, names, rng, timesteps):
    (folder / split).mkdir(parents=True, exist_ok=True)
    for name in names:
        fused = rng.normal(-40, 10, (140, int(rng.integers(*timesteps))))
        np.save(folder / split / f"{name}.fused.full.npy", fused.astype(np.float32))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder of the course's layout, with noise for music."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for speed, timesteps in (("", (17, 30)), ("_beat", (3, 7))):
        folder = root / f"fma_genre_spectrograms{speed}"
        for split, count, first in (("train", 2, 0), ("test", 1, 100)):
            entries = [(str(first + i), genre) for i, genre in enumerate(CLASSES * count)]
            write_tracks(folder, split, [name for name, _ in entries], rng, timesteps)
            lines = [f"{name}.fused.full.npy\t{genre}" for name, genre in entries]
            (folder / f"{split}_labels.txt").write_text("\n".join(["Id\tGenre", *lines]), encoding="utf-8")
        ratings = root / f"multitask_dataset{speed}"
        write_tracks(ratings, "train", map(str, range(12)), rng, timesteps)
        rows = [f"{i},{i / 12},{(i * 5 % 12) / 12},{(i * 7 % 12) / 12}" for i in range(12)]
        (ratings / "train_labels.txt").write_text(
            "\n".join(["Id,valence,energy,danceability", *rows]), encoding="utf-8"
        )
    return root


def test_tracks_are_standardised_by_the_valid_timesteps_of_the_training_tracks(data):
    loaders = genre_loaders(data, beat=True, feat_type="mel", settings=Settings(batch=100), seed=0)
    (x, _, lengths) = next(iter(loaders.train))
    valid = np.concatenate([track[:length].numpy() for track, length in zip(x, lengths, strict=True)])

    assert valid.mean(axis=0) == pytest.approx(np.zeros(128), abs=1e-4)
    assert valid.std(axis=0) == pytest.approx(np.ones(128), abs=1e-4)
    assert all(not track[length:].any() for track, length in zip(x, lengths, strict=True))


def test_ratings_have_one_split_for_each_axis_and_for_all(data):
    settings = Settings(batch=100)
    all_axes = rating_loaders(data, beat=True, axis=None, settings=settings, seed=3)
    targets = next(iter(all_axes.test))[1].numpy()

    for axis in (1, 2, 3):
        one = rating_loaders(data, beat=False, axis=axis, settings=settings, seed=3)
        assert next(iter(one.test))[1].numpy() == pytest.approx(targets[:, axis - 1])


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """What the command left behind, and what it said."""
    out = tmp_path_factory.mktemp("made")
    arguments = ["-m", "solutions", "report", "--data", str(data), "--out", str(out), *TINY]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return out, done


class Page(HTMLParser):
    """What a page shows, and where it would fetch from."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.captions = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.sources += [value for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in {"caption", "figcaption"} and data.strip():
            self.captions.append(data.strip())

    def handle_endtag(self, tag):
        self.tags.append((f"/{tag}", {}))


def test_html_page_holds_all_figures_and_fetches_nothing(made):
    text = (made[0] / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    numbers = [int(number) for caption in page.captions for number in re.findall(r"^Figure (\d+):", caption)]

    assert ("html", {"lang": "en"}) in page.tags
    assert ("meta", {"charset": "utf-8"}) in page.tags
    assert sorted(numbers) == list(range(1, 21))
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in page.sources)
    assert "@import" not in text
    assert "url(" not in text
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")


def test_markdown_page_has_the_same_figures_beside_it(made):
    text = (made[0] / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"^!\[Figure (\d+): [^\]]+\]\((.+)\)$", text, re.MULTILINE)

    assert sorted(int(number) for number, _ in links) == list(range(1, 21))
    for number, link in links:
        assert link == f"figures/figure{int(number):02}.png"
        assert (made[0] / link).read_bytes().startswith(b"\x89PNG")


def test_both_pages_have_every_table_with_the_reports_numbers(made):
    html, markdown = ((made[0] / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    captions = [caption for caption in Page(html).captions if not caption.startswith(("Figure", "Confusion"))]

    for number in (1, 2, 3, 10, 21):
        assert any(caption.startswith(f"The report's table {number}:") for caption in captions)
    assert len(captions) == len(re.findall(r"^\*\*.+\*\*$", markdown, re.MULTILINE)) == 14
    for text in (html, markdown):
        assert "agrees with 0 of the report's findings, does not agree with 0, and cannot tell of 7." in unescape(text)
        assert text.index("This run agrees with") < text.index("Findings")
        assert "One seed is for a look only" in text
        assert "cut or padded to 16 timesteps" in text
        assert "wall time on one thread" in text
        for value in ("1293", "62", "87", "3216", "2570", "0.1237", "-0.2764", "0.0222", "0.5122", "1e-05"):
            assert value in text
    assert "| device | cpu | – |" in markdown
    for name in ("Python", "torch", "numpy", "librosa"):
        assert re.search(rf"^\| {name} \| \d+\.\S+ \| – \|$", markdown, re.MULTILINE)
    assert "| 6 Metal |" in markdown
    assert "| 0.38 | 0.69 | 0.49 | 78 |" in markdown
    assert "cannot tell (fewer than 2 seeds)" in markdown


def test_white_cells_of_a_layer_are_framed(made):
    picture = imread(made[0] / "figures" / "figure19.png")
    height, width = picture.shape[:2]

    # Of the gradients of the softmax, the last are 0, the highest.
    assert picture[height // 2 :, -width // 40 :, :3].min() < 0.5


def test_losses_end_below_the_frame():
    results = [
        Result(experiment="lstm-mel", seed=0, train_loss=[2.32, 2.2], val_loss=[2.26, float("nan")]),
        Result(experiment="lstm-mel", seed=1, train_loss=[2.3, 2.2], val_loss=[2.4, float("inf")]),
    ]
    _, figure = figures._losses(results)

    assert figure.axes[0].get_ylim() == pytest.approx((0, 2.4 * 1.05))


def test_each_run_is_told_once(made):
    _, done = made
    names = re.findall(r"^\[\d+/17\] (.+)-seed0$", done.stderr, re.MULTILINE)

    assert sorted(names) == sorted(EXPERIMENTS)


def told(runs, job):
    done_now = {}
    run_all(runs, job, 1, lambda run, now: done_now.update({run: now}))
    return done_now


@pytest.fixture(scope="module")
def job(data, made):
    settings = replace(Settings().with_epochs(1), seeds=1, lstm_rating_runs=1, max_length=16)
    return Job(data.resolve(), check_folder(data, settings), made[0].resolve(), settings)


def test_second_start_does_nothing_anew(made, job):
    assert told(plan(job.settings), job) == dict.fromkeys(plan(job.settings), False)


def test_only_what_is_missing_or_not_what_it_was_is_done_again(made, job):
    out = made[0]
    (out / "runs" / "lstm-beat-seed0.json").unlink()
    (out / "runs" / "regression-lstm-energy-seed0.json").write_text("{", encoding="utf-8")
    (out / "runs" / "multitask-lstm-seed0.json").write_text("[]", encoding="utf-8")
    of_another = out / "runs" / "regression-lstm-valence-seed0.json"
    shutil.copy(of_another, out / "runs" / "regression-lstm-danceability-seed0.json")
    job.checkpoint(Run("lstm-mel", 0)).unlink()
    shutil.copy(job.checkpoint(Run("lstm-fused", 0)), job.checkpoint(Run("lstm-chroma", 0)))

    done_now = told(plan(job.settings), job)

    assert {run.experiment for run, now in done_now.items() if now} == {
        "lstm-beat",
        "regression-lstm-energy",
        "multitask-lstm",
        "regression-lstm-danceability",
        "lstm-mel",
        "lstm-chroma",
    }
    assert not list(out.rglob("*.tmp"))


def test_other_settings_are_run_anew_with_files_of_their_own_and_more_seeds_are_not(made, job, tmp_path):
    run = Run("lstm-beat", 0)
    for path in (Path("runs/lstm-beat-seed0.json"), job.checkpoint(run).relative_to(made[0])):
        (tmp_path / path).parent.mkdir()
        shutil.copy(made[0] / path, tmp_path / path)
    # So large a learning rate gives losses that are NaN.
    changes = ({"seeds": 4}, {"learning_rate": 1e30})
    more_seeds, faster = (replace(job, out=tmp_path, settings=replace(job.settings, **change)) for change in changes)
    before = more_seeds.checkpoint(run).read_bytes()

    assert told([run], more_seeds) == {run: False}
    assert told([run], faster) == {run: True}
    assert told([run], faster) == {run: False}
    assert np.isnan(json.loads((tmp_path / "runs" / "lstm-beat-seed0.json").read_bytes())["result"]["val_loss"]).all()
    assert more_seeds.checkpoint(run).read_bytes() == before
    assert faster.checkpoint(run).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_workers_end_with_the_command(data, tmp_path):
    numbers = (signal.SIGTERM, signal.SIGKILL)
    commands = []
    for number in numbers:
        arguments = ["-m", "solutions", "report", "--data", str(data), "--out", str(tmp_path / number.name), *TINY]
        commands.append(subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True))
    said = []
    for command, number in zip(commands, numbers, strict=True):
        with command:
            assert command.stderr is not None
            assert command.stderr.readline().startswith("[1/17]")
            command.send_signal(number)
            # Workers hold this pipe too: it ends when all of them have.
            said.append(command.stderr.read())

    assert [command.returncode for command in commands] == [130, -signal.SIGKILL]
    assert said[0].splitlines()[-1] == "report: interrupted; the same command goes on where it was."
    assert not list(tmp_path.rglob("*.tmp"))


def refused(*arguments):
    done = CliRunner().invoke(main, ["report", *map(str, arguments)])
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_data_folder_that_is_not_there_is_refused(tmp_path):
    line = refused("--data", tmp_path / "none", "--out", tmp_path / "out")

    assert "none does not exist" in line
    assert "--data" in line
    assert not (tmp_path / "out").exists()


@pytest.fixture
def copy(data, tmp_path):
    """A data folder to spoil."""
    return shutil.copytree(data, tmp_path / "data")


def test_contents_are_other_ones_when_a_track_or_a_rating_changes(copy):
    contents = {check_folder(copy, Settings())}
    track = copy / "multitask_dataset_beat" / "train" / "3.fused.full.npy"
    np.save(track, np.load(track)[:, ::-1])
    contents.add(check_folder(copy, Settings()))
    index = copy / "multitask_dataset" / "train_labels.txt"
    index.write_text(index.read_text(encoding="utf-8").replace("0.5", "0.6"), encoding="utf-8")
    contents.add(check_folder(copy, Settings()))

    assert len(contents) == 3


def test_contents_are_part_of_the_fingerprint(job):
    assert replace(job, contents="others").fingerprint != job.fingerprint


@pytest.mark.parametrize(
    "missing", ["fma_genre_spectrograms_beat/test_labels.txt", "multitask_dataset/train_labels.txt"]
)
def test_data_folder_without_a_collection_is_refused(copy, missing):
    (copy / missing).unlink()

    assert f"has no {missing}" in refused("--data", copy, "--out", copy / "out")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist, although train_labels.txt names it"),
        (b"", "is not a whole .npy file of numbers"),
        (b"not NumPy's", "is not a whole .npy file of numbers"),
        (b"\x93NUMPY\x01\0\x02\0((", "is not a whole .npy file of numbers"),
        (np.array([None]), "is not a whole .npy file of numbers"),
        (np.zeros((139, 20)), "has shape (139, 20), not (140, T)"),
        (np.zeros((140, 0)), "has shape (140, 0), not (140, T) with a timestep or more"),
        (np.zeros((140, 20), complex), "holds values of type complex128, which are not real numbers"),
        (np.full((140, 20), np.nan), "holds NaN or infinity"),
        (np.full((140, 20), -np.inf), "holds NaN or infinity"),
    ],
)
@pytest.mark.parametrize("collection", ["fma_genre_spectrograms_beat", "multitask_dataset"])
def test_track_that_cannot_be_used_is_refused(copy, collection, content, said):
    file = copy / collection / "train" / "3.fused.full.npy"
    if isinstance(content, np.ndarray):
        np.save(file, content)
    elif content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    line = refused("--data", copy, "--out", copy / "out")

    assert f"{file} {said}" in line
    assert "pickle" not in line
    assert not (copy / "out").exists()


HEADER = "Id\tGenre\n"
AXES_HEADER = "Id,valence,energy,danceability\n"


@pytest.mark.parametrize(
    ("index", "text", "said"),
    [
        ("fma_genre_spectrograms/test", HEADER + "7.npy Blues\n", "line 2: '7.npy Blues' is not name<TAB>genre"),
        ("fma_genre_spectrograms/test", HEADER + "7.npy\tK\u00f6ln\n", "is not UTF-8; save it as UTF-8"),
        ("fma_genre_spectrograms/test", HEADER, "names no tracks of the ten genres"),
        ("fma_genre_spectrograms/test", HEADER + "7.npy\tOld-Time\n", "names no tracks of the ten genres"),
        ("fma_genre_spectrograms/test", HEADER + "7.npy\tSka\n", "gives 7.npy the genre 'Ska', which CLASS_MAPPING"),
        ("fma_genre_spectrograms/test", f"{HEADER}{'7' * 300}\tPop\n", "cannot be read (File name too long)"),
        ("fma_genre_spectrograms/test", HEADER + "7\0.npy\tPop\n", "is no name of a file"),
        ("fma_genre_spectrograms/train", HEADER + "7.npy\tPop\n", "names 1 track(s) to use, too few to validate"),
        ("multitask_dataset_beat/train", AXES_HEADER + "7,1,2\n", "line 2: '7,1,2' is not Id,valence,"),
        ("multitask_dataset_beat/train", AXES_HEADER + "\u00f6,1,2,3\n", "is not UTF-8; save it as UTF-8"),
        ("multitask_dataset_beat/train", AXES_HEADER + "7,1,nan,2\n", "gives 7.fused.full.npy a rating that is not"),
        ("multitask_dataset_beat/train", AXES_HEADER, "complete it to 7 or more"),
    ],
)
def test_index_that_cannot_be_used_is_refused(copy, index, text, said):
    (copy / f"{index}_labels.txt").write_text(text, encoding="latin-1")

    assert said in refused("--data", copy, "--out", copy / "out")


def test_tracks_of_step_1_are_examined_before_the_first_run(copy):
    index = copy / "fma_genre_spectrograms" / "train_labels.txt"
    lines = [f"{i}.fused.full.npy\tPop" for i in range(20)]
    index.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    one_genre = refused("--data", copy, "--out", copy / "out")
    # The only track of another genre, and of one that the experiments drop.
    index.write_text(HEADER + "\n".join([*lines, "old.npy\tOld-Time"]), encoding="utf-8")
    dropped = refused("--data", copy, "--out", copy / "out")

    assert "names tracks of one genre only" in one_genre
    assert "old.npy does not exist" in dropped


@pytest.mark.parametrize(("file", "out"), [("file", "file/out"), ("runs", "."), ("checkpoints", "."), ("figures", ".")])
def test_folder_that_cannot_be_written_is_refused(data, tmp_path, file, out):
    (tmp_path / file).touch()

    line = refused("--data", data, "--out", tmp_path / out)

    assert f"{file} cannot be written" in line.replace("/out", "")
    assert "--out" in line


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "page.html").mkdir()

    with pytest.raises(OutFault, match=r"page.html cannot be written \(.+\); what is done is kept"):
        write(tmp_path / "page.html", b"page")
    with pytest.raises(OutFault, match="cannot be written"):
        write(ROOT / "LICENSE" / "page.html", b"page")

    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_result_that_cannot_be_written_is_told_in_one_sentence(data, tmp_path, monkeypatch):
    def full_disk(*arguments):
        raise OutFault("x.json cannot be written (No space left on device).")

    monkeypatch.setattr("solutions.report.command.run_all", full_disk)

    assert refused("--data", data, "--out", tmp_path / "out") == (
        "Error: x.json cannot be written (No space left on device)."
    )


def test_command_line_does_not_import_torch_for_other_commands():
    code = "import sys, solutions.__main__; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
