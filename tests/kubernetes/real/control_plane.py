"""A real control plane: etcd, API server and controller manager, on free ports of 127.0.0.1. There are no nodes."""
import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import urllib3

from tests.kubernetes.cluster import Access
from tests.kubernetes.real.programs import program
from tests.private_rabbitmq import free_port

START_SECONDS = 90.0
OLD_VERSIONS = 10
# What is started ends even if the tests are killed.
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
# Users who are given rights in the namespaces of tests; a test can have as many.
LIMITED_USERS = 8
CONTROLLERS = "deployment,replicaset,garbagecollector,namespace,resourcequota"


class ControlPlane:
    """A context manager. `access` is that of a user who may do everything, `limited` those who are given rights.

    Pods stay as they are made: no scheduler, no nodes. They may be bound to a node and given a status by hand.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="servicex-kubernetes-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports = {name: free_port() for name in ("etcd", "peers", "api", "controllers")}
        self._tokens = [secrets.token_hex(16) for _ in range(1 + LIMITED_USERS)]
        self.access = self._access_of(self._tokens[0])
        self.limited = {f"limited-{number}": self._access_of(token)
                        for number, token in enumerate(self._tokens[1:], 1)}

    def __enter__(self) -> "ControlPlane":
        try:
            self._start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """End all, last things first, and remove what they left: nothing is to be kept."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _access_of(self, token: str) -> Access:
        return Access(f"https://127.0.0.1:{self._ports['api']}", token, self._folder / "certificates" / "apiserver.crt")

    def _start(self) -> None:
        self._write_keys()
        self._run("etcd", self._etcd_options())
        self._age()
        self._run("kube-apiserver", self._api_server_options())
        self._wait()
        kubeconfig = self._folder / "kubeconfig"
        kubeconfig.write_text(self.access.kubeconfig("default"))
        self._run("kube-controller-manager", {
            "kubeconfig": str(kubeconfig), "controllers": CONTROLLERS, "leader-elect": "false", "port": "0",
            "bind-address": "127.0.0.1", "secure-port": str(self._ports["controllers"]),
            "cert-dir": str(self._folder / "controllers")})

    def _age(self) -> None:
        """Let etcd count some versions, so that there are some before all that the API server will know of."""
        end = time.monotonic() + START_SECONDS
        address, written = f"http://127.0.0.1:{self._ports['etcd']}/v3/kv/put", 0
        while written < OLD_VERSIONS:
            assert time.monotonic() < end, "etcd does not start"
            try:
                answer = urllib3.request("POST", address, json={"key": "b2xk"}, timeout=5.0, retries=False)
                written += answer.status == 200
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)

    def _etcd_options(self) -> dict[str, str]:
        mine, peers = (f"http://127.0.0.1:{self._ports[name]}" for name in ("etcd", "peers"))
        return {"name": "tests", "data-dir": str(self._folder / "etcd"), "listen-client-urls": mine,
                "advertise-client-urls": mine, "listen-peer-urls": peers, "initial-advertise-peer-urls": peers,
                "initial-cluster": f"tests={peers}", "logger": "zap"}

    def _api_server_options(self) -> dict[str, str]:
        """It makes a certificate for itself. Accounts of pods are left out: without nodes nobody needs them."""
        key = str(self._folder / "accounts.key")
        return {"etcd-servers": f"http://127.0.0.1:{self._ports['etcd']}", "bind-address": "127.0.0.1",
                "advertise-address": "127.0.0.1", "endpoint-reconciler-type": "none",
                "secure-port": str(self._ports["api"]), "cert-dir": str(self._folder / "certificates"),
                "token-auth-file": str(self._folder / "tokens.csv"), "authorization-mode": "RBAC",
                "service-account-issuer": "https://tests.invalid", "service-account-key-file": key,
                "service-account-signing-key-file": key, "service-cluster-ip-range": "10.0.0.0/24",
                "disable-admission-plugins": "ServiceAccount"}

    def _write_keys(self) -> None:
        users = ['tester,0,"system:masters"', *(f"{name},{name}" for name in self.limited)]
        tokens = self._folder / "tokens.csv"
        tokens.write_text("".join(f"{token},{user}\n" for token, user in zip(self._tokens, users, strict=True)))
        subprocess.run(["openssl", "genrsa", "-out", str(self._folder / "accounts.key"), "2048"], check=True,
                       capture_output=True, timeout=60)

    def _run(self, name: str, options: dict[str, str]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes.append(subprocess.Popen(
                [*DIE_WITH_US, str(program(name)), *(f"--{option}={value}" for option, value in options.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, env={"HOME": str(self._folder)}))

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and all(process.poll() is None for process in self._processes):
            if self._is_ready():
                return
            time.sleep(0.2)
        told = "".join(f"\n{log.name}: {log.read_text(errors='replace')[-1500:]}"
                       for log in self._folder.glob("*.log"))
        raise RuntimeError(f"the real Kubernetes API server did not start:{told}")

    def _is_ready(self) -> bool:
        authority = self.access.authority
        if authority is None or not authority.exists():
            return False
        with urllib3.PoolManager(ca_certs=str(authority)) as pool:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                return pool.request("GET", f"{self.access.url}/readyz", timeout=5.0, retries=False, headers={
                    "Authorization": f"Bearer {self.access.token}"}).status == 200
        return False
