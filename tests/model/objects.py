"""What the model keeps, and how values are compared.

SPDX-License-Identifier: Apache-2.0
"""
from rules import fold, same


class Mv:
    def __init__(self, kind, number):
        self.kind = kind
        self.number = number
        self.attrs = {}
        self.projected_by = None
        self.alive = True
        self.retry = False
        self.timed = None       # what rules with Now() said last
        self.writer = {}        # of `equal` attributes: who wrote last

    def __repr__(self):
        return f"mv {self.number}"


class Obj:
    """An object of a connector space."""

    def __init__(self, agent, kind, number):
        self.agent = agent
        self.kind = kind
        self.number = number
        self.anchor = None
        self.dn = None
        self.image = None       # what the last import read
        self.synced = None      # ... the last synchronization took
        self.pend = None        # None, add, update, delete
        self.state = "disconnector"
        self.mv = None
        self.rs = None
        self.wanted = False
        self.last_mv = None
        self.leaving = None     # since when it waits to be deprovisioned
        self.export = None      # {"op", "attrs", "dn"}
        self.awaiting = None    # the same
        self.initial = {}
        self.merged = {}        # what merging rules added: {name: values}
        self.confirmed = {}     # exports that came back, not synchronized
        self.error = False
        self.retry = False
        self.alive = True

    def written(self):
        """What is there or was written."""
        return self.overlay(self.image, self.awaiting)

    def settled(self):
        """The same, but for foreign changes that wait for the object's own
        synchronization."""
        if self.pend not in ("update", "delete") or not self.synced:
            return self.written()
        return self.overlay({**self.synced[1], **self.confirmed},
                            self.awaiting)

    def expected(self):
        return self.overlay(self.settled() if self.mv else self.written(),
                            self.export)

    def reported(self):
        """With what its last import read."""
        return self.overlay(self.written(), self.export)

    @staticmethod
    def overlay(image, layer):
        out = dict(image or {})
        for name, values in (layer["attrs"] if layer else {}).items():
            if values:
                out[name] = values
            else:
                out.pop(name, None)
        return out

    @property
    def base_dn(self):
        return (self.awaiting or {}).get("dn") or self.dn

    @property
    def future_dn(self):
        return (self.export or {}).get("dn") or self.base_dn

    @property
    def going(self):
        """Its deletion is pending or written."""
        return any(layer and layer["op"] == "delete"
                   for layer in (self.export, self.awaiting))

    @property
    def placeholder(self):
        return (self.image is None and self.pend is None
                and self.export is None and self.awaiting is None)

    def __repr__(self):
        return f"{self.agent} {self.anchor or self.future_dn}"


class Failure(Exception):
    """An object's error: nothing of its synchronization is kept."""


# ---- values

def bump(counters, name):
    counters[name] = counters.get(name, 0) + 1


def unique(values):
    """A set under the matching rule, the first spelling stays."""
    out = []
    for value in values:
        if not any(same(value, x) for x in out):
            out.append(value)
    return out


def meets(values, others):
    return any(same(v, x) for v in values for x in others)


def key(value):
    if isinstance(value, Obj):
        return f"cs {value.number}"
    return value if isinstance(value, str) else repr(value)


def equal(a, b):
    """Did it change?  Exactly; the order of values does not count."""
    return sorted(map(key, a)) == sorted(map(key, b))


def alike(a, b):
    """Is it the same?  By the matching rule."""
    return sorted(fold(key(v)) for v in a) == sorted(fold(key(v)) for v in b)


def differ(a, b):
    return any(not equal(a.get(name, []), b.get(name, []))
               for name in set(a) | set(b))


def equal_layers(a, b):
    a = a or {"op": "update", "attrs": {}, "dn": None}
    b = b or {"op": "update", "attrs": {}, "dn": None}
    return (a["op"] == b["op"] and a["dn"] == b["dn"]
            and set(a["attrs"]) == set(b["attrs"])
            and not differ(a["attrs"], b["attrs"]))


def snapshot(attrs):
    return {name: sorted(map(key, values))
            for name, values in attrs.items()}


def named(obj, names, rs):
    return obj.agent in names or f"{obj.agent}.{rs}" in names
