function is_test(o) return o.last == "Test" end
function is_person(o) return o.id ~= nil and o.status ~= "none" end
function is_active(o) return o.status == "A" end

function clean_mails(o)
  local out, seen = {}, {}
  for _, mail in ipairs(o.mails or {}) do
    local key = text.fold(text.trim(mail))
    if not seen[key] then
      seen[key] = true
      out[#out + 1] = text.trim(mail)
    end
  end
  return out
end

function title(o)
  if o.title == "keep" then return conjoin.IgnoreThisFlow end
  if o.title == "none" then return conjoin.AuthoritativeNull end
  return o.title
end

function Level(grade)
  return grade and math.tointeger(grade:match("^G(%d+)$")) or 0
end

function since(o)
  if not o.since then return nil end
  local year, month, day = o.since:match("^(%d+)%-(%d+)%-(%d+)$")
  if not year then conjoin.Error("'" .. o.since .. "' is no date") end
  return conjoin.Date(conjoin.Seconds(o.since) + 86400)
end

function site(o)
  return conjoin.Lookup("sites", o.site or "", "city")
end

function boss(o) return o.boss end
