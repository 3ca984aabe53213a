# What follows was added to the source above, to count the entries that its function reads.


def _servicex_counting(function):  # type: ignore[no-untyped-def]
    """The function, and another that gives the entries of all trees that it read last by uproot, each counted once.

    uproot is made to note each tree that arrays are read of: to open the file again costs as much as to read it. What
    is read otherwise is not counted.
    """
    import uproot

    entries: dict = {}  # type: ignore[type-arg]

    def run_query(file_path):  # type: ignore[no-untyped-def]
        entries.clear()
        return function(file_path)

    def entries_read(file_path):  # type: ignore[no-untyped-def]
        return sum(entries.values())

    _servicex_watch(uproot.behaviors.TBranch.HasBranches, ["arrays", "iterate"], entries)
    _servicex_watch(uproot.behaviors.TBranch.TBranch, ["array"], entries)
    if hasattr(uproot.behaviors.RNTuple, "HasFields"):
        _servicex_watch(uproot.behaviors.RNTuple.HasFields, ["arrays", "iterate"], entries)
        _servicex_watch(uproot.models.RNTuple.RField, ["array"], entries)
    return run_query, entries_read


def _servicex_watch(kind, names, entries):  # type: ignore[no-untyped-def]
    """Have these methods of a class of uproot's note in `entries` how many there are in the tree."""
    import functools

    def note(source):  # type: ignore[no-untyped-def]
        tree = getattr(source, "tree", None) or getattr(source, "ntuple", source)
        try:
            entries[tree.file.file_path, tree.object_path] = int(tree.num_entries)
        except AttributeError:
            pass

    def noting(method):  # type: ignore[no-untyped-def]
        @functools.wraps(method)
        def call(self, *arguments, **options):  # type: ignore[no-untyped-def]
            note(self)
            return method(self, *arguments, **options)
        return call

    for name in names:
        setattr(kind, name, noting(getattr(kind, name)))


run_query, entries_read = _servicex_counting(globals()["run_query"])
