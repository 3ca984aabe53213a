"""What the tests' children run; imported by the children from this folder."""
import json
import mmap
import os
import random
import signal
import subprocess
import sys
import time


def echo(connection):
    while True:
        connection.send({"echo": connection.receive()})


def silent(connection):
    time.sleep(60)


def exit_three(connection):
    connection.receive()
    os._exit(3)


def kill_itself(connection):
    connection.receive()
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error(connection):
    raise LookupError("nothing of the kind")


def print_much(connection):
    connection.receive()
    line = b"x" * 999 + b"\n"
    block = line * 1000
    for _ in range(100):
        os.write(1, block)
    print("the last line")
    connection.send({"printed": True})


def print_odd(connection):
    os.write(2, b"10%\r20%\r\n\x1b[31mred\x00 \xff caf\xc3\xa9\n")
    connection.send({"printed": True})


def send_garbage(connection):
    connection._socket.sendall(b"\0\0\0\5hello")
    time.sleep(60)


def send_nested(connection):
    body = b"[" * 100_000
    connection._socket.sendall(len(body).to_bytes(4, "big") + body)
    time.sleep(60)


def announce_too_much(connection):
    connection._socket.sendall(b"\xff\xff\xff\xff")
    time.sleep(60)


def close_connection(connection):
    connection._socket.close()
    time.sleep(60)


def environment(connection):
    def environ_of(pid):
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().decode(errors="replace")
    connection.send({
        "os": dict(os.environ), "own": environ_of("self"), "parent": environ_of(os.getppid()),
        "descriptors": [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
                        if os.path.lexists(f"/proc/self/fd/{name}")]})


def numbers(connection):
    import numpy
    connection.send({"random": random.random(), "numpy": numpy.random.random()})


def ask_for_memory(connection):
    size = connection.receive()["size"]
    try:
        block = b"x" * size
    except MemoryError:
        connection.send({"refused": True})
    else:
        connection.send({"refused": False, "length": len(block)})


def fill_shared_memory(connection):
    """No limit of the system counts it; only who looks sees it."""
    shared = mmap.mmap(-1, 400_000_000)
    for _ in range(400):
        shared.write(b"x" * 1_000_000)
    time.sleep(60)


def grow_in_grandchildren(connection):
    """Each stays below the limit, together they do not."""
    script = "import time; block = b'x' * 200_000_000; time.sleep(60)"
    both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    both[0].wait()


def spawn_sleepers(connection):
    plain = subprocess.Popen(["sleep", "61"])
    escaped = subprocess.Popen(["sleep", "62"], start_new_session=True)
    connection.send({"pids": [plain.pid, escaped.pid]})
    connection.receive()


def leave_orphan(connection):
    """A daemon by the book: its parent ends at once, and it has a session of its own."""
    script = "import os\nif os.fork(): os._exit(0)\nprint(os.getpid(), flush=True)\nos.execvp('sleep', ['sleep', '63'])"
    daemon = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    pid = int(daemon.stdout.readline())
    daemon.wait()
    connection.send({"pids": [pid]})
    connection.receive()


def kill_parent(connection):
    connection.receive()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def stop_parent(connection):
    connection.receive()
    os.kill(os.getppid(), signal.SIGSTOP)
    connection.send({"stopped": True})
    time.sleep(60)


def modules(connection):
    connection.send({"modules": json.loads(json.dumps(sorted(sys.modules)))})
