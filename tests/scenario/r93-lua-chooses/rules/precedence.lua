-- A value in capitals is an order. Else who wrote last, but nobody writes
-- "unknown"; "none" takes the value away.
function choose_location(all)
  local current, changed
  for i, c in ipairs(all) do
    if c.value == c.value:upper() then return i end
    if c.value == "none" then return nil end
    if c.value == "wait" then return conjoin.IgnoreThisFlow end
    if c.value ~= "unknown" then
      if c.current then current = i end
      if c.changed then changed = i end
    end
  end
  return changed or current or (#all > 0 and all[1].value ~= "unknown" and 1) or nil
end

-- The longest list.
function most(all)
  local best
  for i, c in ipairs(all) do
    if not best or #c.value > #all[best].value then best = i end
  end
  return best
end
