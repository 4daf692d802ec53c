local function clean(s)
  return (s:gsub('[^%w]', ''))
end
function login(o, s)
  local out = {}
  for part in s:gmatch('%a+') do out[#out + 1] = text.upper(part) end
  return clean(o.sn):sub(1, 3) .. table.concat(out)
end
function all(o)
  local t = {}
  for k, v in pairs(o) do t[#t + 1] = k .. tostring(v) end
  return t
end
function many(o) return o.all end
function no(o) return conjoin.IgnoreThisFlow end
function wrong(o) return o.nonee end
