-- wrk's script: every request posts one ping of a learner who never came before, as a player would send it.
-- One argument after `--`: the number of the run, which keeps the learners of runs on one database apart.
-- Learners and event ids come in no order, since neither do real ones. A video of ten minutes has sixty pings, and
-- one of them completes it: so does every sixtieth here.

local HEAD = "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
local BODY = '{"type":"VIDEO_PING","event_id":"%08x-%04x-4%03x-a%03x-%04x%08x","user_id":"learner-%03d-%08x",'
    .. '"class_id":"class-%02d","course_id":"course-%d","payload":{"video_id":"video-%02d","position":%d,"duration":600}}'
local CLASSES_PER_COURSE, CLASSES = 10, 40

local threads = 0
local random, format = math.random, string.format
local run, learner, ahead

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

function init(arguments)
    run = tonumber(arguments[1])
    learner = thread_number * 1000000
    math.randomseed(run * 100 + thread_number)
    ahead = HEAD .. #ping() .. "\r\n\r\n" -- every body has the same length
end

function request()
    return ahead .. ping()
end

function ping()
    learner = learner + 1
    local class = random(0, CLASSES - 1)
    local position = learner % 60 == 0 and random(540, 600) or random(100, 539)
    return format(BODY,
        random(0, 0xffffffff), random(0, 0xffff), random(0, 0xfff), random(0, 0xfff), random(0, 0xffff),
        random(0, 0xffffffff), run, learner * 2654435761 % 4294967296,
        class, math.floor(class / CLASSES_PER_COURSE), class, position)
end

-- The last line of the output, as JSON: `duration` in microseconds, `errors` of all kinds, latencies in microseconds.
function done(summary, latency)
    local errors = summary.errors
    io.write(format('{"requests":%d,"duration":%d,"errors":%d,"p50":%d,"p99":%d}\n',
        summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
