"""`python -m tests.setup`: fetch all that the tests need. A second run finds everything there and takes a second."""
import subprocess
import sys

from tests.setup.axe import fetch_axe
from tests.setup.client import install_client
from tests.setup.code_generator import install_code_generator
from tests.setup.debian import install_programs
from tests.setup.finder_libraries import install_finder_libraries
from tests.setup.pip_install import InstallFailed
from tests.setup.samples import fetch_samples


def main() -> None:
    """Fetch everything; exits with 1 and the reason if PyPI does not give what is needed."""
    install_programs()
    try:
        install_client()
        install_finder_libraries()
        install_code_generator()
        fetch_samples()
        fetch_axe()
    except (InstallFailed, subprocess.CalledProcessError) as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
