"""What has to happen in Redis all at once: small scripts, since others read the same streams meanwhile."""

BURY = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 1 then
  redis.call('XADD', KEYS[2], '*', 'stream', KEYS[1], 'id', ARGV[2], 'fields', ARGV[3], 'reason', ARGV[4],
    'time', ARGV[5])
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
end
"""
"""Moves an entry of a stream to the dead letters, once, whoever else has it in hand.

Keys: its stream, the dead letters'. Arguments: the group, the entry's id, its fields, the reason, the time.
"""

FORGET = """
for _, said in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for place = 1, #said, 2 do consumer[said[place]] = said[place + 1] end
  local is_gone = consumer.name == ARGV[2] or consumer.idle >= tonumber(ARGV[3])
  if is_gone and consumer.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
"""
"""Removes consumers that hold nothing: the one named, and those that were not heard of for a while.

With what it holds a consumer may not be removed: Redis would forget that, too. Key: the stream. Arguments: the group,
the consumer that ends, after how many milliseconds of silence others are taken for gone.
"""
