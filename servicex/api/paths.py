"""Which paths are for whom."""
# What the paths begin with that programs ask for; all others are pages for people.
PROGRAMS = ("/servicex", "/token/refresh", "/users", "/pending", "/accept", "/device/code", "/device/token", "/slack",
            "/multiple-codegen-list", "/livez", "/readyz", "/apidoc/openapi.json")
# What needs no account and changes nothing.
PUBLIC = frozenset({"/servicex", "/apidoc", "/apidoc/openapi.json"})
# What no browser has to do with.
INTERNAL = ("/servicex/internal", "/device", "/slack", "/livez", "/readyz")


def for_programs(path: str) -> bool:
    """Whether programs ask for it, rather than people with a browser."""
    return _below(path, PROGRAMS)


def for_other_pages(path: str) -> bool:
    """Whether it is part of the API that scripts of pages elsewhere can be allowed to use."""
    return (for_programs(path) or path in PUBLIC) and not _below(path, INTERNAL)


def _below(path: str, beginnings: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in beginnings)
