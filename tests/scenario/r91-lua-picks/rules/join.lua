-- The one of the same department who is here longest.
function pick(account, people)
  if account.uid == "bad" then return #people + 1 end
  if account.uid == "worse" then return "first" end
  local best
  for i, person in ipairs(people) do
    if person.department == account.department
        and (not best or person.since < people[best].since) then
      best = i
    end
  end
  return best
end
