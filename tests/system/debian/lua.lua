#!/usr/bin/lua5.4
-- SPDX-License-Identifier: MIT
print(_VERSION, 7 // 2, 1 << 40, 0x7fffffffffffffff + 1, math.pi, string.format("%q %5.1f", "a\nb", 2.25))
local t = {} for i = 1, 200000 do t[i] = i * i % 1009 end table.sort(t) print(t[1], t[#t], #t)
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co())
local f <close> = assert(io.open("f", "w+")) f:write("line 1\nline 2\n") f:seek("set", 5) print(f:read("n", "L", "a"))
local p = io.popen("sort -r", "w") p:write("a\nb\n") print(p:close()) print(os.execute("exit 3")) print(os.rename("f", "g"), os.remove("g"), os.remove("g")) print(io.open("/nosuch")) print(os.getenv("HOME"), os.date("!%F", 0), os.time({year = 2000, month = 1, day = 1, hour = 12}))
print(type(select(2, pcall(error, {code = 1})))) print(select("#", string.byte("hello", 1, -1)), ("x"):rep(3, ","), ("abc"):gsub("%w", "%0%0")) local s = {} for k in string.gmatch("a=1, b=2", "(%w+)=") do s[#s + 1] = k end print(table.concat(s, ";")) collectgarbage() print(collectgarbage("count") < 20000) os.exit(4)
