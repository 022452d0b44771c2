"""What a worker may not do, and the kernel features that see to it.

Layers, each unprivileged: no capabilities, no_new_privs, Landlock, seccomp, resource limits, and a clean start with an
empty environment and no open descriptors; the judge adds its watch over the worker, `graders.sandbox.watch`. Landlock
and seccomp come through maintained bindings; where one is missing on a machine the layer is reported as missing, and
the judge decides whether that is enough.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib
import os
import resource
import site
import sys
import sysconfig
import termios
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from graders.limits import address_space, limit
from graders.sandbox.layers import CLEAN_START, LAYERS, WATCH, Layer, State

# What a thread shares with its process: memory, folders, descriptors, signal handlers, and the process itself.
CLONE_OF_A_THREAD = 0x00000100 | 0x00000200 | 0x00000400 | 0x00000800 | 0x00010000
# Neither F_SETOWN nor F_SETSIG: they make the kernel send signals to any process of the same user.
ALLOWED_FCNTL = (
    fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL,
)  # fmt: skip
# Locks are answered as if they had been taken, and are not: in its own folder a worker has nobody to lock out, and on
# files that several workers can open, such as /dev/null, locks are signals from one submission to another.
PRETENDED_FCNTL = (fcntl.F_SETLK, fcntl.F_SETLKW)
# Neither FIOSETOWN nor SIOCSPGRP, which do the same as F_SETOWN, nor TIOCSTI, which types into a terminal.
ALLOWED_IOCTL = (termios.TCGETS, termios.TIOCGWINSZ, termios.FIONREAD, termios.FIONBIO, termios.FIOCLEX,
                 termios.FIONCLEX)  # fmt: skip
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522
# The version of Landlock's ABI from which on it covers what a worker may not do.
ADDED_TO_LANDLOCK = {"truncation": 3, "signals to others": 6, "abstract sockets": 6}
SYSTEM_READABLE = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/dev/zero",
)

ALLOWED_SYSCALLS = """
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 close close_range dup dup2 dup3
    lseek _llseek ftruncate fsync fdatasync sync_file_range fadvise64 readahead sendfile
    copy_file_range open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx
    statfs fstatfs readlink readlinkat getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink
    unlinkat rename renameat renameat2 umask pipe pipe2 poll ppoll select pselect6 epoll_create
    epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 recvfrom recvmsg sendto sendmsg shutdown
    getsockopt mmap munmap mremap mprotect madvise msync mincore brk mlock munlock membarrier futex futex_wait
    futex_wake futex_waitv set_robust_list get_robust_list set_tid_address rseq sched_yield sched_getaffinity
    sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getcpu get_mempolicy
    getpriority clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getitimer
    setitimer alarm pause getpid gettid getppid getuid geteuid getgid getegid getgroups getresuid getresgid
    getpgrp getpgid getsid getrlimit getrusage sysinfo uname getrandom rt_sigaction rt_sigprocmask
    rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack restart_syscall exit exit_group
    arch_prctl
""".split()


class Limits(msgspec.Struct, frozen=True):
    """Resource limits of one worker.

    Attributes:
        memory: bytes of address space beyond what the warm server already maps.
        file_size: bytes of the largest file that may be written.
        open_files: open descriptors.
        cpu_seconds: processor time in its whole life.
        scratch: bytes of all files in its scratch folder together, and as many of those that it has deleted but holds
            open.
        entries: files and folders in its scratch folder.
        threads: threads at a time.
    """

    memory: int = 2 << 30
    file_size: int = 16 << 20
    open_files: int = 128
    cpu_seconds: int = 900
    scratch: int = 128 << 20
    entries: int = 4096
    threads: int = 256


class Policy(msgspec.Struct, frozen=True):
    """What one worker may reach.

    Attributes:
        readable: files and folders that it may read besides the interpreter and its libraries.
        scratch: the one folder that it may write.
        limits: its resource limits.
        without: layers to leave out, to show what each of them stops; none when it matters.
    """

    readable: list[str]
    scratch: str
    limits: Limits = Limits()
    without: frozenset[str] = frozenset()


class LayerMissing(Exception):
    """A layer of confinement cannot be had here; the message says what is missing."""


@dataclass(frozen=True)
class Confinement:
    """The parts of confinement that are the same for every worker, made once in the warm server.

    Attributes:
        interpreter_paths: what Python itself reads.
        address_space: bytes that the warm server maps, and so every worker from its start.
        landlock: the Landlock binding, or why there is none.
        syscall_filter: the seccomp filter, not yet loaded, or why there is none.
    """

    interpreter_paths: tuple[str, ...]
    address_space: int
    landlock: Any
    syscall_filter: Any

    @classmethod
    def prepare(cls, unreadable: Collection[str]) -> Confinement:
        """Load the bindings and make the filter, while reading files is still allowed.

        Args:
            unreadable: names of packages that no worker may read, wherever they are installed.
        """
        landlock, syscall_filter = _landlock_binding(), _syscall_filter()
        return cls(tuple(interpreter_paths(unreadable)), address_space(), landlock, syscall_filter)

    def apply(self, policy: Policy) -> dict[str, Layer]:
        """Confine the calling process for good, and return what each of `LAYERS` reached."""
        reached = dict.fromkeys((CLEAN_START, WATCH), Layer(State.ON))
        steps: dict[str, Callable[[], str]] = {
            "rlimits": lambda: _limit(policy.limits, self.address_space),
            "capabilities": _no_capabilities,
            "no_new_privs": _no_new_privs,
            "landlock": lambda: self._landlock(policy),
            "seccomp": self._seccomp,
        }
        for layer, step in steps.items():
            if layer not in policy.without:
                reached[layer] = _try(step)
        reached.update(dict.fromkeys(policy.without, Layer(State.LEFT_OUT)))
        return {layer: reached[layer] for layer in LAYERS}

    def _landlock(self, policy: Policy) -> str:
        landlock = self.landlock
        if isinstance(landlock, LayerMissing):
            raise landlock
        access = landlock.AccessFS
        read = access.READ_FILE | access.READ_DIR
        write = (
            read | access.WRITE_FILE | access.TRUNCATE | access.MAKE_REG | access.MAKE_DIR
            | access.REMOVE_FILE | access.REMOVE_DIR
        )  # fmt: skip
        with landlock.Ruleset(scoped=landlock.Scope.ABSTRACT_UNIX_SOCKET | landlock.Scope.SIGNAL) as ruleset:
            for path in (*self.interpreter_paths, *policy.readable):
                ruleset.allow_path(path, read if os.path.isdir(path) else access.READ_FILE)  # noqa: PTH112 - speed
            ruleset.allow_path("/dev/null", access.READ_FILE | access.WRITE_FILE)
            ruleset.allow_path(policy.scratch, write)
            ruleset.restrict(no_new_privs=False)  # a layer of its own
            return landlock_state(ruleset.abi_version)

    def _seccomp(self) -> str:
        if isinstance(self.syscall_filter, LayerMissing):
            raise self.syscall_filter
        self.syscall_filter.load()
        return ""


def _try(step: Callable[[], str]) -> Layer:
    try:
        return Layer(State.ON, step())
    except (LayerMissing, OSError) as error:
        return Layer(State.MISSING, str(error))


def interpreter_paths(unreadable: Collection[str]) -> list[str]:
    """List what Python itself reads: the standard library, installed packages, shared libraries.

    The packages that no worker may read are left out, so that it cannot read reference or checks.
    """
    sites = {Path(folder) for folder in (*site.getsitepackages(), site.getusersitepackages()) if Path(folder).is_dir()}
    stdlib = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    paths = [path for folder in stdlib | sites if folder.is_dir() for path in _readable_parts(folder, unreadable)]
    libraries = [
        Path(sys.base_prefix, "lib", name) for name in os.listdir(Path(sys.base_prefix, "lib")) if ".so" in name
    ]
    system = [Path(name) for name in SYSTEM_READABLE if Path(name).exists()]
    return sorted({str(path) for path in (*paths, *libraries, *system)})


def _readable_parts(folder: Path, unreadable: Collection[str]) -> list[Path]:
    """Return the folder, or, where it or its package folder holds what is unreadable, its other entries."""
    nested = [path for path in (folder / "site-packages", folder / "dist-packages") if path.is_dir()]
    hidden = {path for inside in (folder, *nested) for path in inside.glob("*") if path.name in unreadable}
    if folder.name in {"site-packages", "dist-packages"}:
        return [path for path in folder.iterdir() if path not in hidden] if hidden else [folder]
    if not any(path.parent in nested for path in hidden):
        return [folder]
    return [path for path in folder.iterdir() if path not in nested]


def landlock_state(version: int) -> str:
    """Name a version of Landlock, and what it lacks; the seccomp filter has no system call for any of that."""
    lacking = [name for name, since in ADDED_TO_LANDLOCK.items() if version < since]
    return f"ABI {version}, without {', '.join(lacking)}" if lacking else f"ABI {version}"


def _landlock_binding() -> Any:
    try:
        landlock = importlib.import_module("landlockpy")
    except ImportError as error:
        return LayerMissing(f"the package landlockpy cannot be imported ({error}); install it: pip install landlockpy")
    if not landlock.supported():
        return LayerMissing("this kernel has no Landlock, or it is disabled at boot; Linux 5.13 or later has it")
    return landlock


def _syscall_filter() -> Any:
    """Make a filter that lets through what numerical Python needs and answers EPERM to everything else.

    Processes cannot be started (threads can), sockets cannot be opened, other processes cannot be signalled, traced
    or limited.
    """
    try:
        seccomp = importlib.import_module("pyseccomp")
    except ImportError as error:
        return LayerMissing(f"the package pyseccomp cannot be imported ({error}); install it: pip install pyseccomp")
    except (OSError, RuntimeError) as error:
        return LayerMissing(f"libseccomp cannot be loaded ({error}); install the system package libseccomp2")
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    rules.set_attr(seccomp.Attr.CTL_NNP, 0)  # no_new_privs is a layer of its own
    for name in ALLOWED_SYSCALLS:
        rules.add_rule(seccomp.ALLOW, name)
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_OF_A_THREAD, CLONE_OF_A_THREAD))
    for command in ALLOWED_FCNTL:
        rules.add_rule(seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for command in PRETENDED_FCNTL:
        rules.add_rule(seccomp.ERRNO(0), "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for request in ALLOWED_IOCTL:
        rules.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.EQ, request))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # the C library then falls back to clone, whose flags show
    # A worker may ask for its limits, and not set any: with the second argument, the new limit, absent.
    rules.add_rule(seccomp.ALLOW, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(2, seccomp.EQ, 0))
    return rules


def _no_capabilities() -> str:
    """Give up what root may do and others may not; an ordinary user has nothing to give up."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise LayerMissing(os.strerror(ctypes.get_errno()))
    return ""


def _no_new_privs() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise LayerMissing(os.strerror(ctypes.get_errno()))
    return ""


def _limit(limits: Limits, mapped: int) -> str:
    wanted = {
        resource.RLIMIT_AS: mapped + limits.memory,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    limit(wanted, for_good=True)
    return ""
