-- What the expression language does not reach.
local particles = { ["van"] = true, ["de"] = true }

function FullName(first, last)
  if not first or not last then return nil end
  local out = {}
  for word in last:gmatch("%S+") do
    word = text.lower(word)
    if not particles[word] then
      word = text.upper(text.sub(word, 1, 1)) .. text.sub(word, 2)
    end
    out[#out + 1] = word
  end
  return first .. " " .. table.concat(out, " ")
end

function short_name(o)
  return o.displayName and text.fold(o.displayName):gsub("%W", "")
end

function name_of_entry(person)
  return "CN=" .. person.displayName .. ",OU=Staff,DC=corp,DC=test"
end

function login(person)
  return Login(person.displayName)
end

function Login(name, number)
  local first, last = name:match("^(%S)%S*.-(%S+)$")
  return text.lower(first .. last) .. (number or "")
end
