"""Rules of a configuration: the text the engine reads, and what it means.

A rule here is an expression's text beside a Python function that says the
same, so no parser is needed.  The function is given a view: view(name) is a
list of values, view.one(name) the only one or None.  It returns a value, a
list of values, None (NULL), STOP (AuthoritativeNull) or IGNORE
(IgnoreThisFlow).

SPDX-License-Identifier: Apache-2.0
"""
import datetime

STOP = object()
IGNORE = object()


class E:
    """An expression: text, meaning, the attributes that it reads, its type."""

    def __init__(self, text, fn, reads=(), kind="string", name=None):
        self.text = text
        self.fn = fn
        self.reads = set(reads)
        self.kind = kind
        self.name = name  # set for a direct flow
        self.lua = None   # the function that a key names

    def values(self, view):
        """A list of values, None, STOP or IGNORE."""
        found = self.fn(view)
        if found is None or found is STOP or found is IGNORE:
            return found
        if not isinstance(found, list):
            found = [found]
        return found or None

    def true(self, view):
        return self.fn(view) is True

    def yaml(self):
        if self.lua:
            return {"lua": self.lua, "reads": sorted(self.reads)}
        return self.text

    def words(self):
        """Where a word may stand an expression says that it is one."""
        return self.yaml() if self.lua else {"from": self.text}


def same(a, b):
    """Is it the same one?  Text ignores case."""
    if isinstance(a, str) and isinstance(b, str):
        return a.casefold() == b.casefold()
    return a is b if not isinstance(a, (bool, int)) else a == b


def fold(value):
    return value.casefold() if isinstance(value, str) else value


def text(value):
    """NULL is the empty text for &."""
    return "" if value is None else value


def attr(name, kind="string"):
    return E(name, lambda v: v(name) or None, [name], kind, name)


def each(function):
    """A function of one value, given several, is applied to each."""
    return lambda values: [function(x) for x in values] or None


def trim(name):
    return E(f"Trim([{name}])", lambda v: each(lambda x: x.strip(" "))(
        v(name)), [name])


def lower(name):
    return E(f"LCase([{name}])", lambda v: each(str.lower)(v(name)), [name])


def upper(name):
    return E(f"UCase([{name}])", lambda v: each(str.upper)(v(name)), [name])


def left(name, n):
    return E(f"Left([{name}], {n})", lambda v: each(lambda x: x[:n])(
        v(name)), [name])


def concat(a, b, between=" "):
    return E(f'[{a}] & "{between}" & [{b}]',
             lambda v: text(v.one(a)) + between + text(v.one(b)), [a, b])


def either(a, b):
    return E(f"IIF(IsPresent([{a}]), [{a}], [{b}])",
             lambda v: v(a) or v(b) or None, [a, b])


def or_stop(a):
    return E(f"IIF(IsPresent([{a}]), [{a}], AuthoritativeNull)",
             lambda v: v(a) or STOP, [a])


def or_ignore(a):
    return E(f"IIF(IsPresent([{a}]), [{a}], IgnoreThisFlow)",
             lambda v: v(a) or IGNORE, [a])


def unless(a, word):
    """NULL when it is this word."""
    return E(f'IIF([{a}] = "{word}", NULL, [{a}])',
             lambda v: None if v.one(a) is not None and same(v.one(a), word)
             else v(a) or None, [a])


def equals(a, word):
    return E(f'[{a}] = "{word}"',
             lambda v: v.one(a) is not None and same(v.one(a), word),
             [a], "boolean")


def differs(a, word):
    return E(f'[{a}] <> "{word}"',
             lambda v: not (v.one(a) is not None and same(v.one(a), word)),
             [a], "boolean")


def present(a):
    return E(f"IsPresent([{a}])", lambda v: bool(v(a)), [a], "boolean")


def absent(a):
    return E(f"IsNullOrEmpty([{a}])",
             lambda v: not v(a) or v(a) == [""], [a], "boolean")


def yes(a):
    """A boolean attribute as a condition."""
    return E(f"[{a}]", lambda v: v.one(a) is True, [a], "boolean")


def wrap(before, e, after):
    """A text around another expression of one value, which must be there."""
    def fn(v):
        values = e.values(v)
        return before + text(values[0] if values else None) + after
    inner = f"[{e.text}]" if e.name else e.text
    return E(f'"{before}" & {inner} & "{after}"', fn, e.reads)


def lower_trim(name):
    return E(f"LCase(Trim([{name}]))", lambda v: each(
        lambda x: x.strip(" ").lower())(v(name)), [name])


# ---- Lua: functions that stand in every folder, and the same in Python

LUA = """
function Shout(value)
  return value and text.upper(value) .. "!"
end

function is_test(object)
  return object.kind == "test" or object.kind == "fax"
end

function title_or_dept(object)
  if object.title == "x" then
    return conjoin.IgnoreThisFlow
  elseif object.title == "Boss" and not object.dept then
    return conjoin.AuthoritativeNull
  end
  return object.title or object.dept
end

function wanted(person)
  return person.title ~= "x" and person.sn ~= nil
end

function farewell(person)
  return person.title == "Clerk" and "delete" or "disconnect"
end

function only_hr(person, lost, left)
  if lost.agent ~= "hr" then return false end
  for _, connector in ipairs(left) do
    if connector.agent == "phone" then return false end
  end
  return true
end

function in_room(object, people)
  for number, person in ipairs(people) do
    if object.room and person.title
        and text.same(person.title, object.room) then
      return number
    end
  end
end
"""


def lua(name, fn, reads, kind="string"):
    e = E(None, fn, reads, kind)
    e.lua = name
    return e


def shout(name):
    return E(f"Shout([{name}])",
             lambda v: v.one(name).upper() + "!"
             if v.one(name) is not None else None, [name])


def is_test():
    return lua("is_test", lambda v: v.one("kind") in ("test", "fax"),
               ["kind"], "boolean")


def title_or_dept():
    def fn(v):
        if v.one("title") == "x":
            return IGNORE
        if v.one("title") == "Boss" and not v("dept"):
            return STOP
        return v("title") or v("dept") or None
    return lua("title_or_dept", fn, ["title", "dept"])


def wanted():
    return lua("wanted", lambda v: v.one("title") != "x" and bool(v("sn")),
               ["title", "sn"], "boolean")


def farewell():
    return lua("farewell", lambda v: "delete" if v.one("title") == "Clerk"
               else "disconnect", ["title"])


def only_hr():
    e = lua("only_hr", None, ["title"])
    e.lost = lambda lost, left: lost.agent == "hr" and not any(
        o.agent == "phone" for o in left)
    return e


def in_room():
    e = lua("in_room", None, ["room"])
    e.pair = ("room", "title")
    return e


def numbered(e_text, fn, reads):
    """A candidate of a name with $n: fn(view, n)."""
    e = E(e_text, None, reads)
    e.numbered = fn
    return e


def meets_mv(own, name):
    """A condition of `resolve`: own attribute and the candidate's."""
    e = E(f'[{own}] = Metaverse("{name}")', None, [own], "boolean")
    e.pair = (own, name)
    return e


def one_of(test, yes_word, no_word):
    return E(f'IIF({test.text}, "{yes_word}", "{no_word}")',
             lambda v: yes_word if test.true(v) else no_word, test.reads)


def constant(value):
    e = E(value, lambda v: value)
    e.constant = True
    return e


class Flow:
    """A source of a value: an expression with its options."""

    def __init__(self, e, when=None, when_null=None, merge=None, lookup=None,
                 of=None):
        self.e = e
        self.when = when
        self.when_null = when_null
        self.merge = merge
        self.lookup = lookup
        self.of = of

    @property
    def reads(self):
        return self.e.reads | (self.when.reads if self.when else set())

    def yaml(self):
        out = {}
        if getattr(self.e, "constant", False):
            out["value"] = self.e.text
        elif not (self.when or self.when_null or self.merge or self.lookup):
            return self.e.yaml()
        elif self.e.lua:
            out.update(self.e.yaml())
        else:
            out["from"] = self.e.text
        if self.lookup:
            out.update(lookup=self.lookup, of=self.of)
        for key in ("when_null", "merge"):
            if getattr(self, key):
                out[key] = getattr(self, key)
        if self.when:
            out["when"] = self.when.yaml()
        return out


class Clock:
    """The time that Now() says, as datetimes are written."""
    now = None


def coming(name):
    """Is this date still to come?"""
    return E(f"[{name}] > Now()",
             lambda v: v.one(name) is not None and v.one(name) > Clock.now,
             [name], "boolean")


def over(name, days=0):
    """Is this date past, some days ago?"""
    shifted = f'DateAdd("d", {days}, [{name}])' if days else f"[{name}]"

    def fn(v):
        if v.one(name) is None:
            return False
        return later(v.one(name), days) < Clock.now
    return E(f"{shifted} < Now()", fn, [name], "boolean")


def later(date, days):
    return (datetime.datetime.fromisoformat(date.replace("Z", ""))
            + datetime.timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class View:
    """Attributes as a rule sees them."""

    def __init__(self, attributes, dn=None):
        self.attributes = attributes
        self.dn = dn

    def __call__(self, name):
        if name == "dn":
            return [self.dn] if self.dn else []
        return self.attributes.get(name, [])

    def one(self, name):
        values = self(name)
        return values[0] if values else None
