# What FuncADL's words mean. Every variable of a query stands for many things at once: `e` for all events, `j` in
# `e.jets.Select(lambda j: ...)` for the jets of all events, laid end to end. These are a Level; what is computed for
# each of them is a Value. Two values of different levels meet at the inner one: that of the outer is repeated for each
# element of its list. So no function here ever has to know how deep in the query it is used.
#
# A missing value (the largest of an empty list, the first of none) stays missing in all that is computed of it, and
# what it decides is not chosen: a Where drops an event or an element whose condition is missing. `and` and `or` treat
# it as SQL does.
#
# The module follows another one in each program: it can have no docstring and no `from __future__`.
import functools
import typing

import awkward as ak
import numpy as np


class Level:
    """Things that a variable stands for, and to which one of the outer level each of them belongs (`owners`)."""

    def __init__(self, outer: "typing.Optional[Level]", counts: typing.Any):
        self.outer = outer
        self.counts = counts
        self.owners = np.repeat(np.arange(len(counts)), counts)
        self.depth: int = 0 if outer is None else outer.depth + 1

    def owners_at(self, outer: "Level") -> typing.Any:
        """For each thing of this level, the one of a level further out that it belongs to."""
        owners, level = self.owners, self.outer
        while level is not None and level is not outer:
            owners, level = level.owners[owners], level.outer
        return owners


# The one thing that all events belong to: the file.
FILE = Level(None, np.array([1]))


class Value(np.lib.mixins.NDArrayOperatorsMixin):
    """One element of `data`, an awkward array, for each thing of `level`."""

    def __init__(self, level: Level, data: typing.Any):
        self.level = level
        self.data = data

    def __array_ufunc__(self, function: typing.Any, kind: str, *inputs: typing.Any, **options: typing.Any) -> "Value":
        if kind != "__call__" or options:
            raise TypeError(f"{function.__name__} cannot be used like this in a query")
        return apply(function, *inputs)

    def __array_function__(self, function: typing.Any, types: typing.Any, inputs: typing.Any,
                           options: typing.Any) -> "Value":
        return apply(function, *inputs, **options)

    def __getitem__(self, key: typing.Any) -> "Value":
        if isinstance(key, str):
            return Value(self.level, _field(self.data, key))
        if self.data.fields and self.data.ndim == 1 and isinstance(key, int):
            return Value(self.level, self.data[self.data.fields[key]])
        return element_at(self, key)

    def __bool__(self) -> bool:
        raise TypeError("a value of every event cannot be true or false as a whole")


def _field(data: typing.Any, name: str) -> typing.Any:
    if name in data.fields:
        return data[name]
    if _is_vector(data) and not name.startswith("_"):
        return getattr(data, name)
    names = ", ".join(data.fields[:50]) or "no name at all, but plain values"
    raise KeyError(f"there is no {name!r}; there is {names}")


def _is_vector(data: typing.Any) -> bool:
    return data.layout.purelist_parameter("__record__") is not None


# How values of different levels meet

def apply(function: typing.Any, *inputs: typing.Any, **options: typing.Any) -> Value:
    """What a function of arrays gives for values."""
    level = _deepest(*inputs)
    data = function(*[_array(value, level) if isinstance(value, (Value, dict, tuple, list)) else value
                      for value in inputs], **options)
    return Value(level, ak.zip(data, depth_limit=1) if isinstance(data, tuple) else data)


def _deepest(*things: typing.Any) -> Level:
    """The innermost of the levels of the things; they all lie on one line, as their variables do in the query."""
    return max((level for thing in things for level in _levels(thing)), key=lambda level: level.depth, default=FILE)


def _levels(thing: typing.Any) -> "typing.Iterator[Level]":
    if isinstance(thing, Value):
        yield thing.level
    elif isinstance(thing, (dict, tuple, list)):
        for inner in thing.values() if isinstance(thing, dict) else thing:
            yield from _levels(inner)


def _array(thing: typing.Any, level: Level) -> typing.Any:
    """The thing as an array with one element for each thing of the level: a value, a constant, or a record of such."""
    if isinstance(thing, Value):
        return thing.data if thing.level is level else thing.data[level.owners_at(thing.level)]
    if isinstance(thing, dict):
        return ak.zip({name: _array(inner, level) for name, inner in thing.items()}, depth_limit=1)
    if isinstance(thing, (tuple, list)):
        return ak.zip(tuple(_array(inner, level) for inner in thing), depth_limit=1)
    return ak.Array([thing])[np.zeros(len(level.owners), dtype=np.int64)]


def _value(thing: typing.Any) -> Value:
    """The thing as a value; `[a, b]` is a list of two elements."""
    if isinstance(thing, list):
        return _listed(thing)
    if isinstance(thing, Value):
        return thing
    level = _deepest(thing)
    return Value(level, _array(thing, level))


def _listed(things: "list[typing.Any]") -> Value:
    level = _deepest(*things)
    return Value(level, _side_by_side([_array(thing, level) for thing in things]))


def _side_by_side(arrays: "list[typing.Any]") -> typing.Any:
    """Lists whose first elements are in the first array, the second ones in the second, and so on."""
    return ak.from_regular(ak.concatenate([array[:, np.newaxis] for array in arrays], axis=1), axis=1)


# Lists, and the loops over them

def _lists(value: Value) -> typing.Any:
    if value.data.ndim < 2:
        raise TypeError("a list is needed here, and this is a single value: of type "
                        f"{str(value.data.type.content)[:200]}")
    return value.data


class _Loop:
    """A loop over the lists of `source`, for each combination of the `outer` variables that its lambda names."""

    def __init__(self, source: typing.Any, outer: "tuple[typing.Any, ...]"):
        source = _value(source)
        self.level = _deepest(source, *outer)
        lists = _lists(Value(self.level, _array(source, self.level)))
        self.missing = ak.to_numpy(ak.is_none(lists)) if lists.layout.is_option else None
        self.lists = lists if self.missing is None else ak.fill_none(lists, [], axis=0)
        self.inner = Level(self.level, ak.to_numpy(ak.num(self.lists, axis=1)))
        self.elements = ak.flatten(self.lists, axis=1)

    def each(self, function: typing.Any) -> typing.Any:
        """What the lambda gives for each element of all lists."""
        return _array(function(Value(self.inner, self.elements)), self.inner)

    def decide(self, function: typing.Any) -> typing.Any:
        """The same for one that says yes or no; where it cannot tell, the answer is no."""
        decisions = self.each(function)
        if decisions.ndim != 1 or decisions.fields:
            raise TypeError("a condition must be one yes or no for each event or element, and this is "
                            f"{str(decisions.type.content)[:200]}; write .Any(...), .All(...) or .Count() of a list")
        return ak.to_numpy(ak.fill_none(decisions != 0, False, axis=0)).astype(bool)

    def gather(self, elements: typing.Any, counts: typing.Any = None) -> Value:
        """The lists of which these are the elements; a list that was missing is missing again."""
        lists = ak.unflatten(elements, self.inner.counts if counts is None else counts)
        return Value(self.level, lists if self.missing is None else ak.mask(lists, ~self.missing))


def select(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    loop = _Loop(source, outer)
    return loop.gather(loop.each(function))


def select_many(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    loop = _Loop(source, outer)
    inner = _lists(zipped(Value(loop.inner, loop.each(function))))
    return loop.gather(ak.flatten(inner, axis=1), _sums(loop, ak.to_numpy(ak.fill_none(ak.num(inner, axis=1), 0))))


def where(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    loop = _Loop(source, outer)
    chosen = loop.decide(function)
    return loop.gather(loop.elements[chosen], _sums(loop, chosen))


def _sums(loop: _Loop, numbers: typing.Any) -> typing.Any:
    """The sum over the elements of each list."""
    return np.bincount(loop.inner.owners, weights=numbers, minlength=len(loop.inner.counts)).astype(np.int64)


def any_of(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    loop = _Loop(source, outer)
    return _reduced(ak.any, loop.gather(loop.decide(function)))


def all_of(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    loop = _Loop(source, outer)
    return _reduced(ak.all, loop.gather(loop.decide(function)))


def order_by(source: typing.Any, function: typing.Any, *outer: typing.Any, ascending: bool = True) -> Value:
    loop = _Loop(source, outer)
    keys = loop.gather(loop.each(function))
    if keys.data.ndim != 2 or keys.data.fields:
        raise TypeError("what a list is ordered by must be one number for each element")
    order = ak.argsort(ak.fill_none(keys.data, [], axis=0), axis=1, ascending=ascending, stable=True)
    return loop.gather(ak.flatten(loop.lists[order], axis=1))


def order_by_descending(source: typing.Any, function: typing.Any, *outer: typing.Any) -> Value:
    return order_by(source, function, *outer, ascending=False)


# What is asked of one list

def _reduced(function: typing.Any, source: typing.Any) -> Value:
    source = _value(source)
    if _lists(source).ndim > 2:
        raise TypeError("the elements of this list are lists themselves; say what of each is meant, by Select")
    return Value(source.level, function(source.data, axis=1))


total = functools.partial(_reduced, ak.sum)
largest = functools.partial(_reduced, ak.max)
smallest = functools.partial(_reduced, ak.min)


def count(source: typing.Any) -> Value:
    source = _value(source)
    return Value(source.level, ak.num(_lists(source), axis=1))


def first(source: typing.Any) -> Value:
    source = _value(source)
    return Value(source.level, ak.firsts(_lists(source), axis=1))


def last(source: typing.Any) -> Value:
    return element_at(source, -1)


def element_at(source: typing.Any, position: typing.Any) -> Value:
    """The element at a position, from the end if that is negative; missing if the list is too short."""
    source = _value(source)
    level = _deepest(source, position)
    lists, wanted = _lists(Value(level, _array(source, level))), _array(position, level)
    wanted = ak.where(wanted < 0, wanted + ak.num(lists, axis=1), wanted)
    return Value(level, ak.firsts(lists[ak.local_index(lists, axis=1) == wanted], axis=1))


def contains(source: typing.Any, value: typing.Any) -> typing.Any:
    """Whether the value is in the list; for a list of values, which of them are."""
    if isinstance(value, Value) and value.data.ndim > 1:
        return select(value, lambda each: contains(source, each), *([source] if isinstance(source, Value) else []))
    if isinstance(source, (list, tuple)):
        return functools.reduce(either, [value == one for one in source], False)
    return any_of(source, lambda each: each == value, value)


def concatenated(one: typing.Any, other: typing.Any) -> Value:
    one, other = _value(one), _value(other)
    level = _deepest(one, other)
    return Value(level, ak.concatenate([_lists(Value(level, _array(side, level))) for side in (one, other)], axis=1))


def zipped(source: typing.Any) -> Value:
    """Records of lists as lists of records; what is a list already is left as it is."""
    source = _value(source)
    if source.data.ndim > 1:
        return source
    if not source.data.fields:
        raise TypeError("Zip needs columns with names")
    return Value(source.level, ak.zip({name: source.data[name] for name in source.data.fields}, depth_limit=2))


def combinations(source: typing.Any, size: typing.Any) -> Value:
    """All combinations of `size` elements of a list, each a list in its turn."""
    loop = _Loop(source, ())
    chosen = ak.combinations(loop.lists, size, axis=1)
    tuples = ak.flatten(chosen, axis=1)
    return loop.gather(_side_by_side([tuples[name] for name in tuples.fields]), ak.num(chosen, axis=1))


# Yes, no, and what cannot be told

def both(one: typing.Any, other: typing.Any) -> typing.Any:
    return negated(either(negated(one), negated(other)))


def either(one: typing.Any, other: typing.Any) -> typing.Any:
    return apply(_either, one, other) if isinstance(one, Value) or isinstance(other, Value) else bool(one or other)


def negated(one: typing.Any) -> typing.Any:
    return apply(np.logical_not, one) if isinstance(one, Value) else not one


def _either(one: typing.Any, other: typing.Any) -> typing.Any:
    """Yes if one of them is, whatever the other; missing if one is missing and the other no."""
    yes = np.logical_or(_known(one), _known(other))
    if not _may_miss(one) and not _may_miss(other):
        return yes
    unknown = np.logical_or(_unknown(one), _unknown(other))
    return ak.mask(yes, np.logical_or(yes, np.logical_not(unknown)))


def _known(array: typing.Any) -> typing.Any:
    return ak.fill_none(array != 0, False, axis=-1) if _may_miss(array) else array != 0


def _unknown(array: typing.Any) -> typing.Any:
    return ak.is_none(array, axis=-1) if _may_miss(array) else False


def _may_miss(array: typing.Any) -> bool:
    """Whether values can be missing: told from the type, so that all files of a dataset give the same one."""
    return isinstance(array, ak.Array) and "?" in str(array.type)


def if_else(test: typing.Any, one: typing.Any, other: typing.Any) -> typing.Any:
    if not isinstance(test, Value):
        return one if test else other
    level = _deepest(test, one, other)
    test, one, other = _array(test, level), _array(one, level), _array(other, level)
    if test.ndim > 1:
        return Value(level, ak.where(test != 0, one, other))
    # Each takes the one or the other as a whole, so that these may be lists of different lengths.
    places = np.arange(len(test))
    known = ak.to_numpy(ak.fill_none(test != 0, False, axis=0))
    chosen = ak.concatenate([one, other])[np.where(known, places, places + len(places))]
    return Value(level, ak.mask(chosen, ~ak.is_none(test)) if _may_miss(test) else chosen)


# Four-vectors

def four_vector(source: typing.Any) -> Value:
    source = _value(source)
    data = source.data
    if data.ndim == 1 and data.fields:
        data = ak.zip({name: data[name] for name in data.fields})
    return Value(source.level, ak.with_name(data, "Momentum4D"))


def method(owner: typing.Any, name: str, *arguments: typing.Any) -> Value:
    owner = _value(owner)
    if name.startswith("_") or not _is_vector(owner.data):
        raise AttributeError(f"values of type {str(owner.data.type.content)[:200]} have no function {name!r}")
    return apply(lambda vectors, *others: getattr(vectors, name)(*others), owner, *arguments)


# The whole query

def stream(events: typing.Any) -> Value:
    """The events of a file, as the list that the file has.

    Lists of a fixed length are made like all others: numpy would put their elements beside those of a column, not
    beside its events.
    """
    events = ak.from_regular(events, axis=None)
    offsets = ak.index.Index64(np.array([0, len(events)], dtype=np.int64))
    return Value(FILE, ak.Array(ak.contents.ListOffsetArray(offsets, events.layout), behavior=events.behavior))


def columns(result: typing.Any) -> typing.Any:
    """What a query gives: an element for each event, or one for the file if it counted or summed over the events."""
    data = _array(result, FILE)
    return data[0] if data.ndim > 1 else data
