"""The confined worker, from the judge's side: what crosses, what is stopped, and what a death leaves behind."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from graders.judging.confined import ConfinedSubject
from graders.outcomes import (
    Died,
    Forbidden,
    HarnessFault,
    KilledFromOutside,
    NotImplementedYet,
    OutOfMemory,
    StudentError,
    TimedOut,
    WrongType,
)
from graders.sandbox import breaches, confinement, nodes, server, wire
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.layers import LAYERS, State
from graders.sandbox.proxies import OneWorker, Remote, RemotePackage, remote_kit
from tests.support import COURSE, ROOT

ECHO = "def echo(value):\n    return value\n"


def test_arguments_and_results_cross_as_plain_data(start_worker):
    _, student = start_worker(ECHO)
    for value in (
        None,
        True,
        -3,
        2**80,
        0.5,
        "Ρεμπέτικο",
        b"\0",
        [1, (2, "β")],
        {"κ": [None]},
        Path("/a/β.npy"),
    ):
        assert student.echo(value) == value
    tensor = torch.arange(6.0).reshape(2, 3).T
    assert torch.equal(student.echo(tensor), tensor)


def test_memory_order_reaches_the_student(start_worker):
    _, student = start_worker("def order(x):\n    return x.flags.c_contiguous, x.flags.f_contiguous\n")
    array = np.zeros((3, 4))
    assert student.order(array) == (True, False)
    assert student.order(np.asfortranarray(array)) == (False, True)
    assert student.order(np.repeat(array, 2, axis=1)[:, ::2]) == (False, False)


def test_objects_stay_in_the_worker(start_worker):
    _, student = start_worker(
        "class Data:\n"
        "    size = 3\n"
        "    def __len__(self):\n        return self.size\n"
        "    def __getitem__(self, i):\n"
        "        if i >= 3: raise IndexError(i)\n"
        "        return i * 10\n"
        "    def twice(self, x, *, times=2):\n        return x * times\n"
        "def total(data):\n    return sum(data)\n"
    )
    data = student.Data()
    assert isinstance(data, Remote)
    assert (len(data), data[1], list(data), data.twice(4, times=3), data.size) == (3, 10, [0, 10, 20], 12, 3)
    assert student.total(data) == 30
    with pytest.raises(IndexError):
        data[7]
    assert "Data" in repr(data)


def test_library_functions_cross_by_name(start_worker):
    _, student = start_worker("def apply(f, x):\n    return f(x)\n")
    assert student.apply(np.median, np.array([1.0, 2.0, 9.0])) == 2.0


def test_exceptions_name_type_text_and_line(start_worker):
    _, student = start_worker(
        "def half(x):\n    if x % 2:\n        raise ValueError(f'{x} είναι περιττός')\n    return x // 2\n"
    )
    with pytest.raises(
        ValueError, match=r"half\(3\) raised ValueError: 3 είναι περιττός .*step01_student.py line 3, in half"
    ):
        student.half(3)
    assert student.half(4) == 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise NotImplementedError('not yet')", NotImplementedYet),
        ("raise SystemExit(0)", StudentError),
        ("raise KeyboardInterrupt", StudentError),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})", StudentError),
        ("raise RecursionError", StudentError),
        ("f()", StudentError),
        ("return bytearray(1 << 40)", OutOfMemory),
        ("import torch; return torch.ones(1 << 40)", OutOfMemory),
        ("import mmap; mmap.mmap(-1, 64 << 30)", OutOfMemory),
        ("import os; os._exit(0)", Died),
        ("import os; os._exit(3)", Died),
        ("import os; os.close(3); import time; time.sleep(60)", Died),
        ("import ctypes; ctypes.string_at(0)", Died),
        ("import os; os.write(3, b'x' * 1000); return 1", Died),
        ("import os; os.abort()", Died),
        ("open('/etc/passwd')", Forbidden),
        ("import socket; socket.socket()", Forbidden),
        ("import os; os.fork()", Forbidden),
        ("import subprocess; subprocess.run(['true'])", Forbidden),
        ("import os; os.kill(os.getppid(), 9)", Forbidden),
        ("import os; os.kill(-1, 9)", Forbidden),
        ("import os; os.execv('/bin/true', ['true'])", Forbidden),
        ("import os; os.chmod('.', 0o777)", Forbidden),
        ("import os; os.truncate('/tmp', 0)", Forbidden),
        ("import fcntl, os; fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())", Forbidden),
        ("import fcntl, signal; fcntl.fcntl(3, 10, signal.SIGKILL)", Forbidden),
        ("open('../escape', 'w')", Forbidden),
        ("import os; os.sched_setaffinity(0, os.sched_getaffinity(0))", Forbidden),
    ],
)
def test_each_ending_of_a_call_has_its_outcome(start_worker, body, error):
    _, student = start_worker(f"def f():\n    {body}\n")
    with pytest.raises(error):
        student.f()


def test_a_call_without_end_is_stopped_at_its_deadline(start_worker):
    worker, student = start_worker("def f():\n    while True: pass\ndef g():\n    return 1\n", seconds=0.3)
    with pytest.raises(TimedOut, match=r"step01_student.f\(\) gave no answer within 0.3 s"):
        student.f()
    with pytest.raises(TimedOut):
        student.g()  # the check in progress is lost, whatever it asks next
    assert worker.ended


def test_an_endless_iterator_is_stopped(start_worker):
    _, student = start_worker("def f():\n    while True: yield 1\n")
    with pytest.raises(WrongType, match="has not ended"):
        list(student.f())


def test_signals_and_handlers_do_not_keep_a_worker_alive(start_worker):
    source = "import signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\ndef f():\n    while True: pass\n"
    worker, student = start_worker(source, seconds=0.3)
    with pytest.raises(TimedOut):
        student.f()
    assert worker.ended


def test_scratch_is_the_one_place_to_write_and_files_are_capped(start_worker):
    _, student = start_worker(
        "import os, tempfile\n"
        "def write(n):\n    with open('x', 'wb') as f: f.write(bytes(n))\n    return os.path.getsize('x')\n"
        "def temporary():\n    with tempfile.TemporaryFile() as f: return f.write(b'1')\n"
    )
    assert student.write(1 << 20) == 1 << 20
    assert student.temporary() == 1
    with pytest.raises(OSError, match="too large"):
        student.write(64 << 20)


def test_only_what_is_listed_can_be_read(start_worker, tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.txt").write_text("α", encoding="utf-8")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "b.txt").write_text("β", encoding="utf-8")
    _, student = start_worker(
        "def read(p):\n    return open(p, encoding='utf-8').read()\n", readable=[tmp_path / "given"]
    )
    assert student.read(tmp_path / "given" / "a.txt") == "α"
    for secret in (
        tmp_path / "kept" / "b.txt",
        Path(__file__),
        Path("/proc/self/environ"),
        Path("/proc/1/cmdline"),
    ):
        with pytest.raises((Forbidden, FileNotFoundError)):
            student.read(secret)


@pytest.mark.parametrize("package", ["solutions", "graders", "tests", "fixtures"])
def test_the_harness_cannot_be_read_from_a_worker(start_worker, package):
    _, student = start_worker("import os\ndef read(p):\n    return os.listdir(p)\n")
    with pytest.raises(Forbidden):
        student.read(ROOT / package)


def test_nothing_worth_stealing_is_loaded(warm_server):
    with breaches.probe_worker(warm_server) as (_, probe):
        loaded = probe.modules()
        assert not [name for name in loaded if name.split(".")[0] in {"solutions", "pytest", "_pytest", "hypothesis"}]
        # The kit, and what the server is made of: no check, no oracle, no judge, no results.
        base = r"checks|checks\.pytorch|course|libraries|limits|members|outcomes|policy|seeding|text"
        allowed = rf"graders(\.(sandbox|checks\.kit)(\.\w+)*|\.({base}))?"
        assert [name for name in loaded if name.startswith("graders") and not re.fullmatch(allowed, name)] == []
        assert set(probe.environment()) <= {"HOME", "TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "LC_CTYPE"}
        assert probe.descriptors() == [3]


@pytest.mark.parametrize("breach", breaches.BREACHES, ids=lambda breach: breach.what)
def test_what_the_doctor_tries_is_stopped(warm_server, breach):
    with breaches.probe_worker(warm_server) as (worker, probe):
        assert set(worker.layers) == set(LAYERS)
        assert all(layer.state is State.ON for layer in worker.layers.values())
        with pytest.raises((Forbidden, StudentError, OutOfMemory)):
            breach.run(probe)


def test_threads_work_but_do_not_outlive_the_worker(start_worker):
    source = (
        "import threading, time\n"
        "def f():\n    out = []\n    t = threading.Thread(target=lambda: out.append(1)); t.start(); t.join()\n    return out\n"
        "def spin():\n    for _ in range(3): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    return threading.active_count()\n"
    )
    worker, student = start_worker(source)
    assert student.f() == [1]
    assert student.spin() == 4
    pid = worker.pid
    worker.close()
    assert wait_for(lambda: not Path(f"/proc/{pid}").exists())


def wait_for(condition: Any) -> bool:
    """Poll a condition for up to ten seconds: long enough for any machine, ended as soon as it holds."""
    for _ in range(1000):
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_half_precision_works(start_worker):
    _, student = start_worker(
        "import torch\n\ndef halves():\n"
        "    with torch.autocast('cpu', torch.float16):\n"
        "        product = torch.ones(2, 2) @ torch.ones(2, 2)\n"
        "    return (torch.full((2,), 0.5).half() + product[0]).float().tolist()\n"
    )
    assert student.halves() == [2.5, 2.5]


def test_seeds_make_students_random_numbers_repeat(start_worker):
    source = "import random, numpy, torch\ndef draw():\n    return random.random(), numpy.random.rand(), torch.rand(1).item()\n"
    worker, student = start_worker(source)
    first = student.draw()
    worker.seed(7)
    assert student.draw() == first
    assert start_worker(source)[1].draw() == first


def test_loaders_with_worker_processes_load_in_process(start_worker):
    _, student = start_worker(
        "from torch.utils.data import DataLoader\n"
        "def batches():\n"
        "    loader = DataLoader(list(range(5)), batch_size=2, num_workers=2, persistent_workers=True, timeout=3)\n"
        "    return [batch.tolist() for batch in loader]\n"
    )
    assert student.batches() == [[0, 1], [2, 3], [4]]


def test_a_number_of_threads_can_be_set_and_changes_nothing(start_worker):
    worker, student = start_worker(
        "import torch\n"
        "def threads():\n"
        "    torch.set_num_threads(4)\n"
        "    torch.set_num_interop_threads(4)\n"
        "    _ = torch.rand(400, 400) @ torch.rand(400, 400)\n"
        "    return torch.get_num_threads(), torch.get_num_interop_threads()\n"
        "def none(): torch.set_num_threads(0)\n"
    )
    assert student.threads() == (4, 4)
    assert len(os.listdir(f"/proc/{worker.pid}/task")) == 1
    with pytest.raises(RuntimeError):
        student.none()


def test_compiled_librosa_functions_need_no_cache_on_disk(start_worker):
    _, student = start_worker(
        "import numpy as np, librosa\ndef f(y):\n    return librosa.feature.chroma_cqt(y=y, sr=22050).shape\n",
        seconds=60.0,
    )
    assert student.f(np.sin(np.arange(22050 * 3, dtype=np.float32))) == (12, 130)


def test_what_a_submission_imports_is_loaded_when_it_is_first_asked_for(tmp_path):
    ready = "READY = [name for name in ('numba', 'librosa.util.utils') if name in sys.modules]"
    sources = {
        "without": f"import sys\n# import librosa\n{ready}\n",
        "within": f"import sys\n{ready}\ndef sync(x):\n    import numpy as np, librosa\n    return librosa.util.sync(x, [2])\n",
        "at_once": f"import sys; from matplotlib import pyplot\n{ready}\n",
        "old_mac": f"import sys\rimport librosa\r{ready}\r",
    }
    for name, source in sources.items():
        package = tmp_path / name / "lab"
        package.mkdir(parents=True)
        (package / "step02_beat_sync.py").write_bytes(source.encode())
    with WarmServer(COURSE, steps=[2]) as server:
        server.wait_until_warm()
        loaded: dict[str, list[str]] = {}
        for name in ("without", "at_once", "within", "within", "old_mac"):
            with ConfinedSubject(COURSE, server.controls[0], tmp_path / name, 0) as subject:
                subject.layers_in(2)
                loaded[name] = subject.package.step02_beat_sync.READY
                if name == "within":
                    assert subject.package.step02_beat_sync.sync(np.zeros((1, 4))).shape == (1, 2)
    there = ["numba", "librosa.util.utils"]
    assert loaded == {"without": [], "at_once": [], "within": there, "old_mac": there}


def test_workers_do_not_see_each_other(start_worker):
    source = "import os, numpy as np\ndef spoil():\n    np.load = None\n    open('left', 'w').close()\ndef look():\n    return np.load is None, os.listdir('.')\n"
    _, first = start_worker(source)
    _, second = start_worker(source)
    first.spoil()
    assert first.look() == (True, ["left"])
    assert second.look() == (False, [])


def test_a_closing_server_takes_its_workers_along(tmp_path):
    (tmp_path / "lab").mkdir()
    with WarmServer(COURSE, steps=[2]) as server:
        server.wait_until_warm()
        worker = Worker(server.controls[0], order_for(tmp_path, "lab", [], tmp_path, 0), 5.0)
        pid, server_pid = worker.pid, server.process.pid
        os.kill(pid, 0)
    worker.close()
    assert wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert not Path(f"/proc/{server_pid}").exists()


def test_a_dead_server_is_a_harness_fault(tmp_path):
    with WarmServer(COURSE, steps=[2]) as server:
        server.wait_until_warm()
        server.process.kill()
        server.process.wait()
        with pytest.raises(HarnessFault, match="warm server"):
            Worker(server.controls[0], order_for(tmp_path, "lab", [], tmp_path, 0), 5.0)


def test_a_judge_that_goes_away_takes_its_workers_along(tmp_path):
    (tmp_path / "lab").mkdir()
    with WarmServer(COURSE, judges=2, steps=[2]) as server:
        server.wait_until_warm()
        gone = Worker(server.controls[0], order_for(tmp_path, "lab", [], tmp_path, 0), 5.0)
        server.controls[0].close()
        assert wait_for(lambda: not Path(f"/proc/{gone.pid}").exists())
        gone.sock.close()
        with Worker(server.controls[1], order_for(tmp_path, "lab", [], tmp_path, 0), 5.0) as other:
            assert other.layers


def test_the_server_has_one_thread(warm_server):
    assert len(os.listdir(f"/proc/{warm_server.process.pid}/task")) == 1


def test_a_control_socket_is_all_that_a_server_inherits(warm_server):
    folder = Path(f"/proc/{warm_server.process.pid}/fd")

    def sockets() -> list[str]:
        return [link for link in (str(entry.readlink()) for entry in folder.iterdir()) if link.startswith("socket:")]

    # One more is the spare worker's; while the server forks that, it holds both ends.
    assert wait_for(lambda: len(sockets()) <= len(warm_server.controls) + 1)
    assert isinstance(warm_server.controls[0], socket.socket)


def test_the_bars_of_notebooks_are_those_of_terminals(start_worker):
    _, student = start_worker(
        "from tqdm.notebook import tqdm, trange\ndef run():\n    return [*tqdm([1, 2], desc='Εποχές'), *trange(1)]\n"
    )
    assert student.run() == [1, 2, 0]


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_the_kernel_confirms_what_a_worker_says_of_itself(start_worker):
    worker, student = start_worker(ECHO)
    assert student.echo(1) == 1
    status = status_of(worker.pid)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_that_is_left_out_is_reported(warm_server, tmp_path, layer):
    (tmp_path / "lab").mkdir()
    order = order_for(tmp_path, "lab", [], tmp_path, 0, frozenset({layer}))
    with Worker(warm_server.controls[0], order, 5.0) as worker:
        assert worker.layers[layer].state is State.LEFT_OUT
        missing = {name for name, reached in worker.layers.items() if reached.state is not State.ON}
        # An ordinary user, or root without capabilities, needs no_new_privs for the other two.
        assert missing == ({layer, "landlock", "seccomp"} if layer == "no_new_privs" else {layer})


@pytest.mark.parametrize(("abi", "lacks"), [(1, "truncation"), (4, "signals"), (5, "abstract sockets"), (6, "")])
def test_an_old_landlock_says_what_it_lacks(abi, lacks):
    said = confinement.landlock_state(abi)
    assert said.startswith(f"ABI {abi}")
    assert lacks in said
    assert ("without" in said) == bool(lacks)


def test_servers_that_start_at_once_compile_one_after_the_other():
    held = []
    with server.compiling_alone(["librosa"]):
        code = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        spec = importlib.util.find_spec("librosa")
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        held.append(subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False))
    held.append(subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False))
    assert "BlockingIOError" in held[0].stderr
    assert held[1].returncode == 0


# --- what comes from a submission can be handed back to it, or is told as its doing

GIVER = """
def deep(levels, inside):
    for _ in range(levels):
        inside = [inside]
    return inside
def large(digits): return int("f" * digits, 16)
def same(value): return value
"""


@pytest.mark.parametrize("inside", [7, 2.5, "α", None, True, [], {"a": 1}, b"b"], ids=repr)
def test_what_is_nested_deep_is_handed_back_or_refused_by_name(start_worker, inside):
    _, student = start_worker(GIVER)
    refused = []
    for levels in range(nodes.DEPTH - 6, nodes.DEPTH + 3):
        value = student.deep(levels, inside)
        try:
            student.same(value)
        except WrongType as error:
            refused.append(str(error))
    assert refused
    assert all("nested too deep, or too large, to be handed back" in text for text in refused)


@pytest.mark.parametrize("digits", [wire.INT_HEX_DIGITS - 1, wire.INT_HEX_DIGITS, wire.INT_HEX_DIGITS + 1, 300])
def test_a_large_integer_is_handed_back(start_worker, digits):
    _, student = start_worker(GIVER)
    value = student.large(digits)
    assert student.same(value) == value or digits > wire.INT_HEX_DIGITS  # beyond that, it stays behind a handle


def test_what_a_check_passes_and_cannot_cross_is_no_fault_of_the_submission(start_worker):
    _, student = start_worker(GIVER)
    for value in (np.array([object()], dtype=object), object(), {1, 2}):
        with pytest.raises(HarnessFault, match="a check passed a"):
            student.same(value)


KEEPER = """
import gc, random
class Thing:
    alive = 0
    def __init__(self): Thing.alive += 1
    def __del__(self): Thing.alive -= 1
def thing(): return Thing()
def alive(): return Thing.alive
def dice(): return random.random()
def same(value): return value
def becomes_the_kit():
    [operations] = [one for one in gc.get_objects() if isinstance(one, dict) and "kit" in one and "iterate" in one]
    operations["kit"] = lambda: 5
"""


@pytest.mark.parametrize("value", [object(), "x" * (wire.TREE_BYTES + 1)], ids=["no data", "too large"])
def test_a_call_that_cannot_cross_takes_nothing_of_the_next_one_with_it(start_worker, value):
    worker, student = start_worker(KEEPER)
    worker.seed(5)
    first = student.dice()
    thing = student.thing()
    assert student.alive() == 1
    worker.seed(5)
    del thing
    with pytest.raises((HarnessFault, WrongType), match="cross to the sandbox"):
        student.same(value)
    assert student.alive() == 0
    worker.seed(5)
    with pytest.raises((HarnessFault, WrongType), match="cross to the sandbox"):
        student.same(value)
    assert student.dice() == first


def test_the_kit_can_be_passed_to_the_submission_and_is_never_taken_for_what_it_is_not(start_worker):
    worker, student = start_worker(KEEPER)
    assert isinstance(student.same(remote_kit(worker)), Remote)
    student.becomes_the_kit()
    with pytest.raises(WrongType, match="The kit beside the submission is 5; expected a module"):
        remote_kit(worker)


# --- a busy machine, and deaths that are nobody's fault

SLOWLY = """
import os, time
def pid(): return os.getpid()
def compute(seconds):
    while time.process_time() < seconds: pass
    return seconds
def sleep(seconds): time.sleep(seconds)
"""


def test_a_worker_that_cannot_run_loses_no_time(start_worker):
    """The clock on the wall goes on for a stopped worker, that of its processor does not; nor is it asleep."""
    _, student = start_worker(SLOWLY, seconds=0.4)
    pid = student.pid()
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
    assert student.pid() == pid


def test_a_worker_that_sleeps_meets_its_deadline(start_worker):
    _, student = start_worker(SLOWLY, seconds=0.3)
    with pytest.raises(TimedOut, match=r"within 0.3 s"):
        student.sleep(3600)


def test_a_byte_at_a_time_meets_the_deadline(start_worker):
    source = "import os, time\ndef f():\n    os.write(3, bytes([255] * 3))\n    while True:\n        os.write(3, b'\\0'); time.sleep(0.01)\n"
    _, student = start_worker(source, seconds=0.5)
    with pytest.raises((TimedOut, Died)):
        student.f()


def test_a_worker_that_somebody_kills_is_no_fault_of_the_submission(start_worker):
    for endless in ("sleep", "compute"):
        _, student = start_worker(SLOWLY, seconds=60)
        threading.Timer(0.2, os.kill, (student.pid(), signal.SIGKILL)).start()
        with pytest.raises(KilledFromOutside, match=rf"killed from outside during step01_student.{endless}\(3600\)"):
            getattr(student, endless)(3600)


def test_between_two_calls_too(start_worker):
    worker, student = start_worker(SLOWLY)
    os.kill(student.pid(), signal.SIGKILL)
    with pytest.raises(KilledFromOutside):
        student.pid()
    with pytest.raises(KilledFromOutside):
        student.pid()
    assert worker.ended


@pytest.mark.parametrize(
    "closing",
    [
        "os.close(3); time.sleep(60)",
        "threading.Thread(target=close).start(); ctypes.CDLL(None).syscall(60, 0)",  # the first thread alone ends
    ],
)
def test_a_worker_that_only_closes_its_socket_was_not_killed_from_outside(start_worker, closing):
    source = (
        "import ctypes, os, threading, time\n"
        "def close():\n    time.sleep(0.2); os.close(3); time.sleep(60)\n"
        f"def f():\n    {closing}\n"
    )
    _, student = start_worker(source)
    with pytest.raises(Died, match="closed the connection"):
        student.f()


def test_a_worker_that_uses_up_its_processor_time_is_told_from_one_that_was_killed(warm_server, tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "step01_student.py").write_text(SLOWLY, encoding="utf-8")
    order = order_for(tmp_path, "lab", [], tmp_path, 0)
    limits = msgspec.structs.replace(order.policy.limits, cpu_seconds=2)
    order = msgspec.structs.replace(order, policy=msgspec.structs.replace(order.policy, limits=limits))
    with Worker(warm_server.controls[0], order, 60.0) as worker:
        student = RemotePackage(OneWorker(worker), "lab").step01_student
        with pytest.raises(TimedOut, match="used up the worker's processor time"):
            student.compute(3600)


def has_ended(pid: str) -> bool:
    """Tell whether a process is gone, or waits to be reaped: its sockets are closed then."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_spare_worker_that_somebody_has_killed_is_replaced(warm_server, start_worker):
    pid = warm_server.process.pid
    for _ in range(2):
        start_worker(ECHO)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            os.kill(int(child), signal.SIGKILL)
            assert wait_for(lambda child=child: has_ended(child))
    _, student = start_worker(ECHO)
    assert student.echo(1) == 1
