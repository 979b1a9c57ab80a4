"""Run one program without network, rights, children or a writable disk: ``python -I jail.py SECONDS BYTES < PROGRAM``.

The standard library alone, as a process of its own runs this file. It leaves for namespaces of its own (user, mounts,
network, processes), in which the whole file system is read-only but for a small one in memory, and then becomes an
interpreter that has no rights there. Exits with the program's status, 124 where its time is over, 125 where the system
does not allow all of this: then nothing was run.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time

TIMED_OUT, UNAVAILABLE = 124, 125
NOBODY = 65534
ROOM = b"/tmp"
FILE_BYTES = 1 << 20
PROCESSES = 16

_NEW = 0x10000000 | 0x00020000 | 0x40000000 | 0x20000000 | 0x08000000
"""User, mount, network, process and IPC namespaces."""

_PRIVATE, _REC, _NOSUID, _NODEV = 1 << 18, 16384, 2, 4
_MOUNT_SETATTR, _HERE, _RECURSIVE = 442, -100, 0x8000
_ATTRIBUTES = 0x1 | 0x2 | 0x4
"""Read-only, without set-uid programs and without devices that can be opened anew."""

_DEATH_SIGNAL, _NO_NEW_RIGHTS, _SECCOMP, _FILTER = 1, 38, 22, 2

_REFUSED = {
    "x86_64": (0xC000003E, (56, 57, 58, 435, 101, 165, 272, 308)),
    "aarch64": (0xC00000B7, (220, 435, 117, 40, 97, 268)),
}
"""By machine: how the kernel calls it, and the numbers of the system calls that are refused.

They are clone, fork, vfork, clone3, ptrace, mount, unshare and setns. A limit on processes does not bind root, who the
program may be outside."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_OTHER_FORMS = 0x40000000
"""From this number on system calls are those of other forms of the machine."""


class _Attributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace"))


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def refuse_calls() -> None:
    """Refuse the system calls that make processes or namespaces, for good.

    Raises:
        OSError: the system does not allow it, or the machine is of another kind.
    """
    machine = os.uname().machine
    if machine not in _REFUSED:
        raise OSError(f"no list of system calls for {machine}")
    name, numbers = _REFUSED[machine]
    checks = [_Step(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    steps = [
        _Step(_LOAD, 0, 0, 4),
        _Step(_EQUAL, 1, 0, name),
        _Step(_RETURN, 0, 0, _KILL),
        _Step(_LOAD, 0, 0, 0),
        _Step(_AT_LEAST, len(numbers) + 1, 0, _OTHER_FORMS),
        *checks,
        _Step(_RETURN, 0, 0, _ALLOW),
        _Step(_RETURN, 0, 0, _REFUSE),
    ]
    wanted = _Filter(len(steps), (_Step * len(steps))(*steps))
    _call("prctl", _SECCOMP, _FILTER, ctypes.byref(wanted), 0, 0)


def leave() -> None:
    """Enter the namespaces, and make all file systems read-only.

    Raises:
        OSError: the system does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _NEW)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    _call("mount", b"none", b"/", None, _REC | _PRIVATE, None)
    wanted = _Attributes(set=_ATTRIBUTES)
    _call("syscall", _MOUNT_SETATTR, _HERE, b"/", _RECURSIVE, ctypes.byref(wanted), ctypes.sizeof(wanted))
    _call("mount", b"tmpfs", ROOM, b"tmpfs", _NOSUID | _NODEV, b"size=16m,mode=777")
    os.chdir(ROOM)


def become(program: str, seconds: int, memory: int) -> None:
    """Limit this process and let it become the program's interpreter."""
    _call("prctl", _DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    _call("prctl", _NO_NEW_RIGHTS, 1, 0, 0, 0)
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NPROC: PROCESSES,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    refuse_calls()
    os.execve(sys.executable, [sys.executable, "-I", "-c", program], {"PATH": "/usr/bin:/bin", "HOME": "/tmp"})


def wait(child: int, seconds: float) -> int:
    """The status of the program; after so many seconds it is killed with all that it started."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMED_OUT


def main() -> int:
    """Run the program on standard input."""
    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    program = sys.stdin.read()
    try:
        leave()
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"{error}\n")
        return UNAVAILABLE
    child = os.fork()
    if child == 0:
        try:
            become(program, seconds, memory)
        except (OSError, ValueError) as error:
            os.write(2, f"{error}\n".encode())
        finally:
            os._exit(UNAVAILABLE)
    status = wait(child, seconds)
    return status if status >= 0 else 128 - status


def _call(name: str, *arguments: object) -> None:
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main())
