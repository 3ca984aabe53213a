"""The words of FuncADL, and those of `programs/funcadl_values.py` that they become."""
import ast

import qastle

# What the events of the file are called in the program.
DATASET = "all_events"

# Those that take a list and a lambda, and those that take a list and perhaps a value: their words in the program.
LOOPS: dict[type[ast.AST], tuple[str, str]] = {
    qastle.Select: ("select", "selector"), qastle.SelectMany: ("select_many", "selector"),
    qastle.Where: ("where", "predicate"), qastle.Any: ("any_of", "predicate"), qastle.All: ("all_of", "predicate"),
    qastle.OrderBy: ("order_by", "key_selector"), qastle.OrderByDescending: ("order_by_descending", "key_selector")}
OPERATORS: dict[type[ast.AST], str] = {
    qastle.First: "first", qastle.Last: "last", qastle.ElementAt: "element_at", qastle.Contains: "contains",
    qastle.Count: "count", qastle.Max: "largest", qastle.Min: "smallest", qastle.Sum: "total",
    qastle.Concat: "concatenated", qastle.Zip: "zipped", qastle.Choose: "combinations"}
OTHERS = ("four_vector", "method", "both", "either", "negated", "if_else")
WORDS = frozenset({DATASET, *OTHERS, *OPERATORS.values(), *(word for word, _ in LOOPS.values())})
