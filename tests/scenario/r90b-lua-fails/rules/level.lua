local function deep(n) return 1 + deep_again(n) end
function deep_again(n) return deep(n) end

function level(o)
  local kind = o.kind
  if kind == "loop" then while true do pcall(level, o) end end
  if kind == "memory" then local s = "x" while true do s = s .. s end end
  if kind == "deep" then return deep(1) end
  if kind == "pattern" then return ("a"):rep(9999):find(("a*"):rep(20) .. "b") end
  if kind == "text" then return "many" end
  if kind == "list" then return { 1, 2 } end
  if kind == "half" then return 1.5 end
  if kind == "nil" then return kind.x.y end
  return #kind
end

function Suffix(kind)
  count = (count or 0) + #kind
  return "-" .. count
end
