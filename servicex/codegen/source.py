"""The ready-made modules that generated programs are put together from."""
import importlib.resources


def runtime(module: str) -> str:
    """The source of a module of `servicex.codegen.programs`."""
    return importlib.resources.files("servicex.codegen.programs").joinpath(f"{module}.py").read_text(encoding="utf-8")
