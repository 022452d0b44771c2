"""One submission and its verdicts: the subject, the judge, the rubric."""
