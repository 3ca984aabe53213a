"""Python functions that misbehave, each with what is to be said of it.

A function is handed a path and returns columns; the source around it is run in the worker as well, so that it can
replace the part of the program that writes the output.
"""
import textwrap
from dataclasses import dataclass

# Seconds: so long, and by this number to be told from anybody else's.
SLEEPERS = "471147"
GOOD = "return {'x': [1.0, 2.0]}"


@dataclass(frozen=True)
class Program:
    """A source, and how its transform over one file must end: an empty `error_class` is success.

    `attempts` is 0 where it depends on which of two limits is met first.
    """

    source: str
    error_class: str = ""
    words: str = ""
    attempts: int = 1


def function(body: str, before: str = "") -> str:
    """The source of a function with this body."""
    return (f"import array, ctypes, gc, mmap, os, resource, shutil, signal, subprocess, sys, threading, time\n"
            f"import numpy as np\n{textwrap.dedent(before)}\n"
            f"def run_query(input_filenames=None):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n")


def writing(body: str) -> str:
    """The source of a program that writes its output, `out`, in its own way."""
    return function(GOOD, f"""
def write(pieces, out):
    list(pieces)
{textwrap.indent(textwrap.dedent(body), '    ')}

runner = sys.modules["transform_single_file"]
runner.WRITERS = dict.fromkeys(runner.WRITERS, write)
runner.os = type(sys)("os")
runner.os.path = type(sys)("path")
runner.os.path.getsize = lambda path: 1
""")


OUTPUT = "out = sys._getframe(2).f_locals['output_path']\n"

PROGRAMS = {
    "raises": Program(function("raise ValueError('no such muon')"), "ValueError", "no such muon"),
    "raises what cannot be shown": Program(function("raise Bad()", """
class Bad(Exception):
    def __str__(self):
        raise RuntimeError("not even this")
    """), "Bad", "(its message cannot be shown)"),
    "raises a novel": Program(function("raise ValueError('x' * 10**7)"), "ValueError", "xxx..."),
    "raises NUL and surrogates": Program(function(r"raise ValueError('a\0b\ud800c')"), "ValueError", "a?b?c"),
    "fails at its import": Program("import no_such_module\ndef run_query(f): pass", "ModuleNotFoundError",
                                   "no_such_module"),
    "interrupts": Program(function("raise KeyboardInterrupt"), "KeyboardInterrupt", ""),
    "recurses": Program(function("run_query(input_filenames)"), "RecursionError", "recursion"),
    "exits by sys.exit": Program(function("sys.exit('enough')"), "SystemExit", "sys.exit(enough)"),
    "exits with 0": Program(function("os._exit(0)"), "WorkerDied", "exited with code 0", 2),
    "exits with 3": Program(function("os._exit(3)"), "WorkerDied", "exited with code 3", 2),
    "kills itself": Program(function("os.kill(os.getpid(), signal.SIGKILL)"), "WorkerDied", "SIGKILL", 2),
    "stops itself": Program(function("os.kill(os.getpid(), signal.SIGSTOP)"), "DeadlineExceeded", "deadline of 8 s", 2),
    "breaks memory": Program(function("ctypes.string_at(0)"), "WorkerDied", "SIGSEGV", 2),
    "loops": Program(function("while True: pass"), "DeadlineExceeded", "deadline of 8 s", 2),
    "loops deaf to all signals": Program(function("""
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: pass"""), "DeadlineExceeded", "deadline of 8 s", 2),
    "sleeps": Program(function("time.sleep(10**6)"), "DeadlineExceeded", "deadline of 8 s", 2),
    "eats memory at once": Program(function("return {'x': np.ones(2**27)}"), "MemoryLimitExceeded", "memory"),
    "eats memory slowly": Program(function("""
        kept = []
        while True:
            kept.append(np.ones(2**21))
            time.sleep(0.02)"""), "MemoryLimitExceeded", "memory", 0),
    "eats shared memory": Program(function("""
        kept = mmap.mmap(-1, 2**30)
        for _ in range(2**6):
            kept.write(b'x' * 2**24)
            time.sleep(0.02)
        time.sleep(60)"""), "MemoryLimitExceeded", "exceeded its memory limit of 0.5 GiB", 2),
    "eats memory in its children": Program(function("""
        for _ in range(8):
            subprocess.Popen([sys.executable, '-c', "x = b'x' * 2**27; import time; time.sleep(60)"])
        time.sleep(60)"""), "MemoryLimitExceeded", "exceeded its memory limit of 0.5 GiB", 2),
    "prints 100 MB": Program(function(f"os.write(1, b'x' * 10**8)\nprint()\n{GOOD}")),
    "prints 100 MB of errors in lines": Program(function(f"""
        for _ in range(100):
            sys.stderr.write('line\\n' * 200_000)
        {GOOD}""")),
    "prints 100 MB and fails": Program(function("""
        for _ in range(100):
            print('y' * 10**6)
        print('the last words')
        raise ValueError('after all that')"""), "ValueError", "after all that"),
    "closes its output": Program(function(f"os.close(1)\nos.close(2)\n{GOOD}")),
    "prints to closed output": Program(function("sys.stdout.close()\nprint('x')"), "ValueError", "closed file"),
    "closes everything": Program(function("os.closerange(0, 1024)\ntime.sleep(60)"), "WorkerDied",
                                 "closed its connection", 2),
    "returns None": Program(function("return None"), "TypeError", "returned None"),
    "returns text": Program(function("return 'seven'")),
    "returns an object": Program(function("return object()"), "TypeError", "builtins.object"),
    "returns itself": Program(function("return run_query"), "TypeError", "function"),
    "returns a ragged table": Program(function("return {'a': [1, 2], 'b': [1]}"), "TypeError", "equally long"),
    "returns no columns": Program(function("return {}"), "TypeError", "without columns"),
    "returns a list within itself": Program(function("it = []\nit.append(it)\nreturn it"), "WorkerDied", "SIGSEGV", 2),
    "leaves threads": Program(function(f"""
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(10**6,)).start()
        {GOOD}""")),
    "goes elsewhere": Program(function(f"os.chdir('/')\n{GOOD}")),
    "leaves children": Program(function(f"""
        subprocess.Popen(['sleep', '{SLEEPERS}'])
        subprocess.Popen(['sleep', '{SLEEPERS}'], start_new_session=True)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp('sleep', ['sleep', '{SLEEPERS}'])
            os._exit(0)
        {GOOD}""")),
    "deletes the folder of its output": Program(function(OUTPUT + f"shutil.rmtree(os.path.dirname(out))\n{GOOD}"),
                                                "FileNotFoundError", "No such file"),
    "writes nothing": Program(writing("pass"), "NoOutput", "without writing its output file"),
    "writes 0 bytes": Program(writing("open(out, 'w').close()"), "NoOutput", "is empty"),
    "links to a secret": Program(writing("os.symlink('/etc/passwd', out)"), "NoOutput", "no regular output file"),
    "links to nowhere": Program(writing("os.symlink('/nowhere', out)"), "NoOutput", "without writing"),
    "makes a folder": Program(writing("os.makedirs(out + '/deep/er')"), "NoOutput", "without writing"),
    "makes a pipe": Program(writing("os.mkfifo(out)"), "NoOutput", "without writing"),
    "swaps its output for a pipe": Program(writing("""
        open(out, 'w').write('x')
        def swap():
            os.unlink(out)
            os.mkfifo(out)
        runner.os.path.getsize = lambda path: threading.Timer(0.0, swap).start() or time.sleep(0.2) or 1
        """), "NoOutput", "without writing"),
}
