function kind_of(o)
  if o.what == "yes" then return true end
  return o.what
end
