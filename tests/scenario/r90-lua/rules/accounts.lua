function wants_account(person) return person.active and person.level > 1 end

function title_out(person, account)
  return (person.title or "?") .. person.level
end

function note(person, account, imported)
  return (account.uid or "new") .. "/" .. (imported.uid or "not there")
end

function what_becomes(person, account)
  if person.title == "gone" then return "delete" end
  if person.title == "left" then return "disconnect" end
  return "explicit-disconnect"
end
