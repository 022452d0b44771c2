"""Affective music classification, the lab: one module for each step, for you to complete.

Each function and each method here says what it does, what it takes and returns, and when it raises an error;
it then raises NotImplementedError. Replace that line with your own code. Parts marked `# given` are complete:
leave them as they are. Keep names, parameters and their order, since the checks call them; helpers, further
modules and extra optional parameters are yours to add.

Shapes are written in the signatures: `Float[np.ndarray, "128 T"]` is an array of floats with 128 rows and any
number T of columns, and T is the same number wherever one signature names it. The letters:

    T  timesteps of a track    F  features of a timestep    B  tracks in a batch    N  tracks in a data set

When your work is graded it runs in a sandbox: it may write files in the current folder, or with `tempfile`, and
nowhere else; it starts no processes, but a DataLoader may have workers. To import there are Python's own modules,
NumPy, SciPy, scikit-learn, librosa, matplotlib, PyTorch, tqdm and jaxtyping, and nothing else.

Steps may use earlier steps: `from .step01_spectrograms import read_labels`. Check your work with `lab check`.
Some steps also ask questions: answer them in words, in Greek or in English, in `lab/answers`.
"""
