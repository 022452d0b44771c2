"""The page: report.html, which holds all it shows, and report.md with its figures beside it; both say the same."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from .data import CLASSES
from .experiments import Job, Result
from .figures import Picture, confusion, pictures
from .files import FIGURES, write
from .findings import Finding, Outcomes, classes_never_right, findings
from .tables import (
    INPUTS,
    Table,
    findings_table,
    layers_table,
    multitask_table,
    overfit_table,
    regression_table,
    scores_table,
    settings_table,
    summary_table,
    timesteps_table,
    transfer_table,
)
from .tracks import Track

_SPREAD = (
    "Spreads are over seeds: of initialisation, of the order of batches and of the validation split, and for ratings "
    "of the whole split into training, validation and test. All seeds see the same tracks, so that an interval says "
    "nothing of how other tracks would come out. Each is the 95 % Student-t confidence interval of the mean over "
    "seeds, in the findings that of the differences between runs with the same seed. The report's numbers are of one "
    "run on the course's own data, and have no spread."
)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        text: what it says first.
        figures: its figures.
        tables: its tables.
        confusions: confusion matrices that go with the tables.
    """

    title: str
    text: str
    figures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    confusions: tuple[Picture, ...] = ()


def write_pages(results: Sequence[Result], job: Job, tracks: Sequence[Track]) -> None:
    """Write `report.html`, `report.md` and `figures/` into the job's folder.

    Args:
        results: results of all experiments.
        job: what the runs had in common.
        tracks: the two tracks of steps 1-3.

    Raises:
        OutFault: a file cannot be written.
    """
    outcomes = Outcomes(results)
    sections = _sections(job, outcomes, tracks, pictures(job.data, tracks, outcomes))
    lead = _verdicts(findings(outcomes), job.settings.seeds)
    for section in sections:
        for picture in (*section.figures, *section.confusions):
            write(job.out / FIGURES / picture.name, picture.png)
    for template, name in (("page.html.j2", "report.html"), ("page.md.j2", "report.md")):
        write(job.out / name, _render(template, job, lead, sections).encode())


def _sections(job: Job, outcomes: Outcomes, tracks: Sequence[Track], figures: dict[int, Picture]) -> list[Section]:
    def of(*numbers: int) -> tuple[Picture, ...]:
        return tuple(figures[number] for number in numbers)

    found = findings(outcomes)
    lstms = [name for name in INPUTS if name.startswith("lstm")]
    layers = range(11, 20)
    return [
        Section("Findings", _SPREAD, tables=(findings_table(found),)),
        Section(
            "Settings",
            "The report's dashes are values that it does not state.",
            tables=(settings_table(job.settings, job.device),),
        ),
        Section(
            "Steps 1-3: spectrograms, beats and chromagrams", _pair(tracks), of(1, 2, 3, 4), (timesteps_table(tracks),)
        ),
        Section("Step 4: genres", "Genres of the training tracks, before and after merging.", of(5, 6)),
        Section(
            "Steps 5 and 6: LSTM",
            f"{classes_never_right(outcomes, CLASSES)} Class scores below are means over seeds. "
            f"{_lengths_and_seconds(job)}",
            of(7, 8, 9, 10),
            (summary_table(outcomes), *(scores_table(outcomes.of(name)) for name in lstms)),
            tuple(confusion(outcomes.of(name)) for name in lstms),
        ),
        Section(
            "Step 7: layers of the digit network",
            "ConvNetJS's network, trained briefly on random crops of scikit-learn's digits. Pixels are grey from the "
            "lowest value (black) to the highest (white), which stand above each part; they have no unit.",
            of(*layers),
            (layers_table(),),
        ),
        Section(
            "Step 7: CNN",
            "The CNN on the same tracks as the LSTM on mel spectrograms at full speed. Both overfit the first training "
            "batch of that input, without dropout; a network that does not get there counts, in the findings, as if it "
            "had with the last iteration.",
            of(20),
            (scores_table(outcomes.of("cnn-mel")), overfit_table(outcomes)),
            (confusion(outcomes.of("cnn-mel")),),
        ),
        Section(
            "Step 8: regression",
            "The LSTM rates beat-synchronous mel spectrograms, the CNN mel spectrograms at full speed. All networks of "
            "a seed have the same split.",
            tables=(regression_table(outcomes),),
        ),
        Section("Step 9: transfer", _transfer_text(job), tables=(transfer_table(outcomes),)),
        Section("Step 10: multitask learning", "", tables=(multitask_table(outcomes),)),
    ]


def _verdicts(found: Sequence[Finding], seeds: int) -> str:
    agrees = sum(finding.verdict == "agrees" for finding in found)
    differs = sum(finding.verdict == "does not agree" for finding in found)
    one_seed = " One seed is for a look only: it has no spread to tell by." if seeds < 2 else ""  # noqa: PLR2004
    return (
        "The course's networks are trained anew, and each figure and table stands beside the numbers of the lab report "
        f"that the course is made from. This run agrees with {agrees} of the report's findings, does not agree with "
        f"{differs}, and cannot tell of {len(found) - agrees - differs}. The finding on multitask learning is listed "
        f"once for each network.{one_seed}"
    )


def _lengths_and_seconds(job: Job) -> str:
    where = "on one thread" if job.device == "cpu" else "on the GPU, with one thread of the CPU to feed it"
    return (
        f"Tracks at full speed are cut or padded to {job.settings.max_length} timesteps, while beat-synchronous ones "
        "keep their length: where tracks are longer, the two do not cover the same seconds of music. Seconds of an "
        f"epoch are wall time {where}, maybe with other runs beside; only their ratios mean something."
    )


def _pair(tracks: Sequence[Track]) -> str:
    return f"The tracks are {' and '.join(f'{track.name} ({track.genre})' for track in tracks)}."


def _transfer_text(job: Job) -> str:
    return (
        f"The CNN's backbone, trained on genres with the same seed, and the same network with fresh weights; both are "
        f"trained on valence for at most {job.settings.transfer_epochs} epochs."
    )


def _render(template: str, job: Job, lead: str, sections: Sequence[Section]) -> str:
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda png: base64.b64encode(png).decode()
    environment.filters["cell"] = _markdown_cell
    return environment.get_template(template).render(
        title="Affective music classification: the reference experiments",
        lead=lead,
        data=job.data,
        sections=sections,
    )


def _markdown_cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
