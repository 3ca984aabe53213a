# What follows was added to the source above, to count the entries that its function reads.


def _servicex_counting(function):  # type: ignore[no-untyped-def]
    """The function, and another that gives the entries of all trees that it read last by uproot, each counted once.

    uproot is made to note each tree that arrays are read of: to open the file again costs as much as to read it. What
    is read otherwise is not counted.
    """
    import functools

    import uproot

    entries: dict = {}  # type: ignore[type-arg]

    def run_query(file_path):  # type: ignore[no-untyped-def]
        entries.clear()
        return function(file_path)

    def entries_read(file_path):  # type: ignore[no-untyped-def]
        return sum(entries.values())

    def watch(kind, name):  # type: ignore[no-untyped-def]
        method = getattr(kind, name)

        @functools.wraps(method)
        def noting(self, *arguments, **options):  # type: ignore[no-untyped-def]
            note(self)
            return method(self, *arguments, **options)

        setattr(kind, name, noting)

    def note(source):  # type: ignore[no-untyped-def]
        tree = getattr(source, "tree", None) or getattr(source, "ntuple", source)
        try:
            entries[tree.file.file_path, tree.object_path] = int(tree.num_entries)
        except AttributeError:
            pass

    watch(uproot.behaviors.TBranch.HasBranches, "arrays")
    watch(uproot.behaviors.TBranch.HasBranches, "iterate")
    watch(uproot.behaviors.TBranch.TBranch, "array")
    if hasattr(uproot.behaviors.RNTuple, "HasFields"):
        watch(uproot.behaviors.RNTuple.HasFields, "arrays")
        watch(uproot.behaviors.RNTuple.HasFields, "iterate")
        watch(uproot.models.RNTuple.RField, "array")
    return run_query, entries_read


run_query, entries_read = _servicex_counting(globals()["run_query"])
