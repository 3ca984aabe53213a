"""`python -m tests.kubernetes.real.build`: make a real Kubernetes API server and controller manager, once a machine.

They are made of Debian's source package with Debian's Go, and run on Debian's etcd. All of it is unpacked into one
folder: nothing is installed, and neither root nor a change to the machine's package sources is needed. A second run
finds them there; one that was broken off goes on where it was.
"""
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.kubernetes.real.programs import BUILT, NAMES, are_built, program
from tests.setup.places import kubernetes_folder

# The last release of Debian with the package, and the version that it says it is.
SUITE, VERSION = "bookworm", "1.20.2"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = ("golang-1.19-go", "golang-1.19-src", "etcd-server")
SOURCE = "kubernetes"
NEEDED = ("apt-get", "dpkg-deb", "dpkg-source", "make", "openssl", "bash", "nice", "setpriv")


class BuildFailed(Exception):
    """A step failed: which, and its last words."""


def main() -> None:
    """Make what is missing; exits with 1 and the reason if that fails."""
    if are_built():
        print(f"A real Kubernetes API server is in {kubernetes_folder() / 'bin'}", flush=True)
        return
    try:
        _build(kubernetes_folder())
    except BuildFailed as failure:
        sys.exit(str(failure))


def _build(folder: Path) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not Path(KEYRING).exists():
        raise BuildFailed(f"A real Kubernetes is built on Debian; not here: {', '.join(missing) or KEYRING}. "
                          "apt-get install dpkg-dev make openssl debian-archive-keyring")
    folder.mkdir(parents=True, exist_ok=True)
    _say("fetching Debian's source package of Kubernetes, its Go and its etcd (125 MB)")
    _fetch(folder)
    _say("unpacking")
    _unpack(folder)
    _say("building kube-apiserver and kube-controller-manager (five to ten minutes on two cores)")
    _compile(folder)
    _keep(folder)


def _fetch(folder: Path) -> None:
    """With package lists of its own, so that the machine's stay as they are."""
    downloads = folder / "downloads"
    if (downloads / "complete").exists():
        return
    for made in (folder / "apt" / "lists" / "partial", downloads):
        made.mkdir(parents=True, exist_ok=True)
    sources = folder / "apt" / "sources.list"
    sources.write_text("".join(f"{kind} [signed-by={KEYRING}] {MIRROR} {SUITE} main\n" for kind in ("deb", "deb-src")))
    options = [f"-oDir::Etc::sourcelist={sources}", "-oDir::Etc::sourceparts=-", f"-oDir::Cache={folder / 'apt'}",
               f"-oDir::State::lists={folder / 'apt' / 'lists'}", "-oAPT::Sandbox::User="]
    _run(folder, ["apt-get", "-q", *options, "update"])
    _run(downloads, ["apt-get", "-q", *options, "download", *PACKAGES])
    _run(downloads, ["apt-get", "-q", *options, "source", "--download-only", SOURCE])
    (downloads / "complete").touch()


def _unpack(folder: Path) -> None:
    if (folder / "source").exists():
        return
    for package in sorted((folder / "downloads").glob("*.deb")):
        _run(folder, ["dpkg-deb", "-x", str(package), str(folder / "root")])
    part = folder / "source.part"
    shutil.rmtree(part, ignore_errors=True)
    described = next((folder / "downloads").glob(f"{SOURCE}_*.dsc"))
    _run(folder, ["dpkg-source", "-q", "--no-check", "--no-copy", "-x", str(described), str(part)])
    part.rename(folder / "source")


def _compile(folder: Path) -> None:
    """With the machine's other work first: it takes all cores."""
    workspace = folder / "source" / ".go" / "src" / "k8s.io"
    workspace.mkdir(parents=True, exist_ok=True)
    if not (workspace / SOURCE).is_symlink():
        (workspace / SOURCE).symlink_to("../../..")
    major, minor, _ = VERSION.split(".")
    named = folder / "version"
    named.write_text(f"KUBE_GIT_COMMIT='unknown'\nKUBE_GIT_TREE_STATE='archive'\nKUBE_GIT_VERSION='v{VERSION}'\n"
                     f"KUBE_GIT_MAJOR='{major}'\nKUBE_GIT_MINOR='{minor}'\n")
    environment = {"PATH": f"{folder}/root/usr/lib/go-1.19/bin:/usr/bin:/bin", "HOME": str(folder), "GOPROXY": "off",
                   "GOPATH": str(folder / "source" / ".go"), "CGO_ENABLED": "0", "KUBE_GIT_VERSION_FILE": str(named)}
    _run(workspace / SOURCE, ["nice", "-n", "10", "make", f"WHAT={' '.join(f'cmd/{name}' for name in BUILT)}"],
         environment)


def _keep(folder: Path) -> None:
    """Keep the programs, each put there whole, and drop the gigabytes they were made of."""
    program("etcd").parent.mkdir(exist_ok=True)
    for name in NAMES:
        made = folder / ("root/usr/bin" if name == "etcd" else "source/_output/bin") / name
        part = program(name).with_suffix(".part")
        shutil.copy(os.path.realpath(made), part)
        part.rename(program(name))
    for name in ("source", "root", "downloads", "apt", "version"):
        left = folder / name
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
    _say(f"done: {program('etcd').parent}")


def _run(where: Path, command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        raise BuildFailed(f"{' '.join(command)} failed; its last words:\n{done.stdout[-3000:]}")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main()
