"""A code generator on the real library, run by a Python that has it: `real_generator.py FOLDER`.

FOLDER becomes the working directory, where the library looks for `transformer_capabilities.json`; its file `port` says
where the generator listens. The selection is an order: `write FILE TEXT`, `image NAME`, `refuse WORDS`, `big BYTES`,
`sleep SECONDS`.
"""
import json
import os
import sys
import time
from pathlib import Path

from servicex_codegen import create_app
from servicex_codegen.code_generator import CodeGenerator, GenerateCodeException, GeneratedFileResult
from werkzeug.serving import make_server

CAPABILITIES = {"name": "real", "description": "", "limitations": "", "file-formats": ["root"],
                "stats-parser": "UprootStats", "language": "python", "command": "/generated/transform_single_file.py"}


class Obedient(CodeGenerator):
    """Does what the selection says."""

    def generate_code(self, query, cache_path):
        order, _, rest = query.partition(" ")
        folder = Path(cache_path) / "program"
        folder.mkdir()
        (folder / "transformer_capabilities.json").write_text(json.dumps(CAPABILITIES))
        if order == "refuse":
            raise GenerateCodeException(rest)
        if order == "write":
            name, _, text = rest.partition(" ")
            (folder / name).write_text(text)
        if order == "big":
            (folder / "big.bin").write_bytes(os.urandom(int(rest)))
        if order == "sleep":
            time.sleep(float(rest))
        return GeneratedFileResult("hash", str(folder), rest if order == "image" else None)


def main(folder):
    os.chdir(folder)
    Path("transformer_capabilities.json").write_text(json.dumps(CAPABILITIES))
    server = make_server("127.0.0.1", 0, create_app(provided_translator=Obedient()), threaded=True)
    Path("port.new").write_text(str(server.server_port))
    os.rename("port.new", "port")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
