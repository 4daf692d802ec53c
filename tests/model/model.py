"""The engine as the contract tells it, small and slow.

Nothing is indexed, batched or stored.  A metaverse object is computed anew
from its connectors, pending exports anew from the metaverse object, and what
refers to what is found by looking at everything.  See docs/internals/model-test.md
for what it follows and what it leaves out.

SPDX-License-Identifier: Apache-2.0
"""
from config import After
from rules import IGNORE, STOP, Clock, View, fold, later, same


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


# What happens to an object of a target, the strongest first.
STRENGTH = ["provisioned-add-flow", "provisioned-add-no-flow",
            "provisioned-delete-add-flow", "provisioned-delete-add-no-flow",
            "provisioned-disconnect", "provisioned-rename-flow",
            "provisioned-rename-no-flow", "connector-flow",
            "connector-no-flow"]


class Model:
    def __init__(self, config):
        self.config = config
        self.objs = {agent.name: [] for agent in config.agents}
        self.mvs = []
        self.count = 0
        self.watermark = {}
        self.marks = {}         # agent: {DN: what its entry is known by}
        self.relinked = set()
        self.allowed = False    # a guard's token was given
        self.stopped = None     # the agent whose guard stopped the step

    # ---- finding

    def number(self):
        self.count += 1
        return self.count

    def agent(self, name):
        return self.config.by_name[name]

    def ruleset(self, obj):
        return self.agent(obj.agent).by_name[obj.rs] if obj.rs else None

    def connectors(self, mv):
        """In the order of agents and rule sets."""
        out = []
        for agent in self.config.agents:
            for rs in agent.rulesets:
                out += [o for o in self.objs[agent.name]
                        if o.mv is mv and o.rs == rs.name]
        return out

    def fits(self, obj):
        """The first rule set whose type and scope fit."""
        view = self.view(obj)
        for rs in self.agent(obj.agent).rulesets:
            if rs.type == obj.kind and (not rs.scope or rs.scope.true(view)):
                return rs
        return None

    @staticmethod
    def view(obj):
        return View(obj.reported(), obj.future_dn)

    def new(self, agent, kind):
        obj = Obj(agent, kind, self.number())
        self.objs[agent].append(obj)
        return obj

    def drop(self, obj):
        """It is gone; a placeholder stays while somebody refers to it."""
        obj.alive = False
        self.objs[obj.agent].remove(obj)
        self.stand_in(obj)

    def replace(self, old, new, unless=None):
        """Whoever refers to the one refers to the other."""
        for obj in self.objs[old.agent]:
            if unless and unless(obj):
                continue
            for image in (obj.image, obj.synced and obj.synced[1]):
                for name, values in (image or {}).items():
                    image[name] = [new if v is old else v for v in values]

    def promote(self, agent, unless=None):
        """What stood for an object gives way to the one that was written.
        An object made where one was deleted is another one to those to
        whom it was exported again, until they are read."""
        for old in [o for o in self.objs[agent] if o.placeholder]:
            new = (self.by_anchor(agent, old.kind, old.anchor) if old.anchor
                   else self.by_dn(agent, old.dn))
            if new is not old and (new.image is not None or new.awaiting):
                self.replace(old, new, unless)
                if not unless:
                    self.objs[agent].remove(old)

    def stand_in(self, obj):
        images = [image for o in self.objs[obj.agent] for image in
                  (o.image, o.synced and o.synced[1]) if image]
        if any(obj in values for image in images
               for values in image.values()):
            stand_in = self.new(obj.agent, obj.kind)
            stand_in.anchor, stand_in.dn = obj.anchor, obj.base_dn
            self.replace(obj, stand_in)

    def resolve(self, agent, kind, name):
        """The object that a reference means, a placeholder if need be."""
        if kind is not None:
            obj = self.by_anchor(agent, kind, name)
        else:
            mark = self.marks.get(agent, {}).get(name.casefold())
            obj = mark and self.best(o for o in self.objs[agent]
                                     if o.anchor == mark)
            obj = obj or self.by_dn(agent, name)
        if obj is None:
            obj = self.new(agent, kind)
            if kind is not None:
                obj.anchor = name
            else:
                obj.dn = name
        return obj

    # ---- import

    def by_anchor(self, agent, kind, anchor):
        return self.best(o for o in self.objs[agent] if o.kind == kind
                         and o.anchor is not None and same(o.anchor, anchor))

    def by_dn(self, agent, dn):
        """Who is known, or was made, under this name."""
        return self.best(o for o in self.objs[agent]
                         if o.base_dn and same(o.base_dn, dn))

    @staticmethod
    def best(found):
        """Of several the one that the connected system has, or had."""
        def rank(obj):
            if obj.placeholder:
                return 3
            if obj.image is None:       # to be made, or just made
                return -1 if obj.awaiting else 2
            if obj.awaiting and obj.awaiting["op"] == "delete":
                return 1
            return .5 if obj.pend == "delete" else 0
        return min(found, default=None, key=rank)

    def find(self, agent, kind, anchor, dn):
        if anchor is not None:
            return self.by_anchor(agent, kind, anchor) or (dn and self.best(
                o for o in self.objs[agent] if o.image is None
                and o.future_dn and same(o.future_dn, dn)))
        return self.by_dn(agent, dn) or self.best(
            o for o in self.objs[agent] if o.export and not o.awaiting
            and o.export["op"] == "add" and same(o.export["dn"], dn))

    def full_import(self, agent, entries, unread=None):
        """entries: (type, anchor, dn, attributes).  unread: the anchor of
        one that could not be read.  Returns (counters, errors)."""
        counters = {}
        errors = []
        seen = self.read(agent, entries, counters, errors)
        lost = [o for o in self.objs[agent] if o not in seen]
        if unread is not None:
            bump(counters, "stage-failure")
            lost = self.spare(lost, unread)
        if self.guarded_import(agent, lost):
            lost = []
        for obj in lost:
            self.gone(obj, counters, errors)
        self.promote(agent)
        if not self.stopped and unread is None:
            self.watermark[agent] = True
        return counters, errors

    def read(self, agent, entries, counters, errors):
        """The objects that were read."""
        seen = {}
        self.promote(agent, lambda obj: obj.awaiting)
        for kind, anchor, dn, attrs in entries:
            obj = self.find(agent, kind, anchor, dn)
            if obj and not obj.placeholder and obj.image is None \
                    and not obj.awaiting:
                obj = self.overtaken(obj)
            obj = obj or self.new(agent, kind)
            obj.kind = kind
            seen[obj] = attrs
            obj.anchor = anchor
            renamed = (dn is not None and obj.dn is not None
                       and obj.image is not None and obj.dn != dn)
            self.stage(obj, dn, attrs, renamed, counters, errors)
        return seen

    @staticmethod
    def spare(lost, unread):
        """What cannot be read is not gone; when nobody bears its anchor it
        may be anybody."""
        bearer = [o for o in lost if o.image is not None
                  and same(o.anchor, unread)]
        return [o for o in lost if o not in bearer] if bearer else []

    def guarded_import(self, agent, lost):
        """More would be staged as deleted than the guard lets pass."""
        limit = self.agent(agent).guards.get("import")
        if limit is None or self.allowed:
            return False
        found = [o for o in lost if o.image is not None
                 and o.pend != "delete"
                 and not (o.awaiting and o.awaiting["op"] == "delete")]
        if len(found) > limit:
            self.stopped = agent
        return bool(self.stopped)

    def delta_import(self, agent, changes, combined):
        """changes: (anchor or DN, type, attributes or None).  In a combined
        step all that is delivered is synchronized."""
        counters = {}
        errors = []
        self.promote(agent, lambda obj: obj.awaiting)
        stopped = self.guarded_import(agent, [
            obj for obj in (self.by_anchor(agent, kind, anchor)
                            for anchor, kind, attrs in changes
                            if attrs is None) if obj])
        for anchor, kind, attrs in changes:
            obj = self.by_anchor(agent, kind, anchor)
            if attrs is None:
                if obj is None or obj.image is None:
                    bump(counters, "filtered-deletions")
                elif not stopped:
                    self.gone(obj, counters, errors)
                continue
            if obj is None:
                obj = self.new(agent, kind)
                obj.anchor = anchor
            self.stage(obj, None, attrs, False, counters, errors)
            obj.retry |= combined
        return counters, errors

    def delta_directory(self, agent, touched, entries, combined):
        """Records of a log about these names, and what is there now."""
        counters = {}
        errors = []
        self.promote(agent)     # an add stands in the log before updates
        seen = self.read(agent, entries, counters, errors)
        lost = [o for o in self.objs[agent] if o not in seen
                and not o.placeholder and o.base_dn
                and o.base_dn.casefold() in touched]
        if self.guarded_import(agent, lost):
            lost = []
        for obj in lost:
            self.gone(obj, counters, errors)
        for obj in seen:
            obj.retry |= combined
        self.promote(agent)
        return counters, errors

    def overtaken(self, obj):
        """What is to be made is there already: it is nobody's, and the
        rules decide again."""
        mv = obj.mv
        self.disconnect(obj, "disconnector")
        self.drop(obj)
        mv.retry = True

    def stage(self, obj, dn, attrs, renamed, counters, errors):
        if obj.image is None:
            bump(counters, "stage-add")
        elif renamed:
            bump(counters, "stage-rename")
        elif differ(obj.image, attrs) or obj.pend == "delete":
            bump(counters, "stage-update")
        else:
            bump(counters, "stage-no-change")
        obj.dn = dn
        obj.image = attrs
        if obj.awaiting:
            self.confirm(obj, errors)
        if obj.synced is None:
            obj.pend = "add"
        elif differ(obj.synced[1], attrs) or obj.synced[0] != dn:
            obj.pend = "update"
        else:
            obj.pend = None

    def confirm(self, obj, errors):
        """Everything that was written is decided: there, or pending
        again."""
        layer, obj.awaiting = obj.awaiting, None
        newer = obj.export or {"op": "update", "attrs": {}, "dn": None}
        again = {name: values for name, values in layer["attrs"].items()
                 if not alike(values, obj.image.get(name, []))}
        obj.confirmed.update({name: obj.image.get(name, [])
                              for name in layer["attrs"]
                              if name not in again})
        again_dn = None
        if layer["dn"] and not same(layer["dn"], obj.dn or layer["dn"]):
            again_dn = layer["dn"]
        if layer["op"] == "delete":
            errors.append("exported-change-not-reimported")
            obj.export = {"op": "delete", "attrs": {}, "dn": None}
            return
        if again or again_dn:
            errors.append("exported-change-not-reimported")
            obj.export = {"op": newer["op"],
                          "attrs": {**again, **newer["attrs"]},
                          "dn": newer["dn"] or again_dn}
        self.tidy(obj)

    @staticmethod
    def tidy(obj):
        """What the image has already needs no export."""
        if obj.export and obj.export["op"] == "update":
            base = obj.written()
            obj.export["attrs"] = {
                name: values for name, values in obj.export["attrs"].items()
                if not equal(values, base.get(name, []))}
            if not obj.export["attrs"] and not obj.export["dn"]:
                obj.export = None

    def gone(self, obj, counters, errors):
        """A full import did not see it, or a delta reports it gone."""
        if obj.awaiting and obj.awaiting["op"] == "delete":
            if obj.image is not None:
                bump(counters, "stage-delete")
            self.drop(obj)
        elif obj.image is None:
            if obj.awaiting:        # an add that is not there
                errors.append("exported-change-not-reimported")
                layer, obj.awaiting = obj.awaiting, None
                newer = obj.export or {"attrs": {}, "dn": None}
                obj.export = {"op": "add",
                              "attrs": {**layer["attrs"], **newer["attrs"]},
                              "dn": newer["dn"] or layer["dn"]}
        elif obj.pend != "delete":
            bump(counters, "stage-delete")
            if obj.synced is None and obj.mv is None:
                self.drop(obj)
            else:
                obj.pend = "delete"

    # ---- synchronization

    def sync(self, agent, full):
        """Returns (counters, outbound counters by agent, errors)."""
        self.full = full
        self.outbound = {}
        self.relinked = set()
        self.moved = {}         # object: its counter's stem, its partner
        self.flowed = set()
        self.errors = []
        self.marked = []
        self.relinked = set()
        others = [o for o in self.objs[agent] if not o.placeholder
                and (full or o.pend or o.error or o.retry
                     or (o.leaving and not o.mv
                         and not self.waits(o, o.left_rs)))]
        self.last_try = False
        self.coming = set(others)
        self.leaving = {}       # who waits for another name: its object
        self.takers = []        # who took such a one's name, and from whom
        # A name or a connector in the way may go by what is still to come.
        later = []
        for obj in others:
            if obj.alive and obj.pend != "delete":
                self.guarded(obj, self.process, later)
        for obj in others:
            if obj.alive and obj.pend == "delete":
                self.guarded(obj, self.process_delete, later)
        self.last_try = True
        for obj, what in later:
            self.leaving.pop(obj, None)
            if obj.alive:
                self.guarded(obj, what)
        for obj, other in self.takers:
            self.give_back(obj, other)
        self.settle()
        counters = {}
        for obj, (stem, mv) in self.moved.items():
            if "%" in stem:
                if obj.image is None:   # never read, so it says nothing
                    continue
                flow = mv in self.flowed or obj in self.flowed
                stem = stem.replace("%", "flow" if flow else "no-flow")
            bump(counters, stem)
        outbound = {}
        for obj, name in self.outbound.items():
            bump(outbound.setdefault(obj.agent, {}), name)
        return counters, outbound, self.errors

    def guarded(self, obj, what, later=None):
        """One object is one unit: when it fails, nothing is kept of it."""
        obj.retry = False
        obj.error = False
        self.flowed = {x for x in self.flowed if isinstance(x, Obj)}
        saved = self.save()
        self.blocked = False
        self.wants_other = None
        self.coming.discard(obj)
        try:
            what(obj)
            obj.error = self.blocked
        except Failure as error:
            self.restore(saved)
            if later is not None:
                later.append((obj, what))
                if self.wants_other:
                    self.leaving[obj] = self.wants_other
                return
            obj.error = True
            self.errors.append(str(error))
            self.counted(obj, "flow-failure")

    def save(self):
        things = [*self.mvs, *self.all_objects()]
        return ([(thing, dict(vars(thing))) for thing in things],
                list(self.mvs), {a: list(o) for a, o in self.objs.items()},
                dict(self.outbound), dict(self.moved), set(self.relinked),
                list(self.errors), set(self.flowed))

    def restore(self, saved):
        for thing, state in saved[0]:
            vars(thing).update(state)
        (_, self.mvs, self.objs, self.outbound, self.moved, self.relinked,
         self.errors, self.flowed) = saved

    def counted(self, obj, stem, mv=None):
        """With % it is flow or no-flow: did what it is linked to change,
        with itself or when references were settled at the end?"""
        self.moved[obj] = (stem, mv)

    def leave_without(self, obj):
        """The day came, its metaverse object is gone."""
        how = obj.left_rs.deprovision.then
        obj.leaving = None
        obj.state = ("disconnector" if how == "disconnect"
                     else "explicit-disconnector")
        obj.export = None
        if how == "delete":
            obj.export = {"op": "delete", "attrs": {}, "dn": None}
        self.strongest(obj, "provisioned-disconnect")

    def process(self, obj):
        if obj.state == "explicit-disconnector":
            self.take(obj)
            self.counted(obj, "disconnector-remains")
            return
        if obj.leaving and not obj.mv and not self.waits(obj, obj.left_rs):
            self.take(obj)
            self.leave_without(obj)
            self.counted(obj, "disconnector-remains")
            return
        view = self.view(obj)
        rs = self.ruleset(obj)
        if rs is not None and rs.scope and not rs.scope.true(view):
            rs = self.takes_over(obj, view)
            if rs is None:
                self.filtered(obj)
                if self.fits(obj) is None:
                    obj.state = "disconnector"
                return
            obj.rs = rs.name
            obj.wanted = False
        rs = rs or self.fits(obj)
        if rs is None:
            obj.state = "disconnector"
            self.take(obj)
            self.counted(obj, "disconnector-remains")
            return
        if any(e.true(view) for e in rs.filter):
            self.filtered(obj)
            return
        mv = obj.mv
        before = self.gives(obj) if mv else {}
        if mv is not None:
            self.counted(obj, "connector-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "connector-flow-remove-mv")
            return
        obj.state = "disconnector"
        mv, verdict = self.join(obj, rs, view)
        if mv is not None:
            self.link(obj, rs, mv)
            self.counted(obj, "disconnector-joined-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "disconnector-joined-remove-mv")
            return
        if verdict is None and self.projects(rs, view):
            mv = Mv(rs.metaverse, self.number())
            self.mvs.append(mv)
            mv.projected_by = obj
            self.link(obj, rs, mv)
            self.counted(obj, "disconnector-projected-%", mv)
            self.take(obj)
            self.written(obj, mv, before)
            self.evaluate(mv)
            if mv in self.flowed:
                self.flowed.add(obj)
            self.explain_removal(obj, mv, "disconnector-projected-remove-mv")
            return
        self.take(obj)
        self.counted(obj, "disconnector-remains")

    def takes_over(self, obj, view):
        """The rule set to which an object goes that left its scope."""
        rs = self.fits(obj)
        if rs is None or rs.metaverse != obj.mv.kind or any(
                o.agent == obj.agent and o.rs == rs.name
                for o in self.connectors(obj.mv)) or any(
                e.true(view) for e in rs.filter):
            return None
        return rs

    def explain_removal(self, obj, mv, name):
        if not mv.alive:
            self.counted(obj, name)

    @staticmethod
    def projects(rs, view):
        return rs.project is True or (rs.project and rs.project.true(view))

    @staticmethod
    def take(obj):
        """Its pending import is synchronized."""
        if obj.image is not None:
            obj.synced = (obj.dn, obj.image)
        obj.pend = None
        obj.confirmed = {}

    def filtered(self, obj):
        mv = obj.mv
        self.take(obj)
        if mv is None:
            obj.state = "filtered-disconnector"
            self.counted(obj, "disconnector-filtered")
            return
        self.disconnect(obj, "filtered-disconnector")
        obj.last_mv = None
        obj.leaving = None
        self.after_loss(mv, obj)
        self.counted(obj, "connector-filtered-leave-mv" if mv.alive
                     else "connector-filtered-remove-mv")

    def process_delete(self, obj):
        mv = obj.mv
        if mv is None:
            self.drop(obj)
            return
        self.disconnect(obj, "disconnector")
        obj.alive = False
        self.objs[obj.agent].remove(obj)
        self.after_loss(mv, obj)
        # One that is made in its place is another one: who refers to it is
        # written again.
        self.stand_in(obj)
        self.counted(obj, "connector-delete-leave-mv" if mv.alive
                     else "connector-delete-remove-mv")

    # ---- join

    def join(self, obj, rs, view):
        """(metaverse object, None), (None, None) or (None, "ambiguous")."""
        for line, when in rs.join:
            if when and not when.true(view):
                continue
            found = self.candidates(rs, line, view)
            if rs.resolve and found:
                found = [mv for mv in found if resolves(rs, view, mv)]
                if rs.resolve.lua:      # it answers with one
                    found = found[:1]
            if len(found) == 1:
                return found[0], None
            if len(found) > 1 and rs.ambiguous == "error":
                raise Failure("ambiguous")
            if len(found) > 1 and rs.ambiguous != "next":
                return None, "ambiguous"
        return None, None

    def candidates(self, rs, line, view):
        wanted = {name: e.values(view) for name, e in line.items()}
        if any(not isinstance(values, list) for values in wanted.values()):
            return []
        return [mv for mv in self.mvs if mv.kind == rs.metaverse
                and all(meets(values, mv.attrs.get(name, []))
                        for name, values in wanted.items())]

    # ---- links

    def link(self, obj, rs, mv):
        self.stay(obj)
        obj.mv = mv
        obj.rs = rs.name
        obj.state = "connector"
        obj.wanted = False
        obj.last_mv = None
        self.relinked.add(mv)

    def disconnect(self, obj, state):
        obj.last_rs = obj.rs
        self.relinked.add(obj.mv)
        obj.mv = None
        obj.rs = None
        obj.state = state
        obj.export = None
        obj.wanted = False

    def after_loss(self, mv, lost):
        """The object deletion rule, after a connector's own import took it
        away."""
        if self.must_go(mv, lost):
            self.delete(mv)
        else:
            self.evaluate(mv)

    def must_go(self, mv, lost):
        delete = self.config.types[mv.kind].delete
        left = self.connectors(mv)
        if delete == "never":
            return False
        if isinstance(delete, dict) and hasattr(delete.get("from"), "lost"):
            return not left or delete["from"].lost(lost, left)
        if isinstance(delete, dict) and "from" in delete:
            # asked when a connector goes, of what is left then
            return not left or delete["from"].true(View(self.compute(mv)))
        if not left:
            return True
        if delete == "projected":
            return mv.projected_by is lost
        if isinstance(delete, list):
            return (named(lost, delete, lost.last_rs)
                    and not any(named(o, delete, o.rs) for o in left))
        if isinstance(delete, dict):
            return any(named(lost, [name], lost.last_rs)
                       and not any(named(o, [name], o.rs) for o in left)
                       for name in delete["any"])
        return False

    def delete(self, mv):
        mv.alive = False
        for obj in self.connectors(mv):
            self.deprovision(obj)
        self.mvs.remove(mv)
        self.relinked.add(mv)

    def waits(self, obj, rs):
        """Its deprovisioning has to wait for its day."""
        return isinstance(rs.deprovision, After) and (
            not obj.leaving
            or later(obj.leaving, rs.deprovision.days) > Clock.now)

    def leave(self, obj, rs):
        """Until the day only what is said for meanwhile is written."""
        if obj.leaving:
            return
        obj.leaving = Clock.now
        obj.export = None
        attrs = {name: found for name, found in (
            (name, flow.e.values(None))
            for name, flow in rs.deprovision.meanwhile.items())
            if not equal(found, obj.settled().get(name, []))}
        if attrs:
            obj.export = {"op": "update", "attrs": attrs, "dn": None}
        if rs.deprovision.meanwhile:
            self.strongest(obj, "connector-flow" if attrs
                           else "connector-no-flow")

    def stay(self, obj):
        """It is wanted again, or linked anew."""
        if not obj.leaving:
            return
        obj.leaving = None
        if obj.export and obj.export["op"] == "update":
            obj.export = None
            self.strongest(obj, "connector-flow")

    def deprovision(self, obj):
        rs = self.ruleset(obj)
        mv = obj.mv
        if (obj.image is not None or obj.awaiting) and self.waits(obj, rs):
            self.leave(obj, rs)
            if not mv.alive:
                saved = obj.export
                self.disconnect(obj, "disconnector")
                obj.export = saved
                obj.left_rs = rs
            return
        obj.leaving = None
        how = rs.deprovision or "explicit-disconnect"
        if isinstance(how, After):
            how = how.then
        elif not isinstance(how, str):
            how = how.fn(View(mv.attrs))
        new = obj.image is None and not obj.awaiting
        state = ("disconnector" if how == "disconnect"
                 else "explicit-disconnector")
        self.disconnect(obj, state)
        obj.last_mv = mv if mv.alive else None
        self.strongest(obj, "provisioned-disconnect")
        if new:
            self.drop(obj)
        elif how == "delete":
            obj.export = {"op": "delete", "attrs": {}, "dn": None}

    # ---- a metaverse object and its targets

    def by_time(self, mv):
        """What is decided by the time; asked again when it changes."""
        view = View(mv.attrs)
        return [later(o.leaving, self.ruleset(o).deprovision.days)
                <= Clock.now for o in self.connectors(mv) if o.leaving] + [
            rs.provision.when.true(view) for agent in self.config.agents
                for rs in agent.rulesets
                if rs.provision and rs.provision.when
                and rs.metaverse == mv.kind
                and "Now()" in (rs.provision.when.text or "")]

    def evaluate(self, mv):
        self.evaluate_rounds(mv)
        mv.timed = self.by_time(mv)

    def evaluate_rounds(self, mv):
        for _ in range(10):
            if not mv.alive:
                return
            before = (snapshot(mv.attrs),
                      [(o.number, o.rs) for o in self.connectors(mv)],
                      [repr(o.export) for o in self.connectors(mv)])
            self.flow_in(mv)
            if self.config.provisioning:
                self.provision(mv)
            if not mv.alive:
                return
            self.flow_out(mv)
            if before == (snapshot(mv.attrs),
                          [(o.number, o.rs) for o in self.connectors(mv)],
                          [repr(o.export) for o in self.connectors(mv)]):
                return
        raise AssertionError("rules that chase each other")

    def flow_in(self, mv):
        self.one_each(mv)
        new = self.compute(mv)
        if not mv_differ(new, mv.attrs):
            return
        old, mv.attrs = mv.attrs, new
        self.flowed.add(mv)
        self.wake(mv, old)

    def wake(self, mv, old):
        """Disconnectors whose join values appeared are tried again."""
        fresh = {(name, fold(v)) for name, values in mv.attrs.items()
                 for v in values
                 if not any(same(v, x) for x in old.get(name, []))}
        for obj in self.all_objects():
            if obj.state != "disconnector" or obj.mv or obj.image is None:
                continue
            rs = self.fits(obj)
            if rs is None or rs.metaverse != mv.kind or any(
                    o.agent == obj.agent and o.rs == rs.name
                    for o in self.connectors(mv)):
                continue
            view = self.view(obj)
            for line, when in rs.join:
                if when and not when.true(view):
                    continue
                for name, e in line.items():
                    values = e.values(view)
                    if isinstance(values, list) and any(
                            (name, fold(v)) in fresh for v in values):
                        obj.retry = True

    def all_objects(self):
        return [o for agent in self.config.agents
                for o in self.objs[agent.name]]

    def compute(self, mv):
        kind = self.config.types[mv.kind]
        out = {}
        for name, about in kind.attributes.items():
            values = self.compute_one(mv, kind, name, about)
            if values:
                out[name] = values
        return out

    def one_each(self, mv):
        """At most one connector per rule set."""
        have = [(o.agent, o.rs) for o in self.connectors(mv)]
        if len(set(have)) < len(have):
            raise Failure("ambiguous-import-flow-from-multiple-connectors")

    def contributors(self, mv, kind, name):
        """Rank: those that precedence names, then the order of agents."""
        order = kind.precedence.get(name, [])
        equal = order == "equal"
        if equal:
            order = []
        out = []
        for place, obj in enumerate(self.connectors(mv)):
            rs = self.ruleset(obj)
            if name not in rs.imports:
                continue
            rank = [i for i, who in enumerate(order)
                    if who in (obj.agent, f"{obj.agent}.{obj.rs}")]
            out.append((rank[0] if rank else len(order), place, obj, rs))
        if equal:
            last = mv.writer.get(name)
            out = [(0 if o is last else 1, place, o, rs)
                   for _, place, o, rs in out]
        return [(obj, rs) for _, _, obj, rs in sorted(
            out, key=lambda item: item[:2])]

    def gives(self, obj):
        """What its own rules say for attributes whose last writer wins."""
        out = {}
        rs = self.ruleset(obj)
        if obj.mv is None or (obj.synced is None and obj.image is not None):
            return out
        view = View(obj.expected(), obj.future_dn)
        kind = self.config.types[obj.mv.kind]
        for name, order in kind.precedence.items():
            if order == "equal" and name in rs.imports:
                found = rs.imports[name][0].e.values(view)
                if isinstance(found, list):
                    out[name] = found
        return out

    def written(self, obj, mv, before):
        for name, values in self.gives(obj).items():
            if not equal(before.get(name, []), values):
                mv.writer = {**mv.writer, name: obj}

    def compute_one(self, mv, kind, name, about):
        kept = False
        merged = []
        merging = None
        for obj, rs in self.contributors(mv, kind, name):
            if obj.synced is None and obj.image is not None:
                continue
            view = View(obj.expected(), obj.future_dn)
            for flow in rs.imports[name]:
                if flow.when and not flow.when.true(view):
                    continue
                found = flow.e.values(view)
                if found is STOP:
                    return merged if merging else []
                if found is IGNORE:
                    kept = True
                    continue
                if isinstance(found, list):
                    found = self.convert(mv, name, flow, about, found)
                if found:
                    if flow.merge:
                        merging = flow.merge
                        merged += found
                        break
                    return unique(found)
                if flow.when_null == "contribute":
                    return []
                if flow.when_null == "ignore":
                    kept = True
        if merging:
            return unique(merged)
        if kept:
            return mv.attrs.get(name, [])
        return []

    def convert(self, mv, name, flow, about, values):
        """References and look-ups become metaverse objects; those that
        wait are left out."""
        if flow.lookup:
            found = []
            for v in values:
                those = [m for m in self.mvs if m.kind == flow.of
                         and meets([v], m.attrs.get(flow.lookup, []))]
                if len(those) == 1:     # of two neither is meant
                    found += those
            return unique(found)
        if about["type"] == "reference":
            return unique([o.mv for o in values if o.mv is not None
                           and o.mv.alive])
        return values

    # ---- provisioning

    def provision(self, mv):
        for agent in self.config.agents:
            for rs in agent.rulesets:
                if rs.provision and rs.metaverse == mv.kind and mv.alive:
                    self.provision_one(mv, agent, rs)

    def provision_one(self, mv, agent, rs):
        p = rs.provision
        view = View(mv.attrs)
        wanted = not p.when or p.when.true(view)
        have = [o for o in self.objs[agent.name]
                if o.mv is mv and o.rs == rs.name]
        if have:
            obj = have[0]
            if not wanted and obj.wanted:
                self.deprovision(obj)
                if not self.connectors(mv) and \
                        self.config.types[mv.kind].delete != "never":
                    self.delete(mv)
                return
            if wanted:
                self.stay(obj)
                obj.wanted = True
            if wanted and p.rename and p.dn:
                self.rename(mv, obj, rs, view)
            return
        if not wanted or any(not mv.attrs.get(a) for a in p.require):
            return
        obj = self.again(mv, agent, rs) or self.reverse_join(mv, agent, rs)
        if obj == "blocked":
            self.blocked = True
            return
        if obj:
            self.relink(obj, rs, mv)
            return
        obj = self.make(mv, agent, rs, view)
        if obj.image is not None:       # adopted
            self.relink(obj, rs, mv)
        else:
            self.link(obj, rs, mv)
            obj.wanted = True
            self.strongest(obj, "provisioned-add-no-flow")

    def relink(self, obj, rs, mv):
        self.link(obj, rs, mv)
        obj.wanted = True
        obj.export = None
        obj.retry = True
        self.strongest(obj, "connector-no-flow")
        p = rs.provision
        if p.rename and p.dn:
            self.rename(mv, obj, rs, View(mv.attrs))

    def again(self, mv, agent, rs):
        """What deprovisioning disconnected is linked again."""
        for obj in self.objs[agent.name]:
            if (obj.last_mv is mv and obj.mv is None and obj.pend != "delete"
                    and not (obj.awaiting and obj.awaiting["op"] == "delete")
                    and self.fits(obj) is rs):
                return obj
        return None

    def reverse_join(self, mv, agent, rs):
        for line, when in rs.join:
            found = []
            for obj in self.objs[agent.name]:
                if (obj.mv is not None or obj.image is None or obj.going
                        or obj.pend == "delete" or self.fits(obj) is not rs):
                    continue
                view = self.view(obj)
                if when and not when.true(view):
                    continue
                if mv in self.candidates(rs, line, view) and (
                        not rs.resolve or resolves(rs, view, mv)):
                    found.append(obj)
            if len(found) == 1 and found[0].state == "disconnector":
                return found[0]
            if found:
                self.errors.append("ambiguous" if len(found) > 1
                                   else "existing-disconnector")
                return "blocked"
        return None

    @staticmethod
    def candidates_of_name(p, view):
        """Those of which no part is empty or missing."""
        for e in [p.dn] + p.unique:
            if any(not view(name) for name in e.reads):
                continue
            numbers = range(2, 40) if hasattr(e, "numbered") else [None]
            for n in numbers:
                dn = e.fn(view) if n is None else e.numbered(view, n)
                if dn and not dn.split(",")[0].endswith("="):
                    yield dn

    def choose_name(self, p, agent, view, own=None):
        """(DN, None), or (None, the disconnector to adopt)."""
        taken = waits = False
        for dn in self.candidates_of_name(p, view):
            other = self.taken(agent, dn, own)
            if own and other in self.leaving.values():
                self.takers.append((own, other))
                other = None
            if not other:
                if waits:
                    break
                return dn, None
            if other.mv or p.existing == "unique":
                taken = True
                waits = waits or self.comes_later(other)
            elif other.state == "disconnector" and not own \
                    and p.existing == "adopt":
                return None, other
            else:
                raise Failure("object-already-exists")
        raise Failure("object-already-exists" if taken
                      else "missing-provisioning-attribute")

    def comes_later(self, bearer):
        """Who has the name is still to be synchronized in this step."""
        return not self.last_try and bearer.mv and any(
            o in self.coming for o in self.connectors(bearer.mv))

    def taken(self, agent, dn, but):
        for obj in self.objs[agent]:
            if obj is not but and not obj.placeholder and not obj.going \
                    and obj.pend != "delete" \
                    and obj.future_dn and same(obj.future_dn, dn):
                return obj
        return None

    def make(self, mv, agent, rs, view):
        p = rs.provision
        dn = anchor = None
        if p.dn:
            dn, other = self.choose_name(p, agent.name, view)
            if other:
                return other
        initial = {}
        for name, e in p.initial.items():
            values = e.values(view)
            if isinstance(values, list):
                initial[name] = values
        obj = None
        if not p.dn:
            anchor = initial[agent.connect["anchor"]][0]
            there = [o for o in self.objs[agent.name] if o.kind == rs.type
                     and o.anchor is not None and same(o.anchor, anchor)
                     and not o.going and o.pend != "delete"]
            if any(not o.placeholder for o in there):
                raise Failure("object-already-exists")
            obj = there[0] if there else None
        obj = obj or self.new(agent.name, rs.type)
        obj.anchor = anchor
        obj.initial = initial
        obj.export = {"op": "add", "attrs": dict(initial), "dn": dn}
        return obj

    def rename(self, mv, obj, rs, view):
        """It keeps its name as long as that is one of the candidates."""
        p = rs.provision
        if any(not view(name) for name in p.dn.reads) or any(
                same(dn, obj.future_dn)
                for dn in self.candidates_of_name(p, view)):
            return
        self.wants_other = obj
        dn, _ = self.choose_name(p, obj.agent, view, obj)
        self.wants_other = None
        layer = obj.export or {"op": "update", "attrs": {}, "dn": None}
        layer["dn"] = dn if dn != obj.base_dn else None
        obj.export = layer
        if layer["op"] == "update" and not layer["attrs"] and \
                not layer["dn"]:
            obj.export = None
        self.strongest(obj, "provisioned-rename-no-flow")

    @staticmethod
    def give_back(obj, other):
        """Who kept a name after all keeps it."""
        layer = obj.export
        if not (layer and layer["dn"] and other.future_dn
                and same(obj.future_dn, other.future_dn)):
            return
        layer["dn"] = None
        if layer["op"] == "update" and not layer["attrs"]:
            obj.export = None

    # ---- export flow

    def flow_out(self, mv):
        for obj in self.connectors(mv):
            rs = self.ruleset(obj)
            if obj.leaving:
                self.strongest(obj, "connector-no-flow")
            elif (rs.exports or rs.provision) and obj.pend != "delete":
                self.flow_out_one(mv, obj, rs)

    def flow_out_one(self, mv, obj, rs):
        before = obj.export
        new = obj.image is None and not obj.awaiting
        base = obj.settled()
        view = View(mv.attrs)
        old = before["attrs"] if before else {}
        attrs = {name: values for name, values in old.items()
                 if name not in rs.exports
                 and (new or not equal(values, base.get(name, [])))}
        for name, flow in rs.exports.items():
            found = IGNORE
            if not flow.when or flow.when.true(view):
                found = flow.e.values(view)
            if found is IGNORE:     # what is pending stays
                if name in old:
                    attrs[name] = old[name]
                continue
            if isinstance(found, list):
                found = unique(self.to_target(obj.agent, found))
            if flow.merge:
                found = self.merge(obj, name, base,
                                   found if isinstance(found, list) else [])
                if found or not new:
                    if new or not equal(found, base.get(name, [])):
                        attrs[name] = found
                continue
            if found is None or found is STOP or not found:
                if new and name in obj.initial:
                    attrs[name] = old[name]
                    continue
                if flow.when_null == "keep" and found is None:
                    continue
                found = []
            if new:
                if found:
                    attrs[name] = found
            elif not equal(found, base.get(name, [])):
                attrs[name] = found
        dn = before["dn"] if before else None
        if new:
            obj.export = {"op": "add", "attrs": attrs, "dn": dn}
        elif attrs or dn:
            obj.export = {"op": "update", "attrs": attrs, "dn": dn}
        else:
            obj.export = None
        changed = not equal_layers(before, obj.export)
        if new and self.outbound.get(obj, "").startswith("provisioned-add"):
            if attrs:
                self.strongest(obj, "provisioned-add-flow")
        elif changed and self.outbound.get(obj, "").startswith(
                "provisioned-rename"):
            self.strongest(obj, "provisioned-rename-flow")
        else:
            self.strongest(obj, "connector-flow" if changed
                           else "connector-no-flow")

    @staticmethod
    def merge(obj, name, base, found):
        """Its values are added, what it added before and gives no more is
        taken back, all others are left alone."""
        there = base.get(name, [])
        before = obj.merged.get(name, [])
        out = [v for v in there if not meets([v], before)
               or meets([v], found)]
        out += [v for v in found if not meets([v], out)]
        obj.merged = {**obj.merged, name: [
            v for v in found if not meets([v], there) or meets([v], before)
        ] + [v for v in before if meets([v], there)
             and not meets([v], found)]}
        return out

    def to_target(self, agent, values):
        """References become the connectors in the target's agent."""
        out = []
        for value in values:
            if isinstance(value, Mv):
                there = [o for o in self.connectors(value)
                         if o.agent == agent]
                if there:
                    out.append(there[0])
            else:
                out.append(value)
        return out

    def strongest(self, obj, name):
        old = self.outbound.get(obj)
        if old is None or STRENGTH.index(name) < STRENGTH.index(old):
            self.outbound[obj] = name

    # ---- what others hear of it

    def settle(self):
        """References and look-ups: whoever means an object that was linked,
        unlinked or changed is looked at again, until nothing changes."""
        self.flowed = {x for x in self.flowed if isinstance(x, Obj)}
        failed = set()
        for mv in self.mvs:
            mv.retry |= mv.timed != self.by_time(mv)
        for mv in [mv for mv in self.mvs if mv.retry]:
            mv.retry = False
            self.settle_one(mv, failed)
        for _ in range(20):
            again = [mv for mv in self.mvs if mv not in failed
                     and mv_differ(self.compute(mv), mv.attrs)]
            relinked, self.relinked = self.relinked, set()
            for mv in self.mvs:
                if mv not in again and any(
                        v in relinked for values in mv.attrs.values()
                        for v in values if isinstance(v, Mv)):
                    again.append(mv)
            if not again:
                return
            for mv in again:
                if mv.alive and mv not in failed:
                    self.settle_one(mv, failed)
        raise AssertionError("references that chase each other")

    def settle_one(self, mv, failed):
        saved = self.save()
        self.blocked = False
        try:
            self.evaluate(mv)
            if self.blocked and self.connectors(mv):
                self.connectors(mv)[0].error = True
        except Failure as error:
            self.restore(saved)
            self.errors.append(str(error))
            mv.retry = True
            failed.add(mv)

    # ---- export

    def run_export(self, agent, target):
        """target: a Directory or Table of the world, which is changed."""
        counters = {}
        errors = []
        # What an import did not find gets nothing: who has its name now is
        # another one.
        pending = [o for o in self.objs[agent]
                   if o.export and o.pend != "delete"]
        limit = self.agent(agent).guards.get("export")
        if limit is not None and not self.allowed and limit < sum(
                o.export["op"] == "delete" for o in pending):
            self.stopped = agent
            return counters, errors
        for obj in self.order(pending):
            layer = obj.export
            name = layer["op"]
            if name == "update" and layer["dn"]:
                name = "rename"
            error = target.put(obj, layer)
            if error:
                bump(counters, "export-failure")
                errors.append(error)
                continue
            bump(counters, f"export-{name}")
            obj.export = None
            if layer["op"] == "delete" or not obj.awaiting:
                obj.awaiting = layer
            else:
                obj.awaiting = {
                    "op": obj.awaiting["op"], "dn": layer["dn"]
                    or obj.awaiting["dn"],
                    "attrs": {**obj.awaiting["attrs"], **layer["attrs"]}}
        return counters, errors

    @staticmethod
    def order(pending):
        return ([o for o in pending if o.export["op"] == "delete"]
                + [o for o in pending if o.export["op"] == "update"
                   and o.export["dn"]]
                + [o for o in pending if o.export["op"] == "add"]
                + [o for o in pending if o.export["op"] == "update"
                   and not o.export["dn"]])


def resolves(rs, view, mv):
    """The condition that keeps a candidate: its own value is the other's."""
    own, name = rs.resolve.pair
    return view.one(own) is not None and any(
        same(view.one(own), x) for x in mv.attrs.get(name, []))


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


mv_differ = differ


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
