-- Sends the requests of a file in turn, and prints one JSON object at the end.
-- `wrk … URL -- REQUESTS HOST once|again`; each line is a path, a tab, header lines joined by tabs.
local requests, count, at, once = {}, 0, 0, false

function init(args)
  local host = args[2]
  once = args[3] == "once"
  for line in io.lines(args[1]) do
    local path, headers = line:match("^([^\t]*)\t(.*)$")
    count = count + 1
    requests[count] = "GET " .. path .. " HTTP/1.1\r\nHost: " .. host ..
      "\r\nUser-Agent: latchkey-bench\r\nAccept: application/json\r\nAccept-Language: en\r\n" ..
      headers:gsub("\t", "\r\n") .. "\r\n\r\n"
  end
end

function request()
  at = at + 1
  -- A proof serves once: the slice ends before the first would be sent again.
  if once and at > count - 256 then wrk.thread:stop() end
  if at > count then at = 1 end
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"bytes":%d,"wrong":%d,"failed":%d,"p50Us":%d,"p99Us":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
