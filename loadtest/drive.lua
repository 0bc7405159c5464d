-- The driver's script for wrk: each POST carries an Idempotency-Key of its own; answers are counted by status.
-- Arguments after `--`: method, body, a prefix that no other run has, and among how many numbers `@@@` in the body goes
-- round (000, 001, ...). The last line printed is the result as JSON.

local threads = {}
local head, middle, tail
local spread = 1
local sent = 0
local counter_names = {}

function setup(thread)
   threads[#threads + 1] = thread
   thread:set("thread_number", #threads)
end

function init(args)
   local method, body, prefix = args[1], args[2], args[3]
   if method == "GET" then
      head = wrk.format("GET")
      return
   end
   -- The request is laid out once; per request only the key is filled in, so that the driver stays cheap.
   wrk.headers["Content-Type"] = "application/json"
   wrk.headers["Idempotency-Key"] = "@KEY@"
   local before, after = wrk.format(method, nil, nil, body):match("^(.-)@KEY@(.*)$")
   head, tail = before .. prefix .. "-" .. thread_number .. "-", after
   if after:find("@@@", 1, true) then
      middle, tail = after:match("^(.-)@@@(.*)$")
      spread = tonumber(args[4])
   end
end

function request()
   if not tail then
      return head
   end
   sent = sent + 1
   if middle then
      return head .. sent .. middle .. string.format("%03d", sent % spread) .. tail
   end
   return head .. sent .. tail
end

function response(status)
   local name = counter_names[status]
   if not name then
      name = "status_" .. status
      counter_names[status] = name
   end
   _G[name] = (_G[name] or 0) + 1
end

function done(summary, latency)
   local counts = {}
   for status = 100, 599 do
      local total = 0
      for _, thread in ipairs(threads) do
         total = total + (thread:get("status_" .. status) or 0)
      end
      if total > 0 then
         counts[#counts + 1] = string.format('"%d":%d', status, total)
      end
   end
   local errors = summary.errors
   print(string.format(
      '{"duration_us":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"unanswered":%d,"statuses":{%s}}',
      summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
      errors.connect + errors.read + errors.write + errors.timeout, table.concat(counts, ",")))
end
