-- wrk script: GETs of /api/items with POSTs between.
-- Environment: BENCH_KEY, BENCH_WRITES (percent that are POSTs), BENCH_URLS (1: one hot URL; more: a Zipf choice of as many), BENCH_COUNT=1
-- (count x-cache-status, which costs the load generator), BENCH_HEADERS (name=value;...), BENCH_PATH (another path)
local writes = tonumber(os.getenv("BENCH_WRITES") or "0")
local urls = tonumber(os.getenv("BENCH_URLS") or "1")
local counts = {HIT = 0, MISS = 0, STALE = 0, BYPASS = 0, POST = 0}
local statuses = {"new", "in_progress", "review", "done", "archived"}
local cumulated, total, number = {}, 0, 0
for rank = 1, urls do total = total + 1 / rank; cumulated[rank] = total end
math.randomseed(os.time())
if (os.getenv("BENCH_KEY") or "") ~= "" then wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY") end
for pair in string.gmatch(os.getenv("BENCH_HEADERS") or "", "[^;]+") do
  local name, value = pair:match("([^=]+)=(.*)")
  wrk.headers[name] = value
end
local post_headers = {["Content-Type"] = "application/json"}
for name, value in pairs(wrk.headers) do post_headers[name] = value end
local path = os.getenv("BENCH_PATH") or "/api/items"
local function choose()
  if path ~= "/api/items" then return path end
  if urls == 1 then return "/api/items?limit=20" end
  local wanted, low, high = math.random() * total, 1, urls
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cumulated[middle] < wanted then low = middle + 1 else high = middle end
  end
  return "/api/items?limit=" .. (10 + low % 40) .. "&category=category-" .. (low % 50) .. "&status=" .. statuses[low % 5 + 1]
end
request = function()
  if writes > 0 and math.random(100) <= writes then
    number = number + 1
    return wrk.format("POST", "/api/items", post_headers, '{"title":"Written under load ' .. number .. '","category":"category-1"}')
  end
  return wrk.format("GET", choose())
end
if os.getenv("BENCH_COUNT") then
  response = function(status, headers, body)
    local found = headers["x-cache-status"] or "POST"
    counts[found] = counts[found] + 1
    hit, miss, stale, bypass = counts.HIT, counts.MISS, counts.STALE, counts.BYPASS
  end
end
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency)
  local own = threads[1] -- there is one: only its own script saw the answers
  io.write(string.format("BENCH %d %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(95), latency:percentile(99), summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout, own:get("hit") or 0, own:get("miss") or 0, own:get("stale") or 0, own:get("bypass") or 0))
end
