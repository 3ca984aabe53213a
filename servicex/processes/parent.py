"""The program of the warm parent. It must stay single-threaded: it forks.

It reads requests from one socket, its file descriptor given on the command line. A request is a message together with
three file descriptors: the child's socket, the end of the log pipe that the child writes, and the end of the status
pipe on which this process tells what becomes of the child. On that pipe one line gives the child's pid, and a second
one its wait status when it ended. When the request socket closes, the server is gone: all children are killed.
"""
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time

from servicex.processes import forked, linux
from servicex.processes.messages import Message, decode, encode

_HEADER = 4
_ALL_DEAD_WITHIN = 1.5


class WarmParent:
    """The loop of the warm parent: fork what is asked for, tell what ended, until the server is gone."""

    def __init__(self, control: socket.socket):
        self._control = control
        self._status: dict[int, int] = {}
        self._wakeup, self._alarm = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._alarm, False)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Serve requests until the server closes the socket."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wakeup, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wakeup in ready:
                self._drain_wakeup()
                self._bury()
            if self._control.fileno() in ready and not self._serve_request():
                return

    def end(self) -> None:
        """Kill all children with theirs: those that left their group are found as soon as they are orphans."""
        for pid in self._status:
            _kill_group(pid)
        deadline = time.monotonic() + _ALL_DEAD_WITHIN
        while (children := linux.children_of(os.getpid())) and time.monotonic() < deadline:
            for pid in children:
                _kill(pid)
            self._bury()
            time.sleep(0.01)

    def _serve_request(self) -> bool:
        try:
            request = _receive_request(self._control)
        except ConnectionError:  # the server was killed, and had not read all that it was sent
            return False
        if request is None:
            return False
        self._fork(*request)
        return True

    def _fork(self, request: Message, sock: int, log: int, status: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._close_in_child(status)
            forked.run(request["target"], socket.socket(fileno=sock), log, request["memory_limit"], parent)
        os.close(sock)
        os.close(log)
        self._status[pid] = status
        _tell(status, pid)

    def _close_in_child(self, status: int) -> None:
        # A copy left open in a child would hide the end of this process from the server.
        self._control.close()
        for descriptor in (self._wakeup, self._alarm, status, *self._status.values()):
            os.close(descriptor)

    def _drain_wakeup(self) -> None:
        try:
            while os.read(self._wakeup, 512):
                pass
        except BlockingIOError:
            pass

    def _bury(self) -> None:
        """Tell the server of the children that ended, and kill what they left running."""
        while (ended := _ended_child()) is not None:
            pid, wait_status = ended
            _kill_group(pid)
            self._tell_end(pid, wait_status)
            _reap(pid)
        for pid in linux.children_of(os.getpid()):
            if pid not in self._status:
                # An orphan that left its group to outlive its child.
                _kill(pid)

    def _tell_end(self, pid: int, wait_status: int) -> None:
        descriptor = self._status.pop(pid, None)
        if descriptor is not None:
            _tell(descriptor, wait_status)
            os.close(descriptor)


def _receive_request(control: socket.socket) -> tuple[Message, int, int, int] | None:
    header, descriptors, _, _ = socket.recv_fds(control, _HEADER, 3)
    while header and len(header) < _HEADER:
        header += control.recv(_HEADER - len(header))
    if not header:
        return None
    body = control.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)
    sock, log, status = descriptors
    return decode(body), sock, log, status


def _ended_child() -> tuple[int, int] | None:
    """The pid and wait status of a child that ended, None if no other did.

    Where the system allows it the child is not reaped yet: until then no other process can get its number, so that
    whoever was not told of its end may still kill it by that number.
    """
    try:
        if not hasattr(os, "waitid"):
            pid, status = os.waitpid(-1, os.WNOHANG)
            return (pid, status) if pid else None
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    return ended.si_pid, ended.si_status << 8 if ended.si_code == os.CLD_EXITED else ended.si_status


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # `_ended_child` had to reap it.
        pass


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        # Nothing of it is left, or (a child killed before its setsid) it never was.
        pass


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _tell(descriptor: int, number: int) -> None:
    try:
        os.write(descriptor, b"%d\n" % number)
    except OSError:
        # The server has let go of this child.
        pass


def _preload(modules: list[str]) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            # A child that needs it will say so itself.
            print(f"servicex: cannot load {module} beforehand: {error!r}", file=sys.stderr)


def main(arguments: list[str]) -> None:
    """Be the warm parent; `arguments` are the socket's file descriptor and a JSON list of modules to import."""
    # Ctrl-C and a service's stop signal go to every process; this one ends when its server does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    descriptor, modules = arguments
    del sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    linux.adopt_orphans()
    linux.gain_nothing()
    linux.hide()  # its children run as the same user
    _preload(json.loads(modules))
    # Pages that the collector never visits stay shared with the children.
    gc.collect()
    gc.freeze()
    parent = WarmParent(control)
    try:
        control.sendall(encode({"warm": True}))
    except OSError:
        return  # the server ended meanwhile
    try:
        parent.serve()
    finally:
        parent.end()


if __name__ == "__main__":
    main(sys.argv[1:])
