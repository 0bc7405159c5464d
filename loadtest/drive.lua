-- The driver's script for wrk: each POST carries an Idempotency-Key of its own; answers are counted by status.
-- Arguments after `--`: method, body, a prefix that no other run has. The last line printed is the result as JSON.

local threads = {}
local head, tail
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
end

function request()
   if not tail then
      return head
   end
   sent = sent + 1
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
