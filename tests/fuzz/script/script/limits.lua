function a() while true do pcall(a) end end
function b() local s = 'x' while true do s = s .. s end end
function c() return ('a'):rep(999):find(('a-'):rep(40) .. 'b') end
function d() local t = setmetatable({}, { __len = function() return 1 << 40 end, __index = function(_, k) return k end }) return table.concat(t) end
function e(o) error(o) end
function f(o) return string.format('%5.2f %q', 1 / 3, tostring(o)) end
function g(o) local x <close> = setmetatable({}, { __close = function() while true do end end }) return 1 end
function h() return utf8.char(228, 8364) .. utf8.len('\u{e4}') .. select('#', utf8.codepoint('ab', 1, -1)) end
