-- put: store results in their order. `store_result.lua` of `sedano.redis` stands in front of it.
--
-- KEYS[n]                         STRING   the result's key
-- ARGV[3n - 2 .. 3n]              its document, milliseconds to live (0: for good), state
for number, key in ipairs(KEYS) do
  store_result({key, ARGV[3 * number - 2], ARGV[3 * number - 1], ARGV[3 * number]})
end
