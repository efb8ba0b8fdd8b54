"""The figures of circusd-stats, or of Circus's own, as typed records: `sync.StatsClient` and `aio.AsyncStatsClient`."""
