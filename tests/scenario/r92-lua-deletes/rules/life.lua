-- With HR goes who has no badge left, or is a temp; with a badge nobody.
function should_delete(person, lost, left)
  if lost.agent ~= "hr" or lost.rule_set ~= "person" then return false end
  if person.kind == "odd" then return "yes" end
  if person.kind == "temp" then return true end
  for _, connector in ipairs(left) do
    if connector.agent == "badge" then return false end
  end
  return true
end
