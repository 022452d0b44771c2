"""The room of this repository's course: its checks, their data and oracles, its kit, questions and thresholds."""

from graders.checks.pytorch import PyTorch
from graders.libraries import register

register(PyTorch())
